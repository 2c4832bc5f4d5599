/** `vigil.feedback`: what a person says about what we said. */
import { z } from 'zod'
import type { LogsBuilder } from '../data/builders.ts'
import type { LogRecord, Resource } from '../data/telemetry.ts'
import { asText } from '../data/value.ts'
import { envelopeSchema, eventId, readEnvelope, unixNano, writeEvent } from './event.ts'
import { plainValue } from './fields.ts'

/**
 * `accept_as_normal`: what is seen from `since` on is normal for the entity; with an `incident_id`, for all that the incident is about, which ends it. `withdraw`: an acceptance
 * or a maintenance window was wrong; its id is `parent_id`. `maintenance`: the entity is worked on from `since` until `until`. The others are about the incident of `incident_id`.
 */
export const feedbackKinds = [
  'accept_as_normal',
  'withdraw',
  'acknowledge',
  'snooze',
  'assign',
  'merge',
  'split',
  'resolve',
  'note',
  'maintenance',
] as const
export type FeedbackKind = (typeof feedbackKinds)[number]

export const feedbackSchema = envelopeSchema.extend({
  kind: z.enum(feedbackKinds),
  feature: z.string().optional().describe('Metric name of the one feature that it is about; without it all.'),
  by: z.string().min(1).describe('Who says so.'),
  since: unixNano().describe('From when on it holds.'),
  until: unixNano().optional().describe('Of a snooze or of maintenance: when it is over.'),
  assignee: z.string().optional().describe('Of an assignment: who it is now.'),
  into: z.string().optional().describe('Of a merge: id of the incident that it becomes a part of.'),
  members: z.array(z.string()).max(256).optional().describe('Of a split: event ids of the alarms that leave.'),
  note: z.string().max(4096).optional().describe('In their own words.'),
})
export type Feedback = z.output<typeof feedbackSchema>

/** Of a doing of a person: the same doing, sent twice, is one. `about` is the incident's id, or the entity's. */
export function feedbackId(kind: FeedbackKind, about: string, by: string, since: string, detail = ''): string {
  return eventId('vigil.feedback', kind, about, by, since, detail)
}

const prefix = 'vigil.feedback.'

export function writeFeedback(builder: LogsBuilder, feedback: Feedback): void {
  writeEvent(builder, 'vigil.feedback', feedback, {
    [`${prefix}kind`]: feedback.kind,
    [`${prefix}feature`]: feedback.feature,
    [`${prefix}by`]: feedback.by,
    [`${prefix}since`]: BigInt(feedback.since),
    [`${prefix}until`]: feedback.until === undefined ? undefined : BigInt(feedback.until),
    [`${prefix}assignee`]: feedback.assignee,
    [`${prefix}into`]: feedback.into,
    [`${prefix}members`]: feedback.members,
    [`${prefix}note`]: feedback.note,
  })
}

/** Undefined for a record that is no such event. */
export function readFeedback(record: LogRecord & { readonly resource: Resource }): Feedback | undefined {
  if (record.eventName !== 'vigil.feedback') return undefined
  const envelope = readEnvelope(record)
  if (envelope === undefined) return undefined
  const of = (name: string) => plainValue(record.attributes.get(prefix + name))
  const time = (name: string) => {
    const value = record.attributes.get(prefix + name)
    return typeof value === 'bigint' || typeof value === 'number' ? asText(value) : undefined
  }
  const found = feedbackSchema.safeParse({
    ...envelope,
    kind: of('kind'),
    feature: of('feature'),
    by: of('by'),
    since: time('since'),
    until: time('until'),
    assignee: of('assignee'),
    into: of('into'),
    members: of('members'),
    note: of('note'),
  })
  return found.success ? found.data : undefined
}
