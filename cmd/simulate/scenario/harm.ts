/**
 * What actions on the world have cost its users.
 *
 * An action answers for the bad requests beyond the level that was there before it, by operation, from the moment it was done until it was undone (and 30 s
 * more, for what has piled up), until a fault begins (from then on nobody can tell them apart), or for ten minutes. The level is the share of bad requests in
 * the ten minutes before; while a cause of a fault is present or another action answers, that of the last minute since then if it is higher. Where several actions answer for the
 * same ten seconds, the latest one answers for what lies beyond its level, the one before it for what is left beyond its own, and so on: nothing is counted
 * twice. What does not clearly exceed chance is not counted at all.
 */
import type { Guard } from '../world/guard.ts'
import type { UserRequest } from '../world/observer.ts'
import type { World } from '../world/world.ts'

const paneMs = 10_000
const usualMs = 600_000
const windowMs = 600_000
const levelMs = 60_000
const settleMs = 30_000
const deviations = 4
/** Of fewer requests no level is told. */
const fewRequests = 20
/** A player that acts more often than this is refused. */
export const maxActions = 10_000

interface Tally {
  all: number
  bad: number
}
type Tallies = Map<string, Tally>

interface Pane {
  readonly fromMs: number
  readonly toMs: number
  readonly byOperation: Tallies
}

/** An action as it was done. */
export interface Acted {
  readonly id: number
  readonly atMs: number
  readonly action: string
  readonly target: string
  readonly by: string
  readonly args: unknown
  readonly guard: Guard
}

interface Entry extends Acted {
  readonly isDuringFault: boolean
  readonly level: (operation: string) => number
  toMs: number
  reversedMs: number | undefined
}

export interface ActionTruth {
  readonly id: number
  readonly at: string
  readonly action: string
  readonly target: string
  /** Through which door it came. */
  readonly by: string
  readonly args: unknown
  readonly reversedAt: string | undefined
  /** A cause was present: the excess may hold what the fault grew by itself. */
  readonly isDuringFault: boolean
  /** Calls that its limit or breaker refused, of users and of services. */
  readonly refusedCalls: number
  /** Requests of users that ended badly and had met a refusal of it, whatever would have become of them otherwise. */
  readonly refusedRequests: number
  /** Batches of telemetry of what would have spoken without it: nobody could see what went on there. */
  readonly lostBatches: number
  /** The goodput that it lost: bad requests beyond the level before it, refused ones included. */
  readonly excessBadRequests: number
  readonly operations: readonly {
    readonly operation: string
    readonly badShareBefore: number
    readonly excessBadRequests: number
  }[]
}

export class Harm {
  private readonly world: World
  /** Of the causes that are present; undefined = none is. */
  private readonly onset: () => number | undefined
  private panes: Pane[] = []
  private prunedMs = 0
  private current: { readonly fromMs: number; readonly byOperation: Tallies }
  private readonly entries: Entry[] = []

  constructor(world: World, onset: () => number | undefined) {
    this.world = world
    this.onset = onset
    this.current = { fromMs: world.schedule.now, byOperation: new Map() }
  }

  request({ operation, isGood, refusedBy, atMs }: UserRequest): void {
    if (Math.floor(atMs / paneMs) !== Math.floor(this.current.fromMs / paneMs)) {
      this.cut(Math.floor(atMs / paneMs) * paneMs)
    }
    const tally = tallyOf(this.current.byOperation, `${operation.service.name}/${operation.name}`)
    tally.all++
    if (isGood) return
    tally.bad++
    if (refusedBy !== undefined) refusedBy.refusedRequests++
  }

  /** Call before what the action does. */
  acted(acted: Acted): void {
    this.look()
    const { now } = this.world.schedule
    this.cut(now)
    const onset = this.onset()
    const usual = sharesOf(this.panes, Math.min(now, onset ?? now) - usualMs, Math.min(now, onset ?? now))
    const lastActed = this.entries.findLast(({ toMs }) => toMs > now)?.atMs
    const since = Math.max(onset ?? 0, lastActed ?? 0, now - levelMs)
    const isDisturbed = onset !== undefined || lastActed !== undefined
    const late = isDisturbed ? sharesOf(this.panes, since, now) : undefined
    const level = (operation: string) => Math.max(usual(operation), late?.(operation) ?? 0)
    const isDuringFault = onset !== undefined
    this.entries.push({ ...acted, isDuringFault, level, toMs: now + windowMs, reversedMs: undefined })
  }

