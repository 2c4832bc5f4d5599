/** An alarm for tests: a service is slow. Times are seconds since 1970. */
import type { Anomaly } from './anomaly.ts'
import { type Entity, entityId } from './entity.ts'
import { eventId } from './event.ts'

const nano = 1_000_000_000n

export function slowAlarm(entity: Entity, onset: bigint, observed: bigint, more: Partial<Anomaly> = {}): Anomaly {
  return {
    schema: 1,
    id: eventId('vigil.anomaly', entityId(entity), 'slow', String(onset)),
    entity,
    time: String(onset * nano),
    observed_time: String(observed * nano),
    severity: 'high',
    text: 'it is slow',
    state: 'active',
    type: 'slow',
    detector: 'fused',
    until: String(observed * nano),
    onset_uncertainty: 10,
    quality: 1,
    wakes: false,
    evidence: [],
    ...more,
  }
}
