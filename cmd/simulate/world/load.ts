/** What users do: a Poisson process whose rate swings over the day and the week and wanders a little, with people who try again. */
import type { Topology } from '../topology/schema.ts'
import type { Outcome } from './outcome.ts'
import { Random } from './random.ts'
import type { Edge } from './service.ts'
import type { World } from './world.ts'

const dayMs = 86_400_000
/** The busiest time of the day, in ms after midnight UTC. */
const peakMs = 14 * 3_600_000
const noiseEveryMs = 10_000
/** Lag-1 autocorrelation of the noise from one step to the next. */
const memory = 0.96
const retryAfterMs = [500, 4_000] as const

interface Entry {
  readonly edge: Edge
  readonly weight: number
  readonly slowMs: number
}

/** What users of one operation got so far. */
export interface Served {
  demand: number
  good: number
  slow: number
  failed: number
  /** Refused by a limit or a breaker: part of `failed`. */
  refused: number
}

export class Load {
  readonly served = new Map<string, Served>()
  /** A campaign, or people who stay away. */
  factor = 1
  /** Which operation more than usual, by `service/operation`. */
  readonly emphasis = new Map<string, number>()
  private readonly world: World
  private readonly spec: Topology['users']
  private readonly entries: readonly Entry[]
  private readonly random: Random
  /** What goes wrong must not change who comes when: else two worlds that differ in one fault or action could not be compared. */
  private readonly again: Random
  private noise = 0

  constructor(world: World, spec: Topology['users'], edges: readonly Edge[], seed: number) {
    this.world = world
    this.spec = spec
    this.random = new Random(seed, 'users')
    this.again = world.randomOf('users who try again')
    this.entries = spec.operations.map(({ weight, slow }, i) => ({ edge: edges[i]!, weight, slowMs: slow }))
    for (const { edge } of this.entries)
      this.served.set(nameOf(edge), { demand: 0, good: 0, slow: 0, failed: 0, refused: 0 })
  }

  start(): void {
    const { schedule } = this.world
    schedule.every(noiseEveryMs, () => {
      this.noise = memory * this.noise + Math.sqrt(1 - memory ** 2) * this.random.normal()
    })
    this.next()
  }

  /** Requests a second, now. */
  get rate(): number {
    const { rate, day, week, noise } = this.spec
    const at = this.world.startMs + this.world.schedule.now
    const ofDay = 1 + day * Math.cos((2 * Math.PI * ((at % dayMs) - peakMs)) / dayMs)
    // 1 January 1970 was a Thursday.
    const weekday = Math.floor(at / dayMs + 4) % 7
    const ofWeek = weekday === 0 || weekday === 6 ? 1 - week : 1
    return rate * ofDay * ofWeek * Math.exp(noise * this.noise) * this.factor
  }

  private next(): void {
    const gap = this.random.exponential(1_000 / Math.max(1e-9, this.rate))
    this.world.schedule.after(gap, () => {
      this.request(this.choose(), 1)
      this.next()
    })
  }

  private choose(): Entry {
    const { entries } = this
    let total = 0
    for (const { edge, weight } of entries) total += weight * (this.emphasis.get(nameOf(edge)) ?? 1)
    let at = this.random.next() * total
    for (const entry of entries) {
      at -= entry.weight * (this.emphasis.get(nameOf(entry.edge)) ?? 1)
      if (at < 0) return entry
    }
    return entries.at(-1)!
  }

  private request(entry: Entry, attempt: number): void {
    const { world } = this
    const startMs = world.schedule.now
    const { edge, slowMs } = entry
    const served = this.served.get(nameOf(edge))!
    served.demand++
    const trace = world.newTrace()
    world.calls.make(undefined, edge, trace, (outcome) => {
      const ms = world.schedule.now - startMs
      const isGood = outcome === 'ok' && ms <= slowMs
      count(served, outcome, isGood)
      const { isTouched, refusedBy } = trace
      world.observer.request({
        operation: edge.to,
        outcome,
        ms,
        atMs: world.schedule.now,
        isGood,
        isTouched,
        refusedBy,
      })
      if (outcome !== 'ok' && attempt < 3 && this.again.chance(this.spec.retry)) {
        world.schedule.after(this.again.between(...retryAfterMs), () => this.request(entry, attempt + 1))
      }
    })
  }
}

function count(served: Served, outcome: Outcome, isGood: boolean): void {
  if (isGood) served.good++
  else if (outcome === 'ok') served.slow++
  else {
    served.failed++
    if (outcome === 'limited' || outcome === 'broken' || outcome === 'refused') served.refused++
  }
}

function nameOf({ to }: Edge): string {
  return `${to.service.name}/${to.name}`
}
