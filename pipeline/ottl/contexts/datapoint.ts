/** The fields of a data point. Those of other types of points read as nil, and setting them is an error. */
import type { Distribution, Exemplar, ExponentialBuckets, MetricType } from '../../data/telemetry.ts'
import { isDouble } from '../../data/value.ts'
import type { Frame } from '../frame.ts'
import { fail } from '../problems.ts'
import { float, int, kindOf, Opaque, type OttlValue, toNumber, typeName } from '../values.ts'
import { metricOf } from './metric.ts'
import { attributesSpec, type PathSpec, type PathTable } from './path.ts'
import { asFloat, asInt, countSpec, expects, timeSpecs } from './scalars.ts'

export const dataPointEnums: Readonly<Record<string, number>> = { FLAG_NONE: 0, FLAG_NO_RECORDED_VALUE: 1 }

type Part = (distribution: Distribution) => OttlValue
type Change = (distribution: Distribution, value: OttlValue) => Partial<Distribution>

const goTypes: Readonly<Record<MetricType, string>> = {
  empty: '<nil>',
  gauge: 'pmetric.NumberDataPoint',
  sum: 'pmetric.NumberDataPoint',
  histogram: 'pmetric.HistogramDataPoint',
  exponential_histogram: 'pmetric.ExponentialHistogramDataPoint',
  summary: 'pmetric.SummaryDataPoint',
}

/** Points of other types have no such part. */
function part(types: readonly MetricType[], get: Part, change: Change): PathSpec {
  const isOf = (frame: Frame) => types.includes(metricOf(frame).type)
  return {
    index: 'value',
    get: (frame) => (isOf(frame) ? get(frame.point!.distribution!) : null),
    set(frame, value) {
      const point = frame.point!
      const distribution = point.distribution ?? noDistribution
      const changes = change(distribution, value)
      if (!isOf(frame)) wrongPoint(frame, types)
      point.distribution = { ...distribution, ...changes }
    },
  }
}

/** Of a number point: what is set is checked all the same before it turns out that nothing can be set there. */
const noBuckets = { offset: 0, counts: new BigUint64Array(0) }
const noDistribution: Distribution = {
  count: 0n,
  sum: undefined,
  min: undefined,
  max: undefined,
  bounds: new Float64Array(0),
  counts: new BigUint64Array(0),
  exponential: { scale: 0, zeroCount: 0n, zeroThreshold: 0, positive: noBuckets, negative: noBuckets },
  quantiles: [],
}

function wrongPoint(frame: Frame, types: readonly MetricType[]): never {
  const found = goTypes[metricOf(frame).type]
  fail(types.length > 1 ? `unsupported data point type: ${found}` : `expects ${goTypes[types[0]!]} but got ${found}`)
}

const all: readonly MetricType[] = ['histogram', 'exponential_histogram', 'summary']
const exponential: readonly MetricType[] = ['exponential_histogram']

function buckets(side: 'positive' | 'negative'): PathSpec {
  const change = (of: Distribution, to: Partial<ExponentialBuckets>): Partial<Distribution> => ({
    exponential: { ...of.exponential!, [side]: { ...of.exponential![side], ...to } },
  })
  return {
    ...part(
      exponential,
      (of) => new Opaque(bucketsType, of.exponential![side]),
      (of, value) => change(of, opaque<ExponentialBuckets>(bucketsType, value)),
    ),
    next: {
      offset: part(
        exponential,
        (of) => int(of.exponential![side].offset),
        (of, value) => change(of, { offset: asInt32(value) }),
      ),
      bucket_counts: part(
        exponential,
        (of) => [...of.exponential![side].counts].map(int),
        (of, value) => change(of, { counts: asCounts(value) }),
      ),
    },
  }
}

const bucketsType = 'pmetric.ExponentialHistogramDataPointBuckets'
const quantilesType = 'pmetric.SummaryDataPointValueAtQuantileSlice'
const exemplarsType = 'pmetric.ExemplarSlice'

function opaque<T>(goType: string, value: OttlValue): T {
  if (!(value instanceof Opaque) || value.goType !== goType) expects(goType, value)
  return value.content as T
}

