/** Type, temporality, monotonicity and data of a metric are not writable on the wire handle; setting them there is an error that says so. */
import type { Metric, MetricType, Temporality } from '../../data/telemetry.ts'
import type { Frame } from '../frame.ts'
import { fail } from '../problems.ts'
import { Opaque } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { asBool, asInt, textSpec } from './scalars.ts'

const types: readonly MetricType[] = ['empty', 'gauge', 'sum', 'histogram', 'exponential_histogram', 'summary']
const temporalities: readonly Temporality[] = ['none', 'delta', 'cumulative']

export const metricEnums: Readonly<Record<string, number>> = {
  METRIC_DATA_TYPE_NONE: 0,
  METRIC_DATA_TYPE_GAUGE: 1,
  METRIC_DATA_TYPE_SUM: 2,
  METRIC_DATA_TYPE_HISTOGRAM: 3,
  METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM: 4,
  METRIC_DATA_TYPE_SUMMARY: 5,
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
}

type WritableMetric = NonNullable<Frame['metric']>

function metricOf(frame: Frame): WritableMetric {
  return frame.metric ?? (frame.point!.metric as WritableMetric)
}

function hasTemporality({ type }: Metric): boolean {
  return type === 'sum' || type === 'histogram' || type === 'exponential_histogram'
}

export const metricPaths: PathTable = {
  name: textSpec(
    (frame) => metricOf(frame).name,
    (frame, name) => void (metricOf(frame).name = name),
  ),
  description: textSpec(
    (frame) => metricOf(frame).description,
    (frame, text) => void (metricOf(frame).description = text),
  ),
  unit: textSpec(
    (frame) => metricOf(frame).unit,
    (frame, unit) => void (metricOf(frame).unit = unit),
  ),
  type: { get: (frame) => types.indexOf(metricOf(frame).type) },
  aggregation_temporality: {
    get(frame) {
      const metric = metricOf(frame)
      return hasTemporality(metric) ? temporalities.indexOf(metric.temporality) : null
    },
    set(frame, value) {
      const number = asInt(value)
      const temporality = temporalities[Number(number)]
      if (temporality === undefined) fail(`${number} is no aggregation temporality`)
      const metric = metricOf(frame)
      if (hasTemporality(metric)) metric.temporality = temporality
    },
  },
  is_monotonic: {
    get(frame) {
      const metric = metricOf(frame)
      return metric.type === 'sum' ? metric.monotonic : null
    },
    set(frame, value) {
      const isMonotonic = asBool(value)
      const metric = metricOf(frame)
      if (metric.type === 'sum') metric.monotonic = isMonotonic
    },
  },
  data_points: { get: (frame) => new Opaque('pmetric.DataPointSlice', metricOf(frame)) },
  metadata: attributesSpec((frame) => metricOf(frame).metadata),
}