  /** What an action did has been undone. */
  reversed(id: number): void {
    const { now } = this.world.schedule
    const entry = this.entries.find((one) => one.id === id)
    if (entry === undefined || entry.reversedMs !== undefined) return
    entry.reversedMs = now
    entry.toMs = Math.min(entry.toMs, now + settleMs)
  }

  faultBegan(): void {
    const { now } = this.world.schedule
    this.cut(now)
    for (const entry of this.entries) if (entry.atMs < now) entry.toMs = Math.min(entry.toMs, now)
  }

  /** Forgets what no action needs. */
  look(): void {
    const { now } = this.world.schedule
    const isNeeded = ({ fromMs }: Pane) =>
      fromMs >= now - usualMs - paneMs || this.entries.some(({ atMs, toMs }) => fromMs >= atMs && fromMs < toMs)
    if (now < this.prunedMs + usualMs) return
    this.prunedMs = now
    this.panes = this.panes.filter(isNeeded)
  }

  told(): readonly ActionTruth[] {
    const lost = new Map<Entry, Map<string, number>>(this.entries.map((entry) => [entry, new Map()]))
    const wide = new Map<Entry, Tallies>(this.entries.map((entry) => [entry, new Map()]))
    const latestFirst = this.entries.toReversed()
    const { now } = this.world.schedule
    for (const { fromMs, byOperation } of [...this.panes, { ...this.current, toMs: now }]) {
      const inForce = latestFirst.filter((one) => fromMs >= one.atMs && fromMs < one.toMs)
      for (const [operation, { all, bad }] of byOperation) {
        let charged = 0
        for (const entry of inForce) {
          const excess = Math.max(0, bad - entry.level(operation) * all - charged)
          charged += excess
          const of = lost.get(entry)!
          of.set(operation, (of.get(operation) ?? 0) + excess)
          tallyOf(wide.get(entry)!, operation).all += all
        }
      }
    }
    return this.entries.map((entry) => this.tell(entry, lost.get(entry)!, wide.get(entry)!))
  }

  private tell(entry: Entry, lost: ReadonlyMap<string, number>, wide: Tallies): ActionTruth {
    const { id, atMs, action, target, by, args, guard, isDuringFault, reversedMs, level } = entry
    const operations = [...lost]
      .map(([operation, excess]) => ({ operation, badShareBefore: level(operation), excessBadRequests: excess }))
      .filter(({ operation, badShareBefore, excessBadRequests }) => {
        const all = wide.get(operation)?.all ?? 0
        return excessBadRequests > deviations * Math.sqrt(badShareBefore * (1 - badShareBefore) * all + 1)
      })
    return {
      id,
      at: this.at(atMs),
      action,
      target,
      by,
      args,
      reversedAt: reversedMs === undefined ? undefined : this.at(reversedMs),
      isDuringFault,
      refusedCalls: guard.refusedCalls,
      refusedRequests: guard.refusedRequests,
      lostBatches: guard.lostBatches,
      excessBadRequests: Math.round(operations.reduce((sum, one) => sum + one.excessBadRequests, 0)),
      operations,
    }
  }

  private cut(atMs: number): void {
    const { fromMs, byOperation } = this.current
    if (byOperation.size > 0) this.panes.push({ fromMs, toMs: atMs, byOperation })
    this.current = { fromMs: atMs, byOperation: new Map() }
  }

  private at(ms: number): string {
    return new Date(this.world.startMs + ms).toISOString()
  }
}

function tallyOf(tallies: Tallies, operation: string): Tally {
  let tally = tallies.get(operation)
  if (tally === undefined) tallies.set(operation, (tally = { all: 0, bad: 0 }))
  return tally
}

/** Of an operation with few requests, the share over all of them. */
function sharesOf(panes: readonly Pane[], fromMs: number, toMs: number): (operation: string) => number {
  const sums: Tallies = new Map()
  const whole: Tally = { all: 0, bad: 0 }
  for (const pane of panes) {
    if (pane.fromMs < fromMs || pane.fromMs >= toMs) continue
    for (const [operation, { all, bad }] of pane.byOperation) {
      for (const tally of [tallyOf(sums, operation), whole]) {
        tally.all += all
        tally.bad += bad
      }
    }
  }
  return (operation) => {
    const tally = sums.get(operation)
    const from = tally === undefined || tally.all < fewRequests ? whole : tally
    return from.all === 0 ? 0 : from.bad / from.all
  }
}
