/** What was counted as metrics: delta sums, one point a pane, so that late records are simply one point more. */
import { MetricsBuilder } from '../../pipeline/data/builders.ts'
import type { NumberPointInit } from '../../pipeline/data/items.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { type Pending, paneSeconds, type ResourceSeries, severities, type TemplateSeries } from './series.ts'

const paneNanos = BigInt(paneSeconds) * 1_000_000_000n
const counted = { unit: '{record}', temporality: 'delta', monotonic: true } as const
const overflow = { 'otel.metric.overflow': true } as const

/** One batch for the resources of one origin. */
export function writeMetrics(resources: readonly ResourceSeries[]): Metrics {
  const builder = new MetricsBuilder(resources[0]?.origin)
  for (const resource of resources) {
    builder.resource(resource.isOverflow ? overflow : resource.attributes).scope('vigil/log_metrics')
    sum(builder, 'vigil.log.records', bySeverity(resource.bySeverity, {}), 'Log records by severity.')
    const { dirty } = resource
    const ofTemplates = dirty.flatMap((series) => points(series.pending, identity(series)))
    sum(
      builder,
      'vigil.log.template.records',
      [...ofTemplates, ...bySeverity(resource.overflow, overflow)],
      'Log records by template and severity.',
    )
    const fresh = dirty.filter(({ newIn }) => newIn >= 0)
    sum(
      builder,
      'vigil.log.template.new',
      fresh.map((series) => point(series.newIn, 1, shown(series))),
      'Templates that were not seen before in this resource.',
    )
    const bursts = dirty.flatMap((series) => series.bursts.map((burst) => ({ burst, attributes: shown(series) })))
    if (bursts.length === 0) continue
    builder.gauge(
      'vigil.log.template.burst',
      bursts.map(({ burst, attributes }) => gauge(burst.pane, burst.surprise, attributes)),
      { unit: '1', description: 'A template came far more often than before: -log10 of the odds, 12 at most.' },
    )
    builder.gauge(
      'vigil.log.template.expected',
      bursts.map(({ burst, attributes }) => gauge(burst.pane, burst.expected, attributes)),
      { unit: '{record}', description: 'How many records of a template in a burst were expected in the pane.' },
    )
  }
  return builder.build()
}

function sum(builder: MetricsBuilder, name: string, all: readonly NumberPointInit[], description: string): void {
  if (all.length > 0) builder.sum(name, all, { ...counted, description })
}

function bySeverity(
  pending: readonly (Pending | undefined)[],
  attributes: Readonly<Record<string, Value>>,
): NumberPointInit[] {
  return pending.flatMap((one, level) =>
    one === undefined ? [] : points(one, { ...attributes, severity: severities[level]! }),
  )
}

function points({ panes, counts }: Pending, attributes: Readonly<Record<string, Value>>): NumberPointInit[] {
  return panes.map((pane, i) => point(pane, counts[i]!, attributes))
}

function point(pane: number, value: number, attributes: Readonly<Record<string, Value>>): NumberPointInit {
  const startUnixNano = BigInt(pane) * paneNanos
  return { value, startUnixNano, timeUnixNano: startUnixNano + paneNanos, attributes }
}

function gauge(pane: number, value: number, attributes: Readonly<Record<string, Value>>): NumberPointInit {
  return { value: double(value), timeUnixNano: BigInt(pane + 1) * paneNanos, attributes }
}

function identity({ id, severity }: TemplateSeries): Readonly<Record<string, Value>> {
  return { 'log.template.id': id, severity: severities[severity]! }
}

/** A signal is read by people: it shows the text. */
function shown(series: TemplateSeries): Readonly<Record<string, Value>> {
  return { ...identity(series), 'log.template': series.template }
}
