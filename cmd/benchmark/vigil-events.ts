/** What Vigil says in its own events, with the names that the benchmark has for things. */

import type { LogRecord, Resource } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { type Anomaly, type AnomalyType, readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { readDiagnosis, type Verdict } from '../../pipeline/vocabulary/diagnosis.ts'
import { type Entity, entityKinds } from '../../pipeline/vocabulary/entity.ts'
import { readIncident } from '../../pipeline/vocabulary/incident.ts'

/** A revision of a `vigil.incident`. */
export interface ToldIncident {
  readonly id: string
  readonly wakes: boolean
  readonly members: readonly ToldMember[]
}

export interface ToldMember {
  /** The same for all that is said of one alarm. */
  readonly key: string
  readonly entity: string
  readonly type: AnomalyType | 'foreign'
  /** Another member explains it. */
  readonly isSymptom: boolean
}

export interface ToldDiagnosis {
  readonly incident: string
  readonly verdict: Verdict
  /** The likeliest first. */
  readonly suspects: readonly string[]
}

/** At most one of them. */
export interface VigilSays {
  /** Empty where it is about many. */
  readonly entity: string
  readonly anomaly?: Anomaly
  readonly incident?: ToldIncident
  readonly diagnosis?: ToldDiagnosis
}

/** Undefined for what is no event of Vigil. Throws where one cannot be read: nothing may be judged as if it had not been said. */
export function vigilSays(
  record: LogRecord & { readonly resource: Resource },
  aliases: ReadonlyMap<string, string>,
): VigilSays | undefined {
  const nameOf = (entity: Entity) => aliases.get(whoIs(entity)) ?? whoIs(entity)
  const { eventName } = record
  if (eventName === 'vigil.anomaly') {
    const anomaly = readAnomaly(record) ?? unreadable(record)
    return { entity: nameOf(anomaly.entity), anomaly }
  }
  if (eventName === 'vigil.incident') {
    const { incident_id: id, wakes, members, entity } = readIncident(record) ?? unreadable(record)
    const told = members.map((one) => ({
      key: `${one.event_id} ${one.times}`,
      entity: nameOf(one.entity),
      type: one.type,
      isSymptom: one.role === 'symptom',
    }))
    return { entity: nameOf(entity), incident: { id, wakes, members: told } }
  }
  if (eventName === 'vigil.diagnosis') {
    const { incident_id: incident, verdict, causes, entity } = readDiagnosis(record) ?? unreadable(record)
    const suspects = [...new Set(causes.map((cause) => nameOf(cause.entity)))]
    return { entity: nameOf(entity), diagnosis: { incident, verdict, suspects } }
  }
  return undefined
}

function unreadable({ eventName, body }: LogRecord): never {
  throw new Error(`a ${eventName} cannot be read: ${asText(body)}`)
}

/** The service, node or store that it is about; of an edge, who is called; of a statement, the store that runs it. */
function whoIs({ kind, service, name }: Entity): string {
  if (service !== '') return service
  if (kind === 'query') return name.split(/[ /]/, 1)[0]!
  if (kind !== 'edge') return name
  const [first = '', second = ''] = (name.split(' -> ')[1] ?? name).split(' ')
  return entityKinds.some((one) => one === first) ? second : first
}
