/**
 * The envelope of every event: a log record with an event name whose attributes say what, about which entity, and since when. Ids follow from
 * content, so that a replay is not a second page.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type LogsBuilder, newLogs } from '../data/builders.ts'
import type { LogRecord, Logs, Origin, Resource, Value } from '../data/telemetry.ts'
import { entityAttributes, entityId, entityPoint, entityResource, entitySchema, parseEntityId } from './entity.ts'

export const schemaVersion = 1

/** OTLP severity numbers. */
const severityNumbers = { critical: 21, high: 17, medium: 13, low: 9 } as const
export const severities = ['critical', 'high', 'medium', 'low'] as const
export type Severity = (typeof severities)[number]

export const eventNames = [
  'vigil.change',
  'vigil.anomaly',
  'vigil.incident',
  'vigil.diagnosis',
  'vigil.decision',
  'vigil.action',
  'vigil.verification',
  'vigil.notification',
  'vigil.feedback',
  'vigil.model',
] as const
export type EventName = (typeof eventNames)[number]

/** Nanoseconds since 1970 as a decimal text, since JSON has no such integers. */
export const unixNano = () => z.string().regex(/^\d{1,19}$/, 'nanoseconds since 1970 in decimal digits')

export const envelopeSchema = z.strictObject({
  schema: z.literal(schemaVersion).describe('Version of this schema.'),
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('Follows from what the event says: the same thing twice has the same id.'),
  parent_id: z.string().optional().describe('The event that this one came of.'),
  incident_id: z.string().optional(),
  incident_revision: z.int().min(0).optional(),
  entity: entitySchema,
  time: unixNano().describe('When it began.'),
  observed_time: unixNano().describe('When it was decided.'),
  severity: z.enum(severities),
  trace_id: z.string().optional().describe('An exemplar.'),
  span_id: z.string().optional(),
  text: z.string().min(1).describe('One sentence for people.'),
})
export type Envelope = z.output<typeof envelopeSchema>
export const envelopeKeys: ReadonlySet<string> = new Set(Object.keys(envelopeSchema.shape))

/** Of all that makes the event this one and no other: its name, the entity and the onset's window. 32 hexadecimal digits. */
export function eventId(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

/** Adds an event to logs. `fields` are what its kind says beyond the envelope, as attributes by their full name; undefined ones are left out. */
export function writeEvent(
  builder: LogsBuilder,
  name: EventName,
  event: Envelope,
  fields: Readonly<Record<string, Value | undefined>>,
): void {
  const attributes: Record<string, Value> = {
    'vigil.schema': event.schema,
    'vigil.event.id': event.id,
    ...entityPoint(event.entity),
    [entityAttributes.id]: entityId(event.entity),
  }
  const optional = {
    'vigil.event.parent_id': event.parent_id,
    'vigil.incident.id': event.incident_id,
    'vigil.incident.revision': event.incident_revision,
    ...fields,
  }
  for (const [key, value] of Object.entries(optional)) if (value !== undefined) attributes[key] = value
  builder
    .resource(entityResource(event.entity))
    .scope('vigil')
    .record({
      eventName: name,
      timeUnixNano: BigInt(event.time),
      observedUnixNano: BigInt(event.observed_time),
      severityNumber: severityNumbers[event.severity],
      severityText: event.severity,
      body: event.text,
      ...(event.trace_id === undefined ? {} : { traceId: event.trace_id }),
      ...(event.span_id === undefined ? {} : { spanId: event.span_id }),
      attributes,
    })
}

/** Undefined for a record that is no event of ours, or of another schema. */
export function readEnvelope(record: LogRecord & { readonly resource: Resource }): Envelope | undefined {
  const { attributes } = record
  const string = (key: string) => {
    const value = attributes.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const revision = attributes.get('vigil.incident.revision')
  const found = envelopeSchema.safeParse({
    schema: attributes.get('vigil.schema'),
    id: string('vigil.event.id'),
    parent_id: string('vigil.event.parent_id'),
    incident_id: string('vigil.incident.id'),
    incident_revision: typeof revision === 'number' ? revision : undefined,
    entity: parseEntityId(string(entityAttributes.id) ?? ''),
    time: String(record.timeUnixNano),
    observed_time: String(record.observedUnixNano),
    severity: severities.find((one) => severityNumbers[one] === record.severityNumber),
    trace_id: record.traceId === '' ? undefined : record.traceId,
    span_id: record.spanId === '' ? undefined : record.spanId,
    text: record.body,
  })
  return found.success ? found.data : undefined
}

/** Logs of events. */
export function eventLogs(origin: Origin | undefined, write: (builder: LogsBuilder) => void): Logs {
  const builder = newLogs(origin)
  write(builder)
  return builder.build()
}
