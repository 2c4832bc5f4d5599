/** The metrics of a scraping receiver as upstream's `metadata.yaml` describes them, and the `metrics:` and `events:` keys that follow from it. */
import { z } from 'zod'
import { list } from '../config/fields.ts'

export interface DescribedMetric {
  /** By default. */
  readonly enabled: boolean
  /** `counter` is a monotonic sum; sums are cumulative. */
  readonly kind: 'gauge' | 'sum' | 'counter'
  readonly value: 'int' | 'double'
  readonly unit: string
  readonly attributes: readonly string[]
  readonly description: string
}
export type DescribedMetrics = Readonly<Record<string, DescribedMetric>>

export const aggregations = ['sum', 'avg', 'min', 'max'] as const
export type Aggregation = (typeof aggregations)[number]

export interface MetricSettings {
  readonly enabled: boolean
  readonly aggregation_strategy: Aggregation
  readonly attributes: readonly string[]
}

/** `metrics:`, one section by metric. */
export function metricsKey<T extends DescribedMetrics>(metrics: T) {
  const shape = Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [name, metricSection(name, metric)]),
  ) as Record<keyof T & string, ReturnType<typeof metricSection>>
  return z
    .strictObject(shape)
    .prefault({} as never)
    .describe('Which metrics there are.')
}

function metricSection(name: string, { enabled, kind, attributes, description }: DescribedMetric) {
  const valid = `[${attributes.join(', ')}]`
  const attribute = z.string().refine((key) => attributes.includes(key), {
    error: ({ input }) => `metric ${name} doesn't have an attribute ${String(input)}, valid attributes: ${valid}`,
  })
  return z
    .strictObject({
      enabled: z.boolean().default(enabled).describe('Whether it is collected.'),
      aggregation_strategy: z
        .enum(aggregations, {
          error: ({ input }) =>
            `invalid aggregation strategy "${String(input)}", valid strategies: [${aggregations.join(', ')}]`,
        })
        .default(kind === 'gauge' ? 'avg' : 'sum')
        .describe('How points are joined that differ only in attributes that are left out: sum, avg, min or max.'),
      attributes: list(attribute)
        .default([...attributes])
        .describe('The attributes that its points keep.'),
    })
    .prefault({})
    .describe(description)
}

/** `events:`, one section by event; all are off unless they are turned on, as upstream. */
export function eventsKey<const N extends string>(events: Readonly<Record<N, string>>) {
  const section = (description: string) =>
    z
      .strictObject({ enabled: z.boolean().default(false).describe('Whether it is collected.') })
      .prefault({})
      .describe(description)
  const shape = Object.fromEntries(
    Object.entries<string>(events).map(([name, description]) => [name, section(description)]),
  ) as Record<N, ReturnType<typeof section>>
  return z
    .strictObject(shape)
    .prefault({} as never)
    .describe('Which events there are, as log records.')
}
