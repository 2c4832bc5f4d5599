/** The fields of a metric. Setting its points, or any field from the datapoint context, makes a group run on the drafts of `rewriteMetrics`. */
import { Session } from '../../data/edit.ts'
import { MetricView } from '../../data/metric.ts'
import { MetricRewrite } from '../../data/rewritten-metric.ts'
import type { PointRewrite } from '../../data/rewritten-point.ts'
import type { Metric, MetricType, Temporality } from '../../data/telemetry.ts'
import type { Frame } from '../frame.ts'
import { fail } from '../problems.ts'
import { Opaque } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { asBool, asInt, expects, textSpec } from './scalars.ts'

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

export function metricOf(frame: Frame): WritableMetric {
  return frame.metric ?? (frame.point!.metric as WritableMetric)
}

function hasTemporality({ type }: Metric): boolean {
  return type === 'sum' || type === 'histogram' || type === 'exponential_histogram'
}

const slices: Readonly<Record<Exclude<MetricType, 'empty'>, string>> = {
  gauge: 'pmetric.NumberDataPointSlice',
  sum: 'pmetric.NumberDataPointSlice',
  histogram: 'pmetric.HistogramDataPointSlice',
  exponential_histogram: 'pmetric.ExponentialHistogramDataPointSlice',
  summary: 'pmetric.SummaryDataPointSlice',
}

/** Of a view they are read in a rewriting of their own, which nobody writes. */
function pointsOf(metric: object): readonly PointRewrite[] {
  if (metric instanceof MetricRewrite) return metric.points
  if (metric instanceof MetricView) return new MetricRewrite(metric.b, metric.start, metric.end, new Session()).points
  return fail('a metric that stands in no batch has no points')
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
  // Upstream takes a type and leaves the metric as it is: what would become of its points?
  type: { get: (frame) => types.indexOf(metricOf(frame).type), set: () => {} },
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
  data_points: {
    get(frame) {
      const metric = metricOf(frame)
      return metric.type === 'empty' ? null : new Opaque(slices[metric.type], pointsOf(metric))
    },
    set(frame, value) {
      const metric = metricOf(frame)
      if (metric.type === 'empty') return
      const slice = slices[metric.type]
      if (!(value instanceof Opaque) || value.goType !== slice) expects(slice, value)
      if (!(metric instanceof MetricRewrite)) fail('the points of a metric are read-only here')
      metric.points = (value.content as readonly PointRewrite[]).map((point) => point.clone())
    },
  },
  metadata: attributesSpec((frame) => metricOf(frame).metadata),
}
