/** Changes near the onset as evidence, and what clears them: that one is near in time makes it no cause. */
import type { FeatureStore } from '../../pipeline/capability/feature-store.ts'
import { type Change, readChange } from '../../pipeline/vocabulary/change.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import type { Surroundings, Times } from './surroundings.ts'

export interface ChangeSighting {
  readonly node: number
  readonly change: Change
  readonly surprise: number
  /** Seconds from the change to the onset; negative where it came later. */
  readonly secondsBefore: number
}

/** A service is changed about so often in a day: what a change that is near by chance is measured by. */
const changesPerDay = 2
/** A change may be told before it is in force, and the onset is not known better. */
const leastSeconds = 30
const mostChanges = 200

/** Newest first. Those after the onset, beyond its uncertainty, are no sightings but may still have to be ruled out: their surprise is 0. */
export async function changeSightings(
  store: FeatureStore,
  around: Surroundings,
  { onset, until }: Times,
  { lookbackMs, onsetUncertaintySeconds }: { readonly lookbackMs: number; readonly onsetUncertaintySeconds: number },
): Promise<readonly ChangeSighting[]> {
  const stored = await store.events({
    names: ['vigil.change'],
    fromUnixNano: onset - BigInt(Math.round(lookbackMs)) * 1_000_000n,
    untilUnixNano: until,
    limit: mostChanges,
  })
  const newest = new Map<string, ChangeSighting>()
  for (const { logs } of stored) {
    for (const record of logs) {
      const change = readChange(record)
      if (change === undefined) continue
      const node = around.nodeOf(change.entity)
      if (node < 0) continue
      const secondsBefore = Number(onset - BigInt(change.time)) / 1e9
      const seconds = Math.max(leastSeconds, secondsBefore)
      const chance = -Math.expm1((-changesPerDay * seconds) / 86_400)
      const surprise = secondsBefore < -onsetUncertaintySeconds ? 0 : -Math.log(chance)
      newest.set(change.id, { node, change, surprise, secondsBefore })
    }
  }
  return [...newest.values()].sort((a, b) => a.secondsBefore - b.secondsBefore)
}

/** `deploy of order 2.15.0, 8 s before` */
export function changeText({ change, secondsBefore }: ChangeSighting): string {
  const what = change.to === undefined ? '' : ` ${change.to}`
  const amount = Math.abs(Math.round(secondsBefore))
  const time = amount < 120 ? `${amount} s` : `${Math.round(amount / 60)} min`
  return `${change.kind} of ${entityLabel(change.entity)}${what}, ${time} ${secondsBefore >= 0 ? 'before' : 'after'} the onset`
}
