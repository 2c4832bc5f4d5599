/** copy_metric and scale_metric. */
import { isInt, toInt64 } from '../../../pipeline/data/aggregate-points.ts'
import type { EditableDistribution } from '../../../pipeline/data/distribution-edits.ts'
import type { PointRewrite } from '../../../pipeline/data/rewritten-point.ts'
import type { Double, Exemplar } from '../../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../../pipeline/data/value.ts'
import { text } from '../../../pipeline/ottl/functions/params.ts'
import { optional } from '../../../pipeline/ottl/functions/signature.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { fractionLiteral } from './arguments.ts'

export const copyAndScale = [
  metricEditor(
    'copy_metric',
    { name: optional(text), description: optional(text), unit: optional(text) },
    ({ name, description, unit }) =>
      (at, frame) => {
        const copy = at.metric.clone()
        if (name !== undefined) copy.name = name(frame)
        if (description !== undefined) copy.description = description(frame)
        if (unit !== undefined) copy.unit = unit(frame)
        at.add(copy)
      },
  ),

  metricEditor(
    'scale_metric',
    { multiplier: fractionLiteral, unit: optional(text) },
    ({ multiplier, unit }) =>
      ({ metric }, frame) => {
        const newUnit = unit?.(frame)
        if (metric.type === 'exponential_histogram') {
          fail("exponential histograms are not supported by the 'scale_metric' function")
        }
        if (metric.type === 'empty') fail("unsupported metric type: 'Empty'")
        for (const point of metric.points) scale(point, multiplier)
        if (newUnit !== undefined) metric.unit = newUnit
      },
  ),
]

function scale(point: PointRewrite, multiplier: number): void {
  const { distribution } = point
  if (distribution === undefined) {
    if (point.value !== undefined) point.value = scaled(point.value, multiplier)
    return
  }
  scaleDistribution(distribution, multiplier)
  if (point.exemplars.length > 0)
    point.exemplars = point.exemplars.map((exemplar) => scaledExemplar(exemplar, multiplier))
}

/** An int stays one: what it loses of its fraction it loses upstream too. */
function scaled(value: number | bigint | Double, multiplier: number): bigint | Double {
  if (isInt(value)) return toInt64(Number(value) * multiplier)
  return double((isDouble(value) ? value.double : value) * multiplier)
}

function scaleDistribution(of: EditableDistribution, multiplier: number): void {
  if (of.sum !== undefined) of.sum *= multiplier
  if (of.min !== undefined) of.min *= multiplier
  if (of.max !== undefined) of.max *= multiplier
  for (let i = 0; i < of.bounds.length; i++) of.bounds[i]! *= multiplier
  for (const quantile of of.quantiles) quantile.value *= multiplier
}

function scaledExemplar(exemplar: Exemplar, multiplier: number): Exemplar {
  const { value, timeUnixNano, traceId, spanId, filteredAttributes } = exemplar
  if (value === undefined) return exemplar
  return { value: scaled(value, multiplier), timeUnixNano, traceId, spanId, filteredAttributes }
}
