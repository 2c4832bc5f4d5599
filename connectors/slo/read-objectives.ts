/** From what the user wrote, in the config and in files, to objectives. */

import { amount } from '../../pipeline/vocabulary/natural-units.ts'
import { tracePanes } from '../../pipeline/vocabulary/panes.ts'
import type { Condition, Indicator, Objective, Scope, Source } from './objective.ts'
import type { Conditions, Goal, IndicatorSpec, MetricSource, OpenSli, OpenSlo, ShortForm } from './open-slo.ts'

/** A checked document and where it stands, for people. */
export type Document =
  | { readonly form: 'short'; readonly value: ShortForm; readonly where: string }
  | { readonly form: 'SLO'; readonly value: OpenSlo; readonly where: string }
  | { readonly form: 'SLI'; readonly value: OpenSli; readonly where: string }

export interface Linked {
  readonly objectives: readonly Objective[]
  /** `where: what is wrong, what would be right` */
  readonly problems: readonly string[]
}

/** Annotations of an SLO that say more exactly what it is about. */
const scopeAnnotations = {
  operation: 'vigil/operation',
  namespace: 'vigil/namespace',
  environment: 'vigil/environment',
  cluster: 'vigil/cluster',
} as const

export function link(documents: readonly Document[], defaultWindowSeconds: number): Linked {
  const problems: string[] = []
  const indicators = new Map<string, IndicatorSpec>()
  for (const document of documents) {
    if (document.form !== 'SLI') continue
    const { name } = document.value.metadata
    if (indicators.has(name))
      problems.push(`${document.where}: there are two SLIs ${name}; give one of them another name`)
    indicators.set(name, document.value.spec)
  }
  const objectives: Objective[] = []
  const names = new Map<string, string>()
  for (const document of documents) {
    const found =
      document.form === 'short'
        ? fromShort(document.value, defaultWindowSeconds)
        : document.form === 'SLO'
          ? fromOpenSlo(document.value, indicators)
          : []
    for (const one of found) {
      if ('problem' in one) {
        problems.push(`${document.where}: ${one.problem}`)
        continue
      }
      const first = names.get(one.name)
      if (first !== undefined)
        problems.push(
          `${document.where}: an objective ${one.name} is there already (${first}); give one of them another name`,
        )
      names.set(one.name, document.where)
      objectives.push(one)
    }
  }
  return { objectives, problems }
}

type Found = Objective | { readonly problem: string }

function fromShort(form: ShortForm, defaultWindowSeconds: number): readonly Found[] {
  const { service, operation, availability, latency, window: windowSeconds = defaultWindowSeconds } = form
  const label = form.name ?? (operation === undefined ? service : `${service} ${operation}`)
  const common = { scope: scopeOf(service, form), windowSeconds, noun: 'request' }
  const found: Objective[] = []
  const isBoth = availability !== undefined && latency !== undefined
  if (availability !== undefined)
    found.push({
      ...common,
      name: form.name === undefined || isBoth ? `${label} availability` : label,
      target: availability / 100,
      badWords: 'failed',
      indicator: {
        kind: 'bad',
        total: source(tracePanes.requests),
        bad: source(tracePanes.errors),
        seen: source(tracePanes.sampled),
      },
    })
  if (latency !== undefined) {
    const value = latency.threshold / 1_000
    found.push({
      ...common,
      name: form.name === undefined || isBoth ? `${label} latency` : label,
      target: latency.target / 100,
      badWords: `took more than ${amount(value, 's')}`,
      indicator: {
        kind: 'threshold',
        op: 'lte',
        value,
        source: source(tracePanes.duration),
        seen: source(tracePanes.sampled),
      },
    })
  }
  return found
}

