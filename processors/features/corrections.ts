/** What was emitted before something was told of it, and must be emitted once more. */
import type { Clock } from '../../pipeline/component.ts'
import { keptPanes, paneMs, windowCount, windowPanes } from './columns.ts'
import type { FeatureEntity } from './entity.ts'
import { groupBits, pooledGroups } from './groups.ts'
import type { Correction } from './tick.ts'

/** For so long, and longer for what comes seldom, a reading is part of windows that begin after it. */
const heldPanes = 12

/** An alias, not an interface: what `save` gives is then written out where a declaration cannot name it. */
type Dirty = {
  pane: number
  /** Kinds of features, as bits of `groups.ts`. */
  groups: number
  /** It was not known to be there so early. */
  isFirst: boolean
}

interface Due {
  readonly involved: ReadonlySet<FeatureEntity>
  /** By tick. */
  readonly byEnd: ReadonlyMap<number, ReadonlyMap<FeatureEntity, Correction>>
}

export class Corrections {
  private readonly clock: Clock
  private readonly panes: number
  private dirty = new Map<FeatureEntity, Dirty>()
  private sinceMs = Number.POSITIVE_INFINITY
  /** By tick, then by entity: how often each window was emitted again. */
  private revisions = new Map<number, Map<FeatureEntity, number[]>>()

  /** `panes`: how far back ticks are corrected. */
  constructor(clock: Clock, panes: number) {
    this.clock = clock
    this.panes = panes
  }

  get isEmpty(): boolean {
    return this.dirty.size === 0
  }
  /** Late data come in drops, and once a tick is enough; where no tick comes, once in the time of one. */
  get isOverdue(): boolean {
    return this.clock.nowMs() - this.sinceMs >= paneMs
  }

  /** Something of this pane came for features of these groups. `isFirst`: the entity was not known to be there so early. */
  mark(of: FeatureEntity, pane: number, groups: number, isFirst: boolean, newest: number): void {
    if (groups === 0 || pane <= newest - this.panes) return
    const known = this.dirty.get(of)
    if (known === undefined) {
      if (this.dirty.size === 0) this.sinceMs = this.clock.nowMs()
      this.dirty.set(of, { pane, groups, isFirst })
    } else {
      known.pane = Math.min(known.pane, pane)
      known.groups |= groups
      known.isFirst ||= isFirst
    }
    const ofParents =
      of.rank === 'edge' ? (groups & groupBits.requests ? groupBits.dependencies : 0) : groups & groupBits.resources
    for (const parent of of.parents) this.mark(parent, pane, ofParents, isFirst, newest)
  }

  /** What must be emitted once more, and how often it was; nothing is to be corrected then. */
  take(newest: number): Due {
    const { dirty } = this
    this.dirty = new Map()
    this.sinceMs = Number.POSITIVE_INFINITY
    const involved = new Set<FeatureEntity>()
    let first = Number.POSITIVE_INFINITY
    for (const [one, { pane, groups }] of dirty) {
      first = Math.min(first, pane)
      if ((groups & pooledGroups) === 0) involved.add(one)
      else withMembers(one, involved)
    }
    const byEnd = new Map<number, Map<FeatureEntity, Correction>>()
    for (let end = Math.max(first, newest - this.panes + 1); end <= newest; end++) {
      let before = this.revisions.get(end)
      if (before === undefined) this.revisions.set(end, (before = new Map()))
      const corrections = new Map<FeatureEntity, Correction>()
      for (const [one, { pane, groups, isFirst }] of dirty) {
        if (pane > end || one.rank === 'part') continue
        let counts = before.get(one)
        if (counts === undefined) before.set(one, (counts = windowPanes.map(() => 0)))
        // A reading holds for a while, and a rate is of the time since an entity is known.
        const more = isFirst ? keptPanes : (groups & groupBits.resources) === 0 ? 0 : heldPanes
        let windows = 0
        for (let w = 0; w < windowCount; w++) {
          if (end - pane >= windowPanes[w]! + more) continue
          windows |= 1 << w
          counts[w] = counts[w]! + 1
        }
        corrections.set(one, { windows, groups, revisions: counts })
      }
      byEnd.set(end, corrections)
    }
    return { involved, byEnd }
  }

  /** No tick so old is corrected any more. */
  closed(newest: number): void {
    this.revisions.delete(newest - this.panes)
  }

  clear(): void {
    this.dirty.clear()
    this.revisions.clear()
  }

  save() {
    return { dirty: this.dirty, revisions: this.revisions }
  }

  restore({ dirty, revisions }: ReturnType<Corrections['save']>): void {
    this.dirty = dirty
    this.revisions = revisions
    if (dirty.size > 0) this.sinceMs = this.clock.nowMs()
  }
}

function withMembers(of: FeatureEntity, into: Set<FeatureEntity>): void {
  if (into.has(of)) return
  into.add(of)
  for (const member of of.members) withMembers(member, into)
}
