/** How much an alarm looks like a cause of its own, rather than like what something else does to it. */
import type { Anomaly } from '../../pipeline/vocabulary/anomaly.ts'
import type { EntityKind } from '../../pipeline/vocabulary/entity.ts'

/** 0: traffic, which others make. 1: what a neighbour can do to it. 2: what it does by itself. 3: what only it does. */
const byType: Readonly<Record<string, number>> = {
  slow: 1,
  failing: 1,
  silent: 1,
  surge: 0,
  drop: 0,
  saturated: 2,
  leaking: 3,
  backlog: 1,
  cache_misses: 2,
  restarting: 3,
  noisy_logs: 1,
  new_logs: 1,
  dependency_change: 1,
  unusual: 0,
  slo_burn: 0,
  foreign: 1,
}
/** What sends nothing itself and calls nobody: its slowness is its own. */
const leaves: ReadonlySet<EntityKind> = new Set<EntityKind>(['database', 'query', 'cache', 'queue', 'external', 'node'])
/** Of an explanation, own time must have this share to count. */
const minContribution = 0.2

export function strengthOf({ type, entity, evidence }: Anomaly): number {
  const strength = byType[type] ?? 1
  // A pool fills up when what it leads to is slow.
  if (type === 'saturated' && (entity.kind === 'pool' || evidence[0]?.feature.startsWith('vigil.pool.') === true))
    return 1
  if (strength !== 1) return strength
  if (leaves.has(entity.kind)) return 2
  const ownTime = evidence.find(({ feature }) => feature === 'vigil.self_time')
  const isOwn =
    ownTime?.expected_upper !== undefined &&
    ownTime.observed > ownTime.expected_upper &&
    (ownTime.contribution ?? 0) >= minContribution
  return isOwn ? 2 : 1
}
