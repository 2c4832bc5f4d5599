/**
 * `vigil.incident`: what belongs to one cause, as far as that is known now. Each change of an incident is an event of its own with the next
 * `incident_revision`; the newest says all there is, so that a reader needs no other.
 */
import { z } from 'zod'
import type { LogsBuilder } from '../data/builders.ts'
import type { LogRecord, Resource } from '../data/telemetry.ts'
import { anomalyTypes } from './anomaly.ts'
import { entitySchema } from './entity.ts'
import { envelopeKeys, envelopeSchema, readEnvelope, severities, unixNano, writeEvent } from './event.ts'
import { eventFields, plainFields } from './fields.ts'

/** `open`: nobody has said anything yet. A `snoozed` one is told again at `snoozed_until`. `merged` and `resolved` are ends: nothing joins them. */
export const incidentStates = ['open', 'acknowledged', 'snoozed', 'resolved', 'merged'] as const
export type IncidentState = (typeof incidentStates)[number]

export const priorities = ['p1', 'p2', 'p3', 'p4'] as const
export type Priority = (typeof priorities)[number]

export const memberSchema = z.strictObject({
  event_id: z.string().describe('Id of the alarm.'),
  entity: entitySchema,
  /** `foreign` is an alert of another system. */
  type: z.enum([...anomalyTypes, 'foreign']),
  severity: z.enum(severities),
  since: unixNano(),
  until: unixNano().optional().describe('When it cleared.'),
  role: z
    .enum(['suspect', 'symptom', 'attached'])
    .describe(
      '`symptom`: something that it calls is a suspect and explains it. `attached`: joined for another reason, and never suppressed.',
    ),
  explained_by: z.string().optional().describe('Of a symptom: the event id of the alarm that explains it.'),
  times: z.int().min(1).describe('How often the same alarm came: it opens and clears again while it flaps.'),
  text: z.string(),
})
export type Member = z.output<typeof memberSchema>

export const affectedSchema = z.strictObject({
  operation: entitySchema,
  share: z.number().min(0).max(1).describe('Of the requests of the operation, those that need what is broken.'),
  requests_per_second: z.number().min(0).optional(),
})

const nearChangeSchema = z.strictObject({
  event_id: z.string(),
  entity: entitySchema,
  time: unixNano(),
  text: z.string(),
})

export const incidentSchema = envelopeSchema.extend({
  incident_id: z.string(),
  incident_revision: z.int().min(0),
  state: z.enum(incidentStates),
  reason: z
    .enum([
      'opened',
      'joined',
      'cleared',
      'severity',
      'suspect',
      'person',
      'snooze_over',
      'quiet',
      'moved',
      'flapping',
      'maintenance',
    ])
    .describe('Why there is this revision.'),
  title: z.string().min(1),
  priority: z.enum(priorities),
  wakes: z.boolean().describe('Whether it may wake a person.'),
  blind: z.boolean().describe('It says that telemetry is missing, not that a service is broken.'),
  flapping: z.boolean(),
  opened: unixNano(),
  resolved: unixNano().optional(),
  until: unixNano().optional().describe('Event time up to which this revision knows.'),
  members: z.array(memberSchema).max(256).describe('Most likely cause first, as far as alarms tell.'),
  left_out: z.int().min(0).describe('Members beyond those listed.'),
  alarms: z.int().min(0).describe('How many alarms came in all, repeated ones counted.'),
  affected: z.array(affectedSchema).max(32),
  owner: z.string().optional(),
  tier: z.int().min(1).max(4).optional(),
  runbook: z.string().optional(),
  url: z.string().optional().describe('Where another system that tells of it can be looked at.'),
  contacts: z.record(z.string(), z.string()).optional(),
  slos: z.array(z.string()).max(32).optional(),
  assignee: z.string().optional(),
  by: z.string().optional().describe('The person whose doing this revision is.'),
  note: z.string().max(4096).optional().describe('What that person said.'),
  snoozed_until: unixNano().optional(),
  merged_into: z.string().optional().describe('Incident id.'),
  split_from: z.string().optional().describe('Incident id.'),
  changes: z
    .array(nearChangeSchema)
    .max(16)
    .optional()
    .describe('What was changed shortly before on what it is about, newest first. That makes it no cause.'),
  separable: z
    .array(z.string())
    .max(256)
    .optional()
    .describe('Event ids of members that look like a second cause: a person may split them off.'),
  maintenance: z
    .string()
    .optional()
    .describe('Name of the maintenance window that it lies in: it is kept and wakes nobody.'),
})
export type Incident = z.output<typeof incidentSchema>

const prefix = 'vigil.incident.'
/** `vigil.incident.id` and `.revision` are the envelope's. */
const withoutEnvelope = new Set(['id', 'revision'])

export function writeIncident(builder: LogsBuilder, incident: Incident): void {
  writeEvent(builder, 'vigil.incident', incident, eventFields(incident, envelopeKeys, prefix))
}

/** Undefined for a record that is no such event. */
export function readIncident(record: LogRecord & { readonly resource: Resource }): Incident | undefined {
  if (record.eventName !== 'vigil.incident') return undefined
  const envelope = readEnvelope(record)
  if (envelope === undefined) return undefined
  const fields = Object.entries(plainFields(record, prefix)).filter(([name]) => !withoutEnvelope.has(name))
  const found = incidentSchema.safeParse({ ...envelope, ...Object.fromEntries(fields) })
  return found.success ? found.data : undefined
}