function fromOpenSlo({ metadata, spec }: OpenSlo, indicators: ReadonlyMap<string, IndicatorSpec>): readonly Found[] {
  const indicator = spec.indicator?.spec ?? indicators.get(spec.indicatorRef ?? '')
  if (indicator === undefined)
    return [
      {
        problem: `spec.indicatorRef: there is no SLI ${spec.indicatorRef}; known: ${[...indicators.keys()].join(', ') || 'none'}`,
      },
    ]
  const { annotations = {} } = metadata
  const about = Object.fromEntries(
    Object.entries(scopeAnnotations).flatMap(([key, name]) =>
      annotations[name] === undefined ? [] : [[key, annotations[name]]],
    ),
  )
  const scope = scopeOf(spec.service, about)
  return spec.objectives.map((goal, i): Found => {
    const made = indicatorOf(indicator, goal)
    if ('problem' in made) return { problem: `spec.objectives[${i}]: ${made.problem}` }
    const target = goal.target ?? goal.targetPercent! / 100
    const isOne = spec.objectives.length === 1
    const isSliced = spec.budgetingMethod === 'Timeslices'
    return {
      name: isOne ? metadata.name : `${metadata.name}/${goal.displayName ?? i + 1}`,
      scope,
      target,
      windowSeconds: spec.timeWindow[0]!.duration,
      indicator: made,
      badWords: isSliced ? 'were bad' : badWords(made),
      noun: isSliced ? 'slice' : nounOf(made),
      ...(isSliced ? { slices: { seconds: goal.timeSliceWindow!, target: goal.timeSliceTarget! } } : {}),
    }
  })
}

function indicatorOf(
  { ratioMetric, thresholdMetric }: IndicatorSpec,
  goal: Goal,
): Indicator | { readonly problem: string } {
  if (ratioMetric !== undefined) {
    if (goal.op !== undefined || goal.value !== undefined) return { problem: 'op and value are for a thresholdMetric' }
    const total = sourceOf(ratioMetric.total!)
    if (ratioMetric.good !== undefined) return { kind: 'good', total, good: sourceOf(ratioMetric.good) }
    const bad = sourceOf(ratioMetric.bad!)
    const isOurs = total.metric === tracePanes.requests
    return { kind: 'bad', total, bad, ...(isOurs ? { seen: { ...total, metric: tracePanes.sampled } } : {}) }
  }
  if (goal.op === undefined || goal.value === undefined) return { problem: 'a thresholdMetric needs op and value' }
  const of = sourceOf(thresholdMetric!)
  if (of.atMost !== undefined || of.above !== undefined)
    return { problem: 'at_most and above are for ratioMetric; a thresholdMetric has op and value' }
  const isOurs = of.metric === tracePanes.duration
  return {
    kind: 'threshold',
    op: goal.op,
    value: goal.value,
    source: of,
    ...(isOurs ? { seen: { ...of, metric: tracePanes.sampled } } : {}),
  }
}

function source(metric: string): Source {
  return { metric, attributes: [], resource: [] }
}

function sourceOf({ metricSource: { spec } }: MetricSource): Source {
  return {
    metric: spec.metric!,
    attributes: conditionsOf(spec.attributes),
    resource: conditionsOf(spec.resource),
    ...(spec.at_most === undefined ? {} : { atMost: spec.at_most }),
    ...(spec.above === undefined ? {} : { above: spec.above }),
  }
}

function conditionsOf(conditions: Conditions = {}): readonly Condition[] {
  return Object.entries(conditions).map(([key, value]): Condition => {
    if (typeof value !== 'object') return { key, oneOf: [String(value)] }
    if (Array.isArray(value)) return { key, oneOf: value.map(String) }
    return 'matches' in value ? { key, matches: new RegExp(value.matches, 'v') } : { key, exists: value.exists }
  })
}

function scopeOf(service: string, about: Partial<Record<Exclude<keyof Scope, 'service'>, string | undefined>>): Scope {
  const { operation, namespace, environment, cluster } = about
  return {
    service,
    ...(operation === undefined ? {} : { operation }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(environment === undefined ? {} : { environment }),
    ...(cluster === undefined ? {} : { cluster }),
  }
}

function badWords(indicator: Indicator): string {
  if (indicator.kind === 'bad' && indicator.bad.metric === tracePanes.errors) return 'failed'
  if (indicator.kind !== 'threshold') return 'were bad'
  const { op, value, source: of } = indicator
  if (op === 'lte' || op === 'lt')
    return isSeconds(of)
      ? `took more than ${amount(value, 's')}`
      : `were ${op === 'lte' ? 'above' : 'not below'} ${value}`
  return `were ${op === 'gte' ? 'below' : 'not above'} ${value}`
}

function nounOf(indicator: Indicator): string {
  const { metric } = indicator.kind === 'threshold' ? indicator.source : indicator.total
  return /(^vigil\.trace\.|(http|rpc)\.server\.)/.test(metric) ? 'request' : 'value'
}

/** By OpenTelemetry's conventions durations are in seconds. */
function isSeconds({ metric }: Source): boolean {
  return metric.endsWith('.duration')
}
