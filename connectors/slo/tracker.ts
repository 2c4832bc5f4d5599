/** What was counted for one objective of one entity, and what that says of its budget. */
import type { Origin } from '../../pipeline/data/telemetry.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import type { Alert } from './alert.ts'
import { allowedShare, type Objective } from './objective.ts'
import { type Counts, type Ring, resolutionFor, ringsFor, type SavedRing } from './ring.ts'
import { type SavedVerdicts, SliceVerdicts } from './slice-verdicts.ts'

/** A pane: the finest slot. */
export const slotSeconds = 10
/** Late data is taken back so far behind the oldest slot of a window. */
const lateSeconds = 3_600

export interface Burn {
  /** How many times faster than it may the budget is spent; time before the first data counts as free of errors. */
  burn: number
  /** Of what was counted; undefined where nothing was. */
  ratio: number | undefined
  total: number
  bad: number
  /** How many items the numbers rest on: `total`, less what sampling only estimates. */
  samples: number
}

export interface Exemplar {
  readonly traceId: string
  readonly spanId: string
}

export class Tracker {
  readonly key: string
  readonly entity: Entity
  readonly origin: Origin
  readonly originKey: string
  objective: Objective
  readonly rings: readonly Ring[]
  private readonly verdicts: SliceVerdicts | undefined
  private readonly settleSeconds: number
  private readonly scratch: Counts = { total: 0, part: 0, seen: 0 }
  /** Start of the first slot that had data; -1 = none had. */
  since = -1
  /** End of the newest slot with a total; with a part. */
  private totalUntil = -1
  private partUntil = -1
  /** What was decided rests on data up to here. */
  now = -1
  /** Something came since the last decision. */
  isDirty = false
  exemplar: Exemplar | undefined
  alerts: readonly Alert[] = []

  constructor(place: Place, objective: Objective, windowsSeconds: readonly number[], settleSeconds: number) {
    this.key = place.key
    this.entity = place.entity
    this.origin = place.origin
    this.originKey = place.originKey
    this.objective = objective
    this.settleSeconds = settleSeconds
    this.rings = ringsFor([...windowsSeconds, objective.windowSeconds], lateSeconds)
    if (objective.slices !== undefined) this.verdicts = new SliceVerdicts(objective.slices, lateSeconds)
  }

  /** False = too old. `part` is bad, or good where the objective counts those. */
  take(seconds: number, total: number, part: number, seen: number): boolean {
    const until = (Math.floor(seconds / slotSeconds) + 1) * slotSeconds
    const isTaken =
      this.verdicts === undefined ? this.count(seconds, total, part, seen) : this.takeSlice(seconds, total, part)
    if (!isTaken) return false
    if (total > 0) {
      if (until > this.totalUntil) this.totalUntil = until
      if (this.since < 0 || until - slotSeconds < this.since) this.since = until - slotSeconds
    }
    if (part > 0 && until > this.partUntil) this.partUntil = until
    this.isDirty = true
    return true
  }

  /** Up to where what was counted is complete: totals whose good ones may still come do not count yet. */
  get settledUntil(): number {
    if (this.objective.indicator.kind !== 'good') return this.totalUntil
    return Math.min(this.totalUntil, Math.max(this.partUntil, this.totalUntil - this.settleSeconds))
  }
  get lastData(): number {
    return this.totalUntil
  }

  /** Moves the end of all windows; never back. */
  moveTo(seconds: number): void {
    if (seconds > this.now) this.now = seconds
    this.verdicts?.judgeUntil(this.now, this.isGood, this.note)
  }

  /** Over the window that ends `now`. O(slots of the window). */
  burn(windowSeconds: number, into: Burn): Burn {
    const { indicator } = this.objective
    const ring = this.ringOf(windowSeconds)
    const counts = ring.sum(this.now - windowSeconds, this.now, this.scratch)
    into.total = counts.total
    // In whatever order they came: there are never more bad ones than all.
    const isGoodCounted = this.verdicts === undefined && indicator.kind === 'good'
    into.bad = Math.min(counts.total, Math.max(0, isGoodCounted ? counts.total - counts.part : counts.part))
    into.samples = counts.seen > 0 ? Math.min(counts.seen, counts.total) : counts.total
    if (!(counts.total > 0)) {
      into.total = 0
      into.bad = 0
      into.samples = 0
      into.burn = 0
      into.ratio = undefined
      return into
    }
    into.ratio = into.bad / counts.total
    const covered = this.covered(windowSeconds)
    into.burn = (into.ratio / allowedShare(this.objective)) * covered
    return into
  }

