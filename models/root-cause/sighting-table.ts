/** The strongest sighting of each kind at each node, and what it says for a state of the node. */
import type { RootCauseCase, SightingKind } from './evidence.ts'
import { sightingKinds } from './evidence.ts'
import { somethingOverNothing } from './likelihood.ts'
import { anyRoot, byItself, oftenByItself, type Signature } from './signatures.ts'

export const kindCount = sightingKinds.length
const kindIndex = new Map(sightingKinds.map((kind, k) => [kind, k]))

/** How often the direction is the expected one if the thing is what was expected. */
const rightDirection = 0.9

/** The cause has the largest change of its kind, as a rule; relative to the largest, squared, this much of the density follows it. */
const largestShare = 0.75
/** Kinds that see one change from two sides: an event that no longer comes, and the one that comes in its place. */
const twins = [['log_support', 'new_logs']].map((pair) => pair.map((kind) => kindIndex.get(kind as SightingKind)!)) as [
  number,
  number,
][]

/** Kinds whose size says nothing of who began. */
const sizeless: ReadonlySet<SightingKind> = new Set([
  // Whole calls: what is passed on may be any multiple of what arrived.
  'latency',
  'errors',
  'requests',
  'change',
  'together',
  'silence',
  'alert_metric',
  'alert_trace',
  'alert_log',
])

/** A signature by kind: probability and direction, what is not named taken from `otherwise`. */
export interface Expectation {
  readonly probability: Float64Array
  readonly direction: Int8Array
}

const nothing = new Float64Array(kindCount).map((_, k) => oftenByItself[sightingKinds[k]!] ?? byItself)

export function expectation(signature: Signature, otherwise: Signature = {}): Expectation {
  const probability = Float64Array.from(nothing)
  const direction = new Int8Array(kindCount)
  for (const source of [otherwise, signature]) {
    for (const [kind, [p, towards]] of Object.entries(source)) {
      const k = kindIndex.get(kind as SightingKind)!
      probability[k] = p
      direction[k] = towards
    }
  }
  return { probability, direction }
}

export const rootExpectation = (signature: Signature): Expectation => expectation(signature, anyRoot)

export class SightingTable {
  readonly nodes: number
  /** [node x kind]: index of the strongest sighting; -1 where nobody could look. */
  readonly strongest: Int32Array
  /** [node x kind]: density if something happened over density if not. */
  readonly ratio: Float64Array
  /** [node x kind]: how the size compares with the largest of its kind, as a factor for the cause. */
  readonly size: Float64Array
  readonly direction: Int8Array
  /** By node: how likely it is that anything at all happened there, whatever it is. */
  readonly unrest: Float64Array

  constructor({ nodes, sightings }: RootCauseCase) {
    const cells = nodes.length * kindCount
    this.nodes = nodes.length
    this.strongest = new Int32Array(cells).fill(-1)
    this.ratio = new Float64Array(cells)
    this.size = new Float64Array(cells).fill(1)
    this.direction = new Int8Array(cells)
    this.unrest = new Float64Array(nodes.length)
    const largest = new Float64Array(kindCount)
    for (const [i, { node, kind, surprise, effect }] of sightings.entries()) {
      const k = kindIndex.get(kind)!
      const cell = node * kindCount + k
      const known = this.strongest[cell] as number
      // Among equals the larger one, so that the order of the sightings cannot matter.
      const rival = sightings[known]
      if (rival === undefined || surprise > rival.surprise || (surprise === rival.surprise && effect > rival.effect))
        this.strongest[cell] = i
    }
    for (let cell = 0; cell < cells; cell++) {
      const sighting = sightings[this.strongest[cell] as number]
      if (sighting === undefined) continue
      const k = cell % kindCount
      this.ratio[cell] = somethingOverNothing(sighting.surprise)
      this.direction[cell] = sighting.direction
      if (this.#happened(cell) > 0.5) largest[k] = Math.max(largest[k] as number, sighting.effect)
    }
    for (let cell = 0; cell < cells; cell++) {
      const sighting = sightings[this.strongest[cell] as number]
      if (sighting === undefined) continue
      const node = Math.floor(cell / kindCount)
      const k = cell % kindCount
      this.unrest[node] = Math.max(this.unrest[node] as number, this.#happened(cell))
      const most = largest[k] as number
      if (most > 0 && !sizeless.has(sightingKinds[k]!)) {
        const share = Math.min(1, sighting.effect / most)
        this.size[cell] = 1 - largestShare + largestShare * 3 * share * share
      }
    }
  }

  #happened(cell: number): number {
    const q = nothing[cell % kindCount] as number
    const odds = q * (this.ratio[cell] as number)
    return odds / (odds + 1 - q)
  }

  /**
   * Log-likelihood ratio of what was seen of one kind at a node: the state that `expected` describes, `weight` of it, over nothing being the matter.
   * 0 where nobody could look. Sizes count where `isRoot`.
   */
  cell(node: number, k: number, { probability, direction }: Expectation, weight: number, isRoot: boolean): number {
    const at = node * kindCount + k
    if (this.strongest[at] === -1) return 0
    const ratio = this.ratio[at] as number
    const usual = nothing[k] as number
    const p = usual + ((probability[k] as number) - usual) * weight
    let factor = isRoot ? (this.size[at] as number) : 1
    const towards = direction[k] as number
    const seen = this.direction[at] as number
    if (towards !== 0 && seen !== 0) factor *= 2 * (towards === seen ? rightDirection : 1 - rightDirection)
    return Math.log((1 - p + p * ratio * factor) / (1 - usual + usual * ratio))
  }

  /** `cell` summed over the kinds; of two that see the same thing only the one that says more. */
  node(node: number, expected: Expectation, weight: number, isRoot: boolean): number {
    let sum = 0
    for (let k = 0; k < kindCount; k++) sum += this.cell(node, k, expected, weight, isRoot)
    for (const [one, other] of twins) {
      const a = this.cell(node, one, expected, weight, isRoot)
      const b = this.cell(node, other, expected, weight, isRoot)
      sum -= Math.abs(a) < Math.abs(b) ? a : b
    }
    return sum
  }
}
