/** Several metrics as one. */
import { type Aggregation, aggregatedPoints } from '../../pipeline/data/aggregate-points.ts'
import { type MetricRewrite, newMetricDraft } from '../../pipeline/data/rewritten-metric.ts'
import type { TransformConfig } from './config.ts'
import type { Selection } from './selection.ts'

/** Throws what upstream refuses to combine, in its words. */
export function checkCombinable(metrics: readonly MetricRewrite[]): void {
  const summary = metrics.find(({ type }) => type === 'summary')
  if (summary !== undefined) throw new Error(`summary metrics cannot be combined: ${summary.name}`)
  const [first, ...others] = metrics
  if (first === undefined) return
  const labels = labelNames(first)
  for (const other of others) {
    const differ = (what: string, a: unknown, b: unknown) =>
      new Error(
        `metrics cannot be combined as they ${what}: ${first.name} (${String(a)}) and ${other.name} (${String(b)})`,
      )
    if (first.type !== other.type) throw differ('are of different types', first.type, other.type)
    if (first.unit !== other.unit) throw differ('have different units', first.unit, other.unit)
    const own = labelNames(other)
    if (own.size !== labels.size || [...own].some((name) => !labels.has(name)))
      throw differ('have different attributes', [...labels].join(' '), [...own].join(' '))
    if (first.temporality !== other.temporality)
      throw differ('have different aggregation temporalities', first.temporality, other.temporality)
    if (first.monotonic !== other.monotonic)
      throw differ('have different monotonicity', first.monotonic, other.monotonic)
  }
}

function labelNames({ points }: MetricRewrite): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { attributes } of points) for (const [name] of attributes.entries()) names.add(name)
  return names
}

/** One metric with the points of all; what the groups of the pattern took becomes labels. The given ones must not stand anywhere else then. */
export function combined(
  metrics: readonly MetricRewrite[],
  { new_name, submatch_case, aggregation_type }: TransformConfig,
  { labelsOf }: Selection,
): MetricRewrite {
  for (const { name, points } of metrics) {
    for (const [label, value] of labelsOf(name)) {
      const text = inCase(value, submatch_case)
      for (const { attributes } of points) attributes.set(label, text)
    }
  }
  const { type, unit, description, temporality, monotonic } = metrics[0]!
  return newMetricDraft({
    name: new_name,
    type,
    unit,
    description,
    ...(type === 'gauge' || type === 'empty' ? {} : { temporality }),
    ...(type === 'sum' ? { monotonic } : {}),
    points: aggregatedPoints(metrics, aggregation_type as Aggregation),
  })
}

function inCase(text: string, submatchCase: string): string {
  if (submatchCase === 'lower') return text.toLowerCase()
  return submatchCase === 'upper' ? text.toUpperCase() : text
}
