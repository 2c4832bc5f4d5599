/** Alarms that must not be raised: what looks like less traffic may be less telemetry, or be said by another alarm already. */
import type { AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import type { SensorHealth } from './sensor-health.ts'
import type { Registry, Watched } from './watched.ts'

/**
 * `blind`: telemetry of everything is missing. `silence`: its service is silent, and it is not known why. `incomplete`: its sources were not heard of in the
 * whole window. `callers_disagree`: callers see no less traffic. `placement`: traffic moves between versions and instances all the time. `part`: the
 * service as a whole has the alarm. `within_expected`: it was explained, and no feature is outside its bounds on its bad side.
 * `unexplained`: small, lasting, and never strange enough to be explained: there is nothing to tell. `over_budget`: the budget is used up, and its effect is
 * not `high`.
 */
export type Held =
  | 'blind'
  | 'silence'
  | 'incomplete'
  | 'callers_disagree'
  | 'placement'
  | 'part'
  | 'within_expected'
  | 'unexplained'
  | 'over_budget'

export interface Knowledge {
  readonly registry: Registry
  readonly sensors: SensorHealth
  readonly isBlind: boolean
  readonly at: number
}

/** Kinds that missing telemetry makes by itself. */
const absences: ReadonlySet<AnomalyType> = new Set(['silent', 'drop', 'unusual', 'dependency_change'])
const traffic: ReadonlySet<AnomalyType> = new Set(['silent', 'drop', 'surge'])
const leastComplete = 0.8

/** Undefined where it may be raised. */
export function heldBack(watched: Watched, type: AnomalyType, knowledge: Knowledge): Held | undefined {
  const { entity } = watched
  if (traffic.has(type) && (entity.kind === 'version' || entity.kind === 'instance')) return 'placement'
  if (!absences.has(type)) return undefined
  if (knowledge.isBlind) return 'blind'
  const service = reporter(entity, knowledge)
  const health = knowledge.sensors.of(service)?.health
  if (health === 'down') return service === watched ? undefined : 'part'
  if (health === 'unsure' || health === 'lost') return 'silence'
  if (!traffic.has(type)) return undefined
  if (service !== watched && service?.alarms.some((alarm) => alarm.type === 'silent' || alarm.type === 'drop') === true)
    return 'part'
  if (watched.completeness < leastComplete) return 'incomplete'
  if (service === watched && knowledge.sensors.callersSay(watched, knowledge.at) === 'fine') return 'callers_disagree'
  return undefined
}

/** The service whose telemetry an entity is known by: an edge is seen by its caller. */
function reporter(entity: Entity, { registry }: Knowledge): Watched | undefined {
  if (entity.kind === 'edge') return registry.sourceOf(entity)
  const service = serviceOf(entity)
  return service === undefined ? undefined : registry.find(entityId(service))
}
