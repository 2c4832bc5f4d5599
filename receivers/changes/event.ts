/** The event that a change becomes. */
import { flat } from '../../pipeline/net/json-fields.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { eventId, schemaVersion } from '../../pipeline/vocabulary/event.ts'
import type { ToldChange } from './told-change.ts'

const longest = { text: 1_000, detail: 4_096, reference: 2_048, name: 256 }

/** What nobody says the object of. */
export const theSystem: Entity = {
  kind: 'external',
  cluster: '',
  environment: '',
  namespace: '',
  service: '',
  name: 'the system',
}

export function changeOf(told: ToldChange, entity: Entity, nowNano: bigint): Change {
  const { source, key, isUnnumbered, kind, state, timeNano } = told
  const time = timeNano === undefined || timeNano > nowNano ? nowNano : timeNano
  const optional = {
    reference: flat(told.reference ?? '', longest.reference),
    by: flat(told.by ?? '', longest.name),
    from: flat(told.from ?? '', longest.name),
    to: flat(told.to ?? '', longest.name),
    detail: (told.detail ?? '').slice(0, longest.detail),
  }
  return {
    schema: schemaVersion,
    id: eventId('vigil.change', source, ...key, ...(isUnnumbered ? [String(nowNano)] : [])),
    entity,
    time: String(time),
    observed_time: String(nowNano),
    severity: 'low',
    text: flat(told.text, longest.text) || `${kind} told by ${source}`,
    kind,
    state,
    source: flat(source, longest.name) || 'unknown',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== '')),
  }
}
