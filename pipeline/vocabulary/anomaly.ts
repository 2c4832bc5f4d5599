/** `vigil.anomaly`: something about an entity is not as it should be, or is so again. */
import { z } from 'zod'
import type { LogsBuilder } from '../data/builders.ts'
import type { LogRecord, Resource } from '../data/telemetry.ts'
import { asText, double } from '../data/value.ts'
import { type Envelope, envelopeSchema, readEnvelope, unixNano, writeEvent } from './event.ts'
import { fieldValue, plainValue } from './fields.ts'

/** What kind of thing is wrong, as far as features can say. `blind` says that telemetry is missing and nothing is known; it is never a service's fault. */
export const anomalyTypes = [
  'slow',
  'failing',
  'silent',
  'surge',
  'drop',
  'saturated',
  'leaking',
  'backlog',
  'cache_misses',
  'restarting',
  'noisy_logs',
  'new_logs',
  'dependency_change',
  'unusual',
  'slo_burn',
  'blind',
] as const
export type AnomalyType = (typeof anomalyTypes)[number]

/** For people: `payment is ...`. */
export const anomalyAdjectives: Readonly<Record<AnomalyType, string>> = {
  slow: 'slow',
  failing: 'failing',
  silent: 'silent',
  surge: 'under more traffic than usual',
  drop: 'short of traffic',
  saturated: 'saturated',
  leaking: 'leaking memory',
  backlog: 'behind with its messages',
  cache_misses: 'missing its cache',
  restarting: 'restarting',
  noisy_logs: 'noisy in its logs',
  new_logs: 'writing new kinds of log records',
  dependency_change: 'calling others than before',
  unusual: 'unlike itself',
  slo_burn: 'burning its error budget',
  blind: 'without telemetry',
}

export const evidenceSchema = z.strictObject({
  feature: z.string().describe('Metric name of the feature.'),
  window: z.string().describe('`1m`, `5m`, `15m` or `1h`; for a burn rate both windows, `1h+5m`.'),
  quantile: z.string().optional(),
  unit: z.string(),
  observed: z.number(),
  expected_lower: z.number().optional(),
  expected_upper: z.number().optional(),
  samples: z.number().optional().describe('Requests, lookups or readings behind the observed value.'),
  contribution: z.number().min(0).max(1).optional(),
})
export type Evidence = z.output<typeof evidenceSchema>

const foreignSchema = z.strictObject({
  source: z.string().min(1).describe('Who told: `alertmanager`, `grafana`, ...'),
  name: z.string().min(1).describe('Name of the rule there.'),
  fingerprint: z.string().min(1).describe('What it is known by there.'),
  url: z.string().optional().describe('Where it can be looked at there.'),
  runbook: z.string().optional(),
  owner: z.string().optional().describe('Whose it is, as that system says.'),
})

export const anomalySchema = envelopeSchema.extend({
  state: z.enum(['active', 'cleared']),
  type: z.enum(anomalyTypes),
  detector: z.string().describe('`fused`, `slo`, `sensor_health`, `rule`, `foreign`.'),
  p_value: z.number().min(0).max(1).optional(),
  score: z.number().min(0).max(1).optional(),
  until: unixNano().describe('End of the last window that the decision saw.'),
  onset_uncertainty: z.number().min(0).describe('Seconds by which `time` may be wrong either way.'),
  quality: z.number().min(0).max(1).describe('Share of the expected telemetry that was there.'),
  wakes: z
    .boolean()
    .describe(
      'Whether it may wake a person: a burn that users feel, a probe that is hard down, a page of another system. A detector alone never does.',
    ),
  evidence: z.array(evidenceSchema).max(16).describe('What was seen and what was expected, strongest first.'),
  caused_by_action: z.string().optional().describe('Id of an action of our own that explains it.'),
  slo: z.string().optional().describe('Of a burn: the name of the SLO.'),
  foreign: foreignSchema.optional().describe('Of an alert of another system.'),
})
export type Anomaly = z.output<typeof anomalySchema>

const prefix = 'vigil.anomaly.'

export function writeAnomaly(builder: LogsBuilder, anomaly: Anomaly): void {
  writeEvent(builder, 'vigil.anomaly', anomaly, {
    [`${prefix}state`]: anomaly.state,
    [`${prefix}type`]: anomaly.type,
    [`${prefix}detector`]: anomaly.detector,
    [`${prefix}p_value`]: anomaly.p_value === undefined ? undefined : double(anomaly.p_value),
    [`${prefix}score`]: anomaly.score === undefined ? undefined : double(anomaly.score),
    [`${prefix}until`]: BigInt(anomaly.until),
    [`${prefix}onset_uncertainty`]: double(anomaly.onset_uncertainty),
    [`${prefix}quality`]: double(anomaly.quality),
    [`${prefix}wakes`]: anomaly.wakes,
    [`${prefix}evidence`]: fieldValue(anomaly.evidence),
    [`${prefix}caused_by_action`]: anomaly.caused_by_action,
    [`${prefix}slo`]: anomaly.slo,
    [`${prefix}foreign`]: fieldValue(anomaly.foreign),
  })
}

/** Undefined for a record that is no such event. */
export function readAnomaly(record: LogRecord & { readonly resource: Resource }): Anomaly | undefined {
  if (record.eventName !== 'vigil.anomaly') return undefined
  const envelope: Envelope | undefined = readEnvelope(record)
  if (envelope === undefined) return undefined
  const of = (name: string) => plainValue(record.attributes.get(prefix + name))
  const found = anomalySchema.safeParse({
    ...envelope,
    state: of('state'),
    type: of('type'),
    detector: of('detector'),
    p_value: of('p_value'),
    score: of('score'),
    until: asText(record.attributes.get(`${prefix}until`) ?? null),
    onset_uncertainty: of('onset_uncertainty'),
    quality: of('quality'),
    wakes: of('wakes'),
    evidence: of('evidence'),
    caused_by_action: of('caused_by_action'),
    slo: of('slo'),
    foreign: of('foreign'),
  })
  return found.success ? found.data : undefined
}
