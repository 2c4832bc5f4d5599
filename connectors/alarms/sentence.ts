/** What an alarm says to people: natural units first. */
import { type AnomalyType, anomalyAdjectives, type Evidence } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { amount, featureLabel, type LocalTime, range } from '../../pipeline/vocabulary/natural-units.ts'
import type { Finding } from './explanation.ts'

export interface Moment {
  readonly local: LocalTime
  /** Seconds: end of the window. */
  readonly at: number
  readonly onset: number
  readonly uncertainty: number
}

/** `payment P99 3.5 s, expected 40 to 62 ms on a Saturday at 10:15, 118 k requests; since 10:14:38 (+-10 s)` */
export function sentenceOf(entity: Entity, findings: readonly Finding[], p: number, moment: Moment): string {
  const [first] = findings
  if (first === undefined)
    return `${entityLabel(entity)} is unlike itself${on(moment)}, p = ${p.toExponential(0)}; ${since(moment)}`
  const { feature, quantile, window, unit, observed, lower, upper, samples } = first
  const over = window === '1m' || window === '' ? '' : ` over ${window}`
  const expected = lower === undefined && upper === undefined ? '' : `, expected ${range(lower, upper, unit)}`
  const noun = sampleNoun(feature)
  const from = samples === undefined || noun === undefined ? '' : `, ${amount(samples, noun)}`
  return `${entityLabel(entity)} ${featureLabel(feature, quantile)}${over} ${amount(observed, unit)}${expected}${on(moment)}${from}; ${since(moment)}`
}

export function clearedSentence(entity: Entity, type: AnomalyType, { local, at, onset }: Moment): string {
  return `${entityLabel(entity)} is no longer ${anomalyAdjectives[type]}; it was from ${local.second(onset, at)} to ${local.second(at)}`
}

/** Its state is not known any more, and nobody will say that it cleared. */
export function forgottenSentence(entity: Entity, type: AnomalyType, { local, at, onset }: Moment): string {
  return `${entityLabel(entity)} was ${anomalyAdjectives[type]} since ${local.second(onset, at)} and is not heard of any more; the alarm is closed`
}

/** `9 of 14 services are slow at once, which has one cause: cart, catalog, order and 6 more; since 10:14:05 (+-30 s)` */
export function commonSentence(
  plural: string,
  type: AnomalyType,
  { count, all, names }: { readonly count: number; readonly all: number; readonly names: readonly string[] },
  moment: Moment,
): string {
  const listed = names.slice(0, mostNames).join(', ')
  const more = count > mostNames ? ` and ${count - mostNames} more` : ''
  return `${count} of ${all} ${plural} are ${anomalyAdjectives[type]} at once, which has one cause: ${listed}${more}; ${since(moment)}`
}

const mostNames = 3

export function noLongerCommonSentence(
  plural: string,
  type: AnomalyType,
  { local, at, onset }: Pick<Moment, 'local' | 'at' | 'onset'>,
): string {
  return `${plural} are no longer ${anomalyAdjectives[type]} all at once; they were from ${local.second(onset, at)} to ${local.second(at)}`
}

function on({ local, at }: Moment): string {
  return ` on a ${local.weekdayAndMinute(at)}`
}

function since({ local, at, onset, uncertainty }: Moment): string {
  const wrong = Math.round(uncertainty)
  return `since ${local.second(onset, at)}${wrong > 0 ? ` (+-${wrong} s)` : ''}`
}

function sampleNoun(feature: string): string | undefined {
  if (feature.startsWith('vigil.cache.')) return '{lookup}'
  const ofRequests = ['vigil.latency', 'vigil.self_time', 'vigil.network_gap', 'vigil.error.ratio']
  return ofRequests.includes(feature) ? '{request}' : undefined
}

/** Findings as the event carries them. */
export function evidenceOf(findings: readonly Finding[]): Evidence[] {
  return findings.map(({ feature, window, quantile, unit, observed, lower, upper, samples, contribution }) => ({
    feature,
    window,
    ...(quantile === '' ? {} : { quantile }),
    unit,
    observed,
    ...(lower === undefined ? {} : { expected_lower: lower }),
    ...(upper === undefined ? {} : { expected_upper: upper }),
    ...(samples === undefined ? {} : { samples }),
    contribution: Math.min(1, Math.max(0, contribution)),
  }))
}
