/** What tests of `features` feed it with, and how they look at what comes out. */
import { type MetricsBuilder, newMetrics } from '../../pipeline/data/builders.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { asText, double, isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { paneNanos } from '../../pipeline/vocabulary/panes.ts'
import factory from './index.ts'

/** A whole pane; the fake clock begins then. */
export const start = 1_700_000_000_000_000_000n

/** The end of a pane, counted from the start. */
export function tick(pane: number): bigint {
  return start + BigInt(pane) * paneNanos
}

export function service(name: string): Record<string, Value> {
  return { 'service.name': name }
}

interface Row {
  readonly name: string
  readonly kind?: string
  readonly requests: number
  readonly errors?: number
  readonly seconds?: readonly number[]
  readonly edge?: readonly [source: string, target: string]
}

/** As `trace_features` makes them. */
export function panes(pane: number, rows: readonly Row[]): Metrics {
  const builder = newMetrics()
  for (const { name, kind, requests, errors = 0, seconds = [], edge } of rows) {
    const times = { startUnixNano: tick(pane - 1), timeUnixNano: tick(pane) }
    const attributes = {
      'vigil.entity.kind': edge === undefined ? (kind ?? 'service') : 'edge',
      'vigil.entity.name': name,
      ...(edge === undefined ? {} : { 'vigil.edge.source': edge[0], 'vigil.edge.target': edge[1] }),
    }
    const delta = { temporality: 'delta', monotonic: true } as const
    builder.resource(edge === undefined ? service(name) : {}).scope('vigil/trace_features')
    builder.sum('vigil.trace.requests', [{ ...times, attributes, value: double(requests) }], delta)
    if (errors > 0) builder.sum('vigil.trace.errors', [{ ...times, attributes, value: double(errors) }], delta)
    if (seconds.length === 0) continue
    const histogram = new ExponentialHistogram(160)
    for (const value of seconds) histogram.add(value, 1)
    const { count, sum, scale, zeroCount, positive } = histogram
    builder.exponentialHistogram(
      'vigil.trace.duration',
      [{ ...times, attributes, count, sum, scale, zeroCount, positive: positive.read() }],
      { temporality: 'delta', unit: 's' },
    )
  }
  return builder.build()
}

/** As `log_metrics` makes them. */
export function logPane(pane: number, name: string, records: number, errors: number): Metrics {
  const times = { startUnixNano: tick(pane - 1), timeUnixNano: tick(pane) }
  return newMetrics()
    .resource(service(name))
    .scope('vigil/log_metrics')
    .sum(
      'vigil.log.records',
      [
        { ...times, value: records, attributes: { severity: 'INFO' } },
        ...(errors > 0 ? [{ ...times, value: errors, attributes: { severity: 'ERROR' } }] : []),
      ],
      { temporality: 'delta', monotonic: true },
    )
    .build()
}

export function metrics(write: (to: MetricsBuilder) => MetricsBuilder): Metrics {
  return write(newMetrics()).build()
}

/** A processor with a clock that is far ahead of the data, as in a replay; `liveAt`: seconds after `start` at which the clock begins. */
export async function open(
  yaml = '',
  { liveAt, state, ...options }: TestContextOptions & { liveAt?: number; state?: Uint8Array } = {},
) {
  const { context, instance, handle } = build(factory, yaml === '' ? '{}' : yaml, options)
  await context.clock.advance((liveAt ?? 360_000) * 1_000)
  if (state !== undefined) await instance.restore?.(state)
  await instance.start?.()
  const emitted = () => context.recorded.emitted.map(({ batch }) => batch as Metrics)
  const ends = () => [...new Set(emitted().map(endOf))]
  return { context, clock: context.clock, instance, take: handle, emitted, ends }
}

function endOf(batch: Metrics): number {
  for (const { timeUnixNano } of batch) return Number((timeUnixNano - start) / paneNanos)
  return Number.NaN
}

/** By `kind name metric window quantile`; the latest value that was emitted of that tick. */
export function featuresOf(batches: readonly Metrics[], pane: number): (key: string) => number | undefined {
  const values = new Map<string, number>()
  for (const batch of batches) {
    if (endOf(batch) !== pane) continue
    for (const { metric, attributes, value } of batch) {
      const of = attributes.has('vigil.entity.kind')
        ? `${asText(attributes.get('vigil.entity.kind') ?? '')} ${asText(attributes.get('vigil.entity.name') ?? '')}`
        : '-'
      const more = ['window', 'quantile', 'signal'].flatMap((name) =>
        attributes.has(name) ? [asText(attributes.get(name) ?? '')] : [],
      )
      values.set([of, metric.name, ...more].join(' '), numberOf(value))
    }
  }
  return (key) => values.get(key)
}

export function numberOf(value: unknown): number {
  return isDouble(value) ? value.double : Number(value)
}
