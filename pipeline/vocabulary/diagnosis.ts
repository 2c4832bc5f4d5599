/** `vigil.diagnosis`: what is behind a revision of an incident, with the evidence for it and what was ruled out. It recommends to people; it authorises nothing. */
import { z } from 'zod'
import type { LogsBuilder } from '../data/builders.ts'
import type { LogRecord, Resource } from '../data/telemetry.ts'
import { entitySchema } from './entity.ts'
import { envelopeKeys, envelopeSchema, readEnvelope, unixNano, writeEvent } from './event.ts'
import { eventFields, plainFields } from './fields.ts'
import { affectedSchema } from './incident.ts'
import { narrativeSchema } from './narrative.ts'

/** What can be the matter with an entity. */
export const hypotheses = [
  'cpu',
  'memory',
  'disk',
  'network',
  'pool_or_lock',
  'cache',
  'queue',
  'query',
  'code',
  'traffic',
  'deploy',
  'config',
  'certificate_or_dns',
  'node',
  'external',
  'unknown',
] as const
export type Hypothesis = (typeof hypotheses)[number]

/** `confirmed` only on direct observation of the mechanism; statistics give `likely` at most. */
export const verdicts = ['confirmed', 'likely', 'inconclusive'] as const
export type Verdict = (typeof verdicts)[number]

export const modalities = ['metric', 'trace', 'log', 'change', 'topology', 'alarm', 'causal', 'history'] as const
export type Modality = (typeof modalities)[number]

/** Where the reader finds it again: in the flight recorder by trace and time, in the feature store by entity, feature and time. */
export const referenceSchema = z.strictObject({
  kind: z.enum(['trace', 'log', 'statement', 'feature', 'event']),
  trace_id: z.string().optional(),
  span_id: z.string().optional(),
  event_id: z.string().optional(),
  entity: z.string().optional().describe('Entity id.'),
  feature: z.string().optional().describe('Metric name with its attributes, as the feature store has it.'),
  from: unixNano(),
  until: unixNano(),
})
export type Reference = z.output<typeof referenceSchema>

export const findingSchema = z.strictObject({
  modality: z.enum(modalities),
  text: z.string().min(1).describe('What was seen, in natural units.'),
  log_likelihood_ratio: z
    .number()
    .describe(
      'How much more likely it is if the entity is the cause than if it suffers from another, as a natural logarithm.',
    ),
  direct: z
    .boolean()
    .describe('The mechanism itself was observed: a plan that scans, an OOM kill, an expired certificate.'),
  reference: referenceSchema,
})
export type Finding = z.output<typeof findingSchema>

const refutationSchema = z.strictObject({
  name: z.enum(['placebo', 'random_common_cause', 'subset', 'dummy_outcome']),
  passed: z.boolean(),
  value: z.number(),
})

export const causeSchema = z.strictObject({
  entity: entitySchema,
  hypothesis: z.enum(hypotheses),
  score: z.number().describe('Sum of the log-likelihood ratios, after what others explain was taken away.'),
  since: unixNano(),
  path: z.array(entitySchema).max(32).describe('From the cause to where users feel it.'),
  findings: z.array(findingSchema).max(32).describe('Strongest first.'),
  effect: z
    .strictObject({
      text: z.string(),
      estimate: z.number(),
      lower: z.number(),
      upper: z.number(),
      refutations: z.array(refutationSchema).max(4),
    })
    .optional()
    .describe('The causal effect on what users feel, by backdoor regression.'),
})
export type Cause = z.output<typeof causeSchema>

const ruledOutSchema = z.strictObject({
  entity: entitySchema,
  hypothesis: z.enum(hypotheses).optional(),
  event_id: z.string().optional().describe('Of a change.'),
  text: z.string().min(1).describe('What it is and why not.'),
})

export const diagnosisSchema = envelopeSchema.extend({
  incident_id: z.string(),
  incident_revision: z.int().min(0),
  verdict: z.enum(verdicts),
  reliability: z
    .strictObject({ cases: z.int().min(0), right: z.number().min(0).max(1), source: z.string() })
    .optional()
    .describe('How often verdicts like this one were right, over how many cases, where.'),
  causes: z.array(causeSchema).max(16).describe('Best first.'),
  ruled_out: z.array(ruledOutSchema).max(32),
  affected: z.array(affectedSchema).max(32),
  missing: z.array(z.string()).max(16).describe('What could not be looked at, and what would have helped.'),
  recommendation: z.string().optional().describe('For a person. Nothing executes it.'),
  similar: z
    .array(z.strictObject({ incident_id: z.string(), text: z.string(), similarity: z.number().min(0).max(1) }))
    .max(8)
    .optional(),
  narrative: narrativeSchema.optional().describe('The same in sentences.'),
  took_seconds: z.number().min(0),
})
export type Diagnosis = z.output<typeof diagnosisSchema>

export const diagnosisName = 'vigil.diagnosis'
const prefix = `${diagnosisName}.`
/** A map: `narrativeSchema`. Whoever writes it reads the diagnosis first. */
export const narrativeAttribute = `${prefix}narrative`

export function writeDiagnosis(builder: LogsBuilder, diagnosis: Diagnosis): void {
  writeEvent(builder, diagnosisName, diagnosis, eventFields(diagnosis, envelopeKeys, prefix))
}

/** Undefined for a record that is no such event. */
export function readDiagnosis(record: LogRecord & { readonly resource: Resource }): Diagnosis | undefined {
  if (record.eventName !== diagnosisName) return undefined
  const envelope = readEnvelope(record)
  if (envelope === undefined) return undefined
  const found = diagnosisSchema.safeParse({ ...envelope, ...plainFields(record, prefix) })
  return found.success ? found.data : undefined
}