  /** Share of the window since which there are data at all. */
  covered(windowSeconds: number): number {
    if (this.since < 0) return 0
    return Math.min(1, Math.max(slotSeconds, this.now - this.since) / windowSeconds)
  }

  /**
   * When the present trouble began: the start of the slot from which on the most bad ones came beyond what `allowed` (a share) lets pass, as a CUSUM
   * dates a change. O(slots of the window).
   */
  onset(windowSeconds: number, allowed: number): { readonly seconds: number; readonly uncertainty: number } {
    const ring = this.ringOf(windowSeconds)
    const isGoodCounted = this.verdicts === undefined && this.objective.indicator.kind === 'good'
    const last = Math.min(Math.ceil(this.now / ring.slotSeconds) - 1, ring.head)
    const first = Math.max(Math.floor((this.now - windowSeconds) / ring.slotSeconds), ring.head - ring.size + 1, 0)
    let excess = 0
    let most = 0
    let at = last
    for (let slot = last; slot >= first; slot--) {
      const { total, part } = ring.at(slot, this.scratch)
      excess += (isGoodCounted ? total - part : part) - allowed * total
      if (excess <= most || total === 0) continue
      most = excess
      at = slot
    }
    const uncertainty = Math.max(ring.slotSeconds, this.objective.slices?.seconds ?? 0)
    return { seconds: at * ring.slotSeconds, uncertainty }
  }

  save(): SavedTracker {
    const { key, entity, origin, originKey, objective, rings, verdicts, since, totalUntil, partUntil, now, alerts } =
      this
    return {
      key,
      entity,
      origin,
      originKey,
      objective,
      rings: rings.map((ring) => ring.save()),
      verdicts: verdicts?.save(),
      since,
      totalUntil,
      partUntil,
      now,
      alerts,
    }
  }

  restore({ rings, verdicts, since, totalUntil, partUntil, now, alerts }: SavedTracker): void {
    for (const ring of this.rings) {
      const found = rings.find(({ slotSeconds: one }) => one === ring.slotSeconds)
      if (found !== undefined) ring.restore(found)
    }
    if (verdicts !== undefined) this.verdicts?.restore(verdicts)
    this.since = since
    this.totalUntil = totalUntil
    this.partUntil = partUntil
    this.now = now
    this.alerts = alerts
  }

  private ringOf(windowSeconds: number): Ring {
    const resolution = resolutionFor(windowSeconds)
    return this.rings.find((ring) => ring.slotSeconds === resolution)!
  }

  private count(seconds: number, total: number, part: number, seen: number): boolean {
    let isTaken = false
    for (const ring of this.rings) isTaken = ring.add(seconds, total, part, seen) || isTaken
    return isTaken
  }

  private takeSlice(seconds: number, total: number, part: number): boolean {
    return this.verdicts!.add(seconds, total, part, this.isGood, this.note)
  }

  private readonly isGood = (total: number, part: number): boolean => {
    const { indicator, slices } = this.objective
    const good = indicator.kind === 'good' ? part : total - part
    // The shares of people are decimal: 95 of 100 is 95 %.
    return good >= slices!.target * total - 1e-9 * total
  }
  private readonly note = (seconds: number, total: number, bad: number): void => {
    this.count(seconds, total, bad, 0)
  }
}

interface Place {
  readonly key: string
  readonly entity: Entity
  readonly origin: Origin
  readonly originKey: string
}

export interface SavedTracker extends Place {
  readonly objective: Objective
  readonly rings: readonly SavedRing[]
  readonly verdicts: SavedVerdicts | undefined
  readonly since: number
  readonly totalUntil: number
  readonly partUntil: number
  readonly now: number
  readonly alerts: readonly Alert[]
}
