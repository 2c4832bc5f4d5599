/**
 * Which node is the cause, and of what kind. Each pair of node and hypothesis tells a story: the node shows the hypothesis' signature, its callers suffer, its
 * callees get other work, everybody else is as usual. A pair's score is the logarithm of how much likelier all sightings are under its story than if nothing
 * were the matter; two pairs differ by what one explains and the other cannot, which is the explaining-away. O(nodes x (kinds x hypotheses + what reaches it)).
 */
import { type CallGraph, callGraph, Reach } from './call-graph.ts'
import type { NodeKind, RankedCause, Ranking, RootCauseCase } from './evidence.ts'
import { sightingKinds } from './evidence.ts'
import { randomWalk } from './random-walk.ts'
import { type Expectation, expectation, kindCount, rootExpectation, SightingTable } from './sighting-table.ts'
import {
  callees as calleeSignature,
  hypothesisSignatures,
  residents as residentSignature,
  spreads,
  victims,
} from './signatures.ts'

export interface RankOptions {
  /** Calls between a cause and those that it still explains. */
  readonly mostHops: number
  /** Part of a fault that is still seen one call further up. */
  readonly perHop: number
  /** Weight of what others show: they show the same fault and are no independent witnesses. */
  readonly witnesses: number
  /** What it adds that a fault there reaches those who feel it: edges that nobody saw are the only way it could not. */
  readonly reaches: number
  /** Weight of the random walk's logarithm. */
  readonly walk: number
  /** Scores are multiplied by it before they become probabilities: sightings of one node are not independent either. */
  readonly sharpness: number
  /** Probability, before anything was seen, that none of the nodes is the cause. */
  readonly none: number
  /** `likely` needs the node to have this probability. */
  readonly likely: number
}

const rankDefaults: RankOptions = {
  mostHops: 6,
  perHop: 0.85,
  witnesses: 0.8,
  reaches: 2,
  walk: 0.5,
  sharpness: 0.5,
  none: 0.1,
  likely: 0.5,
}

/** Part of a whole's signature that a part shows, and the other way. */
const kinShare = 0.7
/** The walk's and the dates' say is bounded, in nats. */
const mostWalk = 1.5
const mostDate = 1.5
const mostSupport = 16
/** Steps of strength between which a sufferer's gain is interpolated. */
const levels = 8
const nodesAtOnce = 32
/** Causes that get their support told; nobody reads on. */
const mostTold = 16

interface Hypothesis {
  readonly name: string
  readonly at: ReadonlySet<NodeKind> | undefined
  readonly prior: number
  readonly root: Expectation
  readonly spread: number
}

const everywhere: ReadonlySet<NodeKind> = new Set([
  'service',
  'instance',
  'database',
  'query',
  'pool',
  'cache',
  'queue',
  'external',
  'node',
])
const hypotheses: readonly Hypothesis[] = hypothesisSignatures.map(({ name, at, prior, root, spread }) => ({
  name,
  at: at === undefined ? everywhere : new Set(at),
  prior,
  root: rootExpectation(root),
  spread: spreads.indexOf(spread),
}))
const victim: readonly Expectation[] = spreads.map((spread) => expectation(victims[spread]))
const callee = expectation(calleeSignature)
const resident = expectation(residentSignature)

