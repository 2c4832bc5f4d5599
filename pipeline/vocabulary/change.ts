/** `vigil.change`: somebody or something changed the system. That it is near in time makes it no cause. */
import { z } from 'zod'
import type { LogsBuilder } from '../data/builders.ts'
import type { LogRecord, Resource } from '../data/telemetry.ts'
import { envelopeKeys, envelopeSchema, readEnvelope, writeEvent } from './event.ts'
import { eventFields, plainFields } from './fields.ts'

const changeKinds = ['deploy', 'rollback', 'flag', 'config', 'scaling', 'ddl', 'restart', 'infrastructure', 'human', 'other'] as const // biome-ignore format: one thing

export const changeSchema = envelopeSchema.extend({
  kind: z.enum(changeKinds),
  state: z.enum(['started', 'finished', 'failed']).describe('A change that takes no time is finished.'),
  source: z
    .string()
    .min(1)
    .describe('Who told: `argo_cd`, `github`, `gitlab`, `flagd`, `kubernetes`, `version`, `note`, ...'),
  reference: z.string().optional().describe('The id or URL that it has there: a commit, a sync, a rollout, a flag.'),
  by: z.string().optional().describe('The person or program that did it.'),
  from: z.string().optional().describe('What it was: a version, a flag value, a number of replicas.'),
  to: z.string().optional(),
  detail: z.string().max(4096).optional().describe('What the source says of it: a commit message, a reason.'),
})
export type Change = z.output<typeof changeSchema>

const prefix = 'vigil.change.'

export function writeChange(builder: LogsBuilder, change: Change): void {
  writeEvent(builder, 'vigil.change', change, eventFields(change, envelopeKeys, prefix))
}

/** Undefined for a record that is no such event. */
export function readChange(record: LogRecord & { readonly resource: Resource }): Change | undefined {
  if (record.eventName !== 'vigil.change') return undefined
  const envelope = readEnvelope(record)
  if (envelope === undefined) return undefined
  const found = changeSchema.safeParse({ ...envelope, ...plainFields(record, prefix) })
  return found.success ? found.data : undefined
}