function asCounts(value: OttlValue): BigUint64Array {
  if (kindOf(value) !== 'list') fail(`cannot set a slice of uint64 from a value type: ${typeName(value)}`)
  return BigUint64Array.from(value as readonly OttlValue[], (count) => {
    if (kindOf(count) === 'int') return BigInt(count as number | bigint)
    fail(`invalid value type provided for a slice of uint64: ${typeName(count)}, expected int64`)
  })
}

function asBounds(value: OttlValue): Float64Array {
  if (kindOf(value) !== 'list') fail(`invalid type provided for setting a slice of float64: ${typeName(value)}`)
  return Float64Array.from(value as readonly OttlValue[], (bound) => {
    if (kindOf(bound) === 'double') return toNumber(bound)
    fail(`invalid value type provided for a slice of float64: ${typeName(bound)}`)
  })
}

function asUint64(value: OttlValue): bigint {
  return BigInt.asUintN(64, BigInt(asInt(value)))
}

/** What is larger is cut, as upstream casts it. */
function asInt32(value: OttlValue): number {
  return Number(BigInt.asIntN(32, BigInt(asInt(value))))
}

export const dataPointPaths: PathTable = {
  attributes: attributesSpec((frame) => frame.point!.attributes),
  ...timeSpecs(
    'start_time',
    (frame) => frame.point!.startUnixNano,
    (frame, time) => void (frame.point!.startUnixNano = time),
  ),
  ...timeSpecs(
    'time',
    (frame) => frame.point!.timeUnixNano,
    (frame, time) => void (frame.point!.timeUnixNano = time),
  ),
  value_double: {
    get(frame) {
      const { value } = frame.point!
      return value === undefined ? null : float(kindOf(value) === 'double' ? toNumber(value) : 0)
    },
    set(frame, value) {
      const number = asFloat(value)
      if (!isNumberPoint(frame)) wrongPoint(frame, ['gauge'])
      frame.point!.value = float(number)
    },
  },
  value_int: {
    get(frame) {
      const { value } = frame.point!
      return value === undefined ? null : kindOf(value) === 'int' && !isDouble(value) ? value : 0
    },
    set(frame, value) {
      const number = asInt(value)
      if (!isNumberPoint(frame)) wrongPoint(frame, ['gauge'])
      frame.point!.value = number
    },
  },
  exemplars: {
    get(frame) {
      const { type } = metricOf(frame)
      return type === 'summary' ? null : new Opaque(exemplarsType, frame.point!.exemplars)
    },
    set(frame, value) {
      const exemplars = opaque<readonly Exemplar[]>(exemplarsType, value)
      if (metricOf(frame).type === 'summary') wrongPoint(frame, all)
      frame.point!.exemplars = exemplars
    },
  },
  flags: countSpec(
    (frame) => frame.point!.flags,
    (frame, flags) => void (frame.point!.flags = flags),
  ),
  count: part(
    all,
    (of) => int(of.count),
    (_of, value) => ({ count: asUint64(value) }),
  ),
  sum: part(
    all,
    (of) => float(of.sum ?? 0),
    (_of, value) => ({ sum: asFloat(value) }),
  ),
  bucket_counts: part(
    ['histogram'],
    (of) => [...of.counts].map(int),
    (_of, value) => ({ counts: asCounts(value) }),
  ),
  explicit_bounds: part(
    ['histogram'],
    (of) => [...of.bounds].map(float),
    (_of, value) => ({ bounds: asBounds(value) }),
  ),
  scale: part(
    exponential,
    (of) => int(of.exponential!.scale),
    (of, value) => ({ exponential: { ...of.exponential!, scale: asInt32(value) } }),
  ),
  zero_count: part(
    exponential,
    (of) => int(of.exponential!.zeroCount),
    (of, value) => ({ exponential: { ...of.exponential!, zeroCount: asUint64(value) } }),
  ),
  positive: buckets('positive'),
  negative: buckets('negative'),
  quantile_values: part(
    ['summary'],
    (of) => new Opaque(quantilesType, of.quantiles),
    (_of, value) => ({ quantiles: opaque<Distribution['quantiles']>(quantilesType, value) }),
  ),
}

function isNumberPoint(frame: Frame): boolean {
  const { type } = metricOf(frame)
  return type === 'gauge' || type === 'sum'
}
