/** Whose requests need what is broken, as they were counted before it broke. */
import { type Crossings, crossings } from '../../pipeline/capability/crossings.ts'
import type { Context } from '../../pipeline/component.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import { type Alarm, nanoText } from './alarm.ts'

export type Affected = Incident['affected'][number]

const maxSuspects = 16
const maxAffected = 32

/** What counts them; undefined for a feature store that does not. */
export function crossingsOf(context: Pick<Context, 'extension'>, id: string): Crossings | undefined {
  try {
    return context.extension(crossings, id)
  } catch {
    return undefined
  }
}

/**
 * By operation the largest share of any suspect, which is the least that all of them together reach; those with most affected requests first. Of a part that is not counted
 * by itself, that of its whole. An edge is left out: nobody counts who goes by way of it.
 */
export function affectedBy(members: readonly Alarm[], counted: Crossings | undefined): readonly Affected[] {
  if (counted === undefined) return []
  const suspects = members.filter(({ role }) => role === 'suspect')
  const about = suspects.length > 0 ? suspects : members.slice(0, 1)
  const onset = BigInt(nanoText(Math.min(...about.map(({ since }) => since))))
  const found = new Map<string, Affected>()
  const seen = new Set<string>()
  for (const { entity, entityId: id, place } of about) {
    if (entity.kind === 'edge' || seen.has(id)) continue
    seen.add(id)
    if (seen.size > maxSuspects) break
    const own = counted.sharesOf(id, onset)
    for (const { operation, share, requestsPerSecond } of own.length > 0 ? own : counted.sharesOf(place, onset)) {
      const key = entityId(operation)
      if ((found.get(key)?.share ?? -1) < share)
        found.set(key, { operation, share, requests_per_second: requestsPerSecond })
    }
  }
  const requests = ({ share, requests_per_second: rate = 0 }: Affected) => share * rate
  return [...found.values()].sort((a, b) => requests(b) - requests(a) || b.share - a.share).slice(0, maxAffected)
}