/** Throws a `RangeError` where an edge or a sighting is of a node that is not there. */
export function rank(given: RootCauseCase, options: Partial<RankOptions> = {}): Ranking {
  const steps = rankInSteps(given, options)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** The same in steps of a millisecond or so, for whoever has other work to let in between. */
export function* rankInSteps(given: RootCauseCase, options: Partial<RankOptions> = {}): Generator<void, Ranking> {
  const settings = { ...rankDefaults, ...options }
  check(given)
  const nodes = given.nodes.length
  const graph = callGraph(given)
  yield
  const table = new SightingTable(given)
  yield
  const kin = kinOf(given)
  const stories = new Stories(given, graph, table, kin, settings)
  yield* stories.prepare()
  const walk = walkGains(graph, table, given, settings.walk)
  yield
  const dates = dateGains(given, table)
  yield
  const impact = (given.accountsFor ?? new Float64Array(nodes).fill(Number.NaN)).map(impactGain)
  const scores = new Float64Array(nodes * hypotheses.length).fill(Number.NEGATIVE_INFINITY)
  const logPrior = Math.log((1 - settings.none) / Math.max(1, nodes))
  for (let v = 0; v < nodes; v++) {
    if (v % nodesAtOnce === 0) yield
    const kind = given.nodes[v] as NodeKind
    const around = stories.around(v)
    for (const [h, hypothesis] of hypotheses.entries()) {
      if (hypothesis.at?.has(kind) === false) continue
      const own = stories.own(v, hypothesis.root)
      scores[v * hypotheses.length + h] =
        (impact[v] as number) + own + (around[hypothesis.spread] as number) + (walk[v] as number) + (dates[v] as number)
    }
  }
  return concluded(scores, stories, settings, logPrior)
}

function check({ nodes, sightings, felt, partOf, runsOn }: RootCauseCase): void {
  const within = (node: number) => Number.isInteger(node) && node >= 0 && node < nodes.length
  const stray = sightings.find(({ node }) => !within(node))
  if (stray !== undefined) throw new RangeError(`a sighting is of node ${stray.node}: there are ${nodes.length}`)
  if (partOf.length !== nodes.length || runsOn.length !== nodes.length)
    throw new RangeError(`partOf and runsOn have an entry for each of the ${nodes.length} nodes`)
  if (!felt.every(within)) throw new RangeError(`felt names a node beyond the ${nodes.length} there are`)
}

interface Kin {
  readonly parts: readonly (readonly number[])[]
  readonly residents: readonly (readonly number[])[]
}

function kinOf({ nodes, partOf, runsOn }: RootCauseCase): Kin {
  const lists = (of: Int32Array) => {
    const all: number[][] = nodes.map(() => [])
    for (let n = 0; n < of.length; n++) if ((of[n] as number) >= 0) all[of[n] as number]?.push(n)
    return all
  }
  return { parts: lists(partOf), residents: lists(runsOn) }
}

class Stories {
  readonly #case: RootCauseCase
  readonly #graph: CallGraph
  readonly #table: SightingTable
  readonly #kin: Kin
  readonly #settings: RankOptions
  readonly #up: Reach
  readonly #down: Reach
  /** By spread [node x (levels + 1)]: what a sufferer's sightings add, by how much of the fault arrives. */
  readonly #suffers: Float64Array[] = []
  readonly #calls: Float64Array
  /** By node: how much of its unrest can belong to what is felt. */
  readonly #relevance: Float64Array
  readonly #resides: Float64Array

  constructor(given: RootCauseCase, graph: CallGraph, table: SightingTable, kin: Kin, settings: RankOptions) {
    this.#case = given
    this.#graph = graph
    this.#table = table
    this.#kin = kin
    this.#settings = settings
    const nodes = given.nodes.length
    this.#up = new Reach(nodes)
    this.#down = new Reach(nodes)
    const gains = (expected: Expectation) =>
      Float64Array.from({ length: nodes }, (_, n) => table.node(n, expected, 1, false))
    this.#calls = gains(callee)
    this.#relevance = relevanceOf(given)
    this.#resides = gains(resident)
  }

  /** To be run before anything is asked. */
  *prepare(): Generator<void> {
    const width = levels + 1
    const count = this.#case.nodes.length * width
    for (const expected of victim) {
      const gains = new Float64Array(count)
      for (let i = 0; i < count; i++) {
        if (i % (nodesAtOnce * width) === 0) yield
        gains[i] = this.#table.node(Math.floor(i / width), expected, (i % width) / levels, false)
      }
      this.#suffers.push(gains)
    }
  }

  /** What the node's own sightings add, and its kin's, if it is the cause. */
  own(v: number, expected: Expectation): number {
    const { partOf } = this.#case
    let sum = this.#table.node(v, expected, 1, true)
    const parts = this.#kin.parts[v] as readonly number[]
    let ofParts = 0
    for (const part of parts) ofParts += this.#table.node(part, expected, kinShare, true)
    // Parts show the same thing many times over.
    if (parts.length > 0) sum += ofParts / Math.sqrt(parts.length)
    const whole = partOf[v] as number
    if (whole >= 0) sum += this.#table.node(whole, expected, kinShare, true)
    return sum
  }

  /** By spread: what all others' sightings add if `v` is the cause. */
  around(v: number): Float64Array {
    const { partOf, nodes } = this.#case
    const residents = nodes[v] === 'node' ? (this.#kin.residents[v] as readonly number[]) : []
    const whole = partOf[v] as number
    const own = [v, ...(this.#kin.parts[v] as readonly number[]), ...(whole >= 0 ? [whole] : [])]
    const starts = [...own, ...residents]
    this.#up.walk(this.#graph.callers, starts, this.#settings.mostHops, this.#settings.perHop)
    this.#down.walk(this.#graph.callees, starts, 2, this.#settings.perHop)
    const sums = new Float64Array(spreads.length)
    for (let i = 0; i < this.#up.length; i++) {
      const u = this.#up.order[i] as number
      const strength = this.#up.strength[u] as number
      const relevance = this.#relevance[u] as number
      for (let s = 0; s < sums.length; s++) sums[s] = (sums[s] as number) + relevance * this.#suffer(s, u, strength)
    }
    let rest = 0
    for (let i = 0; i < this.#down.length; i++) {
      const u = this.#down.order[i] as number
      // What both calls it and is called by it suffers.
      if ((this.#up.strength[u] as number) === 0)
        rest += (this.#relevance[u] as number) * (this.#down.strength[u] as number) * (this.#calls[u] as number)
    }
    for (const r of residents) rest += this.#resides[r] as number
    const { felt } = this.#case
    const isFelt = felt.some((n) => starts.includes(n) || (this.#up.strength[n] as number) > 0)
    const reaches = isFelt ? this.#settings.reaches : 0
    for (let s = 0; s < sums.length; s++) sums[s] = this.#settings.witnesses * ((sums[s] as number) + rest) + reaches
    return sums
  }

  #suffer(spread: number, node: number, strength: number): number {
    const gains = this.#suffers[spread] as Float64Array
    const level = Math.min(levels - 1, Math.floor(strength * levels))
    const at = node * (levels + 1) + level
    const rest = strength * levels - level
    return (1 - rest) * (gains[at] as number) + rest * (gains[at + 1] as number)
  }

  /** That what users feel comes from somewhere that is not among the nodes. */
  outside(): number {
    const best = spreads.map((_, s) => this.#case.felt.reduce((sum, n) => sum + this.#suffer(s, n, 1), 0))
    return this.#settings.witnesses * Math.max(0, ...best) + (this.#case.felt.length > 0 ? this.#settings.reaches : 0)
  }

  /** The node's and its kin's sightings, by how much likelier they are if it is the cause than if it suffers. */
  support(v: number, { root, spread }: Hypothesis): RankedCause['support'] {
    const own = [v, ...(this.#kin.parts[v] as readonly number[]), this.#case.partOf[v] as number].filter((n) => n >= 0)
    const found: { sighting: number; logLikelihoodRatio: number }[] = []
    for (const n of own) {
      const weight = n === v ? 1 : kinShare
      for (let k = 0; k < kindCount; k++) {
        const sighting = this.#table.strongest[n * kindCount + k] as number
        if (sighting < 0) continue
        const ratio = this.#table.cell(n, k, root, weight, true) - this.#table.cell(n, k, victim[spread]!, 1, false)
        found.push({ sighting, logLikelihoodRatio: ratio })
      }
    }
    return found
      .sort((a, b) => b.logLikelihoodRatio - a.logLikelihoodRatio || a.sighting - b.sighting)
      .slice(0, mostSupport)
  }

  explains(v: number, { spread }: Hypothesis): readonly number[] {
    this.around(v)
    const found: { sighting: number; gain: number }[] = []
    for (let i = 0; i < this.#up.length; i++) {
      const u = this.#up.order[i] as number
      for (let k = 0; k < kindCount; k++) {
        const sighting = this.#table.strongest[u * kindCount + k] as number
        const gain = this.#table.cell(u, k, victim[spread]!, this.#up.strength[u] as number, false)
        if (sighting >= 0 && gain > 0.5) found.push({ sighting, gain })
      }
    }
    return found
      .sort((a, b) => b.gain - a.gain || a.sighting - b.sighting)
      .slice(0, mostSupport)
      .map(({ sighting }) => sighting)
  }
}

function walkGains(graph: CallGraph, table: SightingTable, given: RootCauseCase, weight: number): Float64Array {
  const nodes = table.nodes
  const visits = randomWalk(
    graph,
    relevanceOf(given).map((relevance, n) => relevance * (table.unrest[n] as number)),
    given.felt,
  )
  return visits.map((share) => Math.max(-mostWalk, Math.min(mostWalk, weight * Math.log(share * nodes + 1e-9))))
}

/** Unrest at a node that accounts for nothing of what is felt is, for the most part, another matter. */
const leastRelevance = 0.25

function relevanceOf({ nodes, accountsFor }: RootCauseCase): Float64Array {
  return Float64Array.from({ length: nodes.length }, (_, n) => {
    const share = accountsFor?.[n] ?? Number.NaN
    return Number.isNaN(share) ? 1 : leastRelevance + (1 - leastRelevance) * share
  })
}

/**
 * The cause accounts for most of what is felt, unless the fault changes its nature on the way (slow here, failing there); a bystander's noise seldom
 * amounts to anything beside it. Densities over 0..1.
 */
function impactGain(share: number): number {
  if (Number.isNaN(share)) return 0
  return Math.log((0.3 + 1.4 * share) / (0.25 + 3 * (1 - share) ** 3))
}

/** Who began later than others did, by more than their dates may be off, is less likely the cause. */
function dateGains({ sightings }: RootCauseCase, table: SightingTable): Float64Array {
  const since = new Float64Array(table.nodes).fill(Number.NaN)
  const uncertainty = new Float64Array(table.nodes)
  for (let cell = 0; cell < table.strongest.length; cell++) {
    const sighting = sightings[table.strongest[cell] as number]
    const node = Math.floor(cell / kindCount)
    if (sighting === undefined || sightingKinds[cell % kindCount] === 'change') continue
    if (Number.isNaN(sighting.since) || sighting.surprise < datedSurprise) continue
    if (since[node]! <= sighting.since) continue
    since[node] = sighting.since
    uncertainty[node] = sighting.sinceUncertainty
  }
  const dated = since.filter((value) => !Number.isNaN(value)).sort()
  // Of many dates the first few are wrong.
  const first = dated[Math.floor(dated.length / 5)] ?? Number.NaN
  return since.map((value, n) => {
    if (Number.isNaN(value) || Number.isNaN(first)) return 0
    const scale = Math.max(1, uncertainty[n] as number)
    return -Math.min(mostDate, Math.max(0, (value - first) / scale - 1) / 2)
  })
}

/** -ln p from which a sighting's date is worth something. */
const datedSurprise = 6

function concluded(scores: Float64Array, stories: Stories, settings: RankOptions, logPrior: number): Ranking {
  const width = hypotheses.length
  const nodes = scores.length / width
  const totalPrior = hypotheses.reduce((sum, { prior }) => sum + prior, 0)
  const logWeights = scores.map(
    (score, i) => settings.sharpness * score + logPrior + Math.log(hypotheses[i % width]!.prior / totalPrior),
  )
  const noneWeight = settings.sharpness * stories.outside() + Math.log(settings.none)
  let most = noneWeight
  for (const weight of logWeights) if (weight > most) most = weight
  let total = Math.exp(noneWeight - most)
  for (const weight of logWeights) total += Math.exp(weight - most)
  const probability = logWeights.map((weight) => Math.exp(weight - most) / total)
  const nodeProbability = new Float64Array(nodes)
  const causes: RankedCause[] = []
  for (let v = 0; v < nodes; v++) {
    let best = 0
    for (let h = 0; h < width; h++) {
      nodeProbability[v] = (nodeProbability[v] as number) + (probability[v * width + h] as number)
      if ((logWeights[v * width + h] as number) > (logWeights[v * width + best] as number)) best = h
    }
    const hypothesis = hypotheses[best]!
    causes.push({
      node: v,
      hypothesis: hypothesis.name,
      score: scores[v * width + best] as number,
      probability: probability[v * width + best] as number,
      support: [],
      explains: [],
    })
  }
  causes.sort((a, b) => (nodeProbability[b.node] as number) - (nodeProbability[a.node] as number) || b.score - a.score)
  const told = causes.map((cause, place) => {
    if (place >= mostTold) return cause
    const hypothesis = hypotheses.find(({ name }) => name === cause.hypothesis)!
    return {
      ...cause,
      support: stories.support(cause.node, hypothesis),
      explains: stories.explains(cause.node, hypothesis),
    }
  })
  const first = causes[0]
  const isLikely = first !== undefined && (nodeProbability[first.node] as number) >= settings.likely
  return {
    causes: told,
    nodeProbability,
    none: Math.exp(noneWeight - most) / total,
    verdict: isLikely ? 'likely' : 'inconclusive',
  }
}
