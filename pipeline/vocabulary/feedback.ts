/** `vigil.feedback`: what a person says about what we said. */
import { z } from 'zod'
import type { LogsBuilder } from '../data/builders.ts'
import type { LogRecord, Resource } from '../data/telemetry.ts'
import { envelopeSchema, readEnvelope, unixNano, writeEvent } from './event.ts'

/** `accept_as_normal`: what is seen from `since` on is normal for the entity. `withdraw`: an acceptance was wrong; its id is `parent_id`. */
const feedbackKinds = ['accept_as_normal', 'withdraw'] as const

export const feedbackSchema = envelopeSchema.extend({
  kind: z.enum(feedbackKinds),
  feature: z.string().optional().describe('Metric name of the one feature that it is about; without it all.'),
  by: z.string().min(1).describe('Who says so.'),
  since: unixNano().describe('From when on it holds.'),
})
export type Feedback = z.output<typeof feedbackSchema>

const prefix = 'vigil.feedback.'

export function writeFeedback(builder: LogsBuilder, feedback: Feedback): void {
  writeEvent(builder, 'vigil.feedback', feedback, {
    [`${prefix}kind`]: feedback.kind,
    [`${prefix}feature`]: feedback.feature,
    [`${prefix}by`]: feedback.by,
    [`${prefix}since`]: BigInt(feedback.since),
  })
}

/** Undefined for a record that is no such event. */
export function readFeedback(record: LogRecord & { readonly resource: Resource }): Feedback | undefined {
  if (record.eventName !== 'vigil.feedback') return undefined
  const envelope = readEnvelope(record)
  if (envelope === undefined) return undefined
  const of = (name: string) => record.attributes.get(prefix + name)
  const since = of('since')
  const found = feedbackSchema.safeParse({
    ...envelope,
    kind: of('kind'),
    feature: of('feature'),
    by: of('by'),
    since: typeof since === 'bigint' || typeof since === 'number' ? String(since) : undefined,
  })
  return found.success ? found.data : undefined
}
