/** What a distribution holds is read-only on the wire handle; setting it there is an error that says so. */
import type { Distribution, Exemplar, ExponentialBuckets } from '../../data/telemetry.ts'
import { isDouble } from '../../data/value.ts'
import type { Frame } from '../frame.ts'
import { fail } from '../problems.ts'
import { float, int, kindOf, Opaque, type OttlValue, toNumber } from '../values.ts'
import { attributesSpec, type PathSpec, type PathTable } from './path.ts'
import { asFloat, asInt, countSpec, expects, timeSpecs } from './scalars.ts'

export const dataPointEnums: Readonly<Record<string, number>> = { FLAG_NONE: 0, FLAG_NO_RECORDED_VALUE: 1 }

type Part = (distribution: Distribution) => OttlValue
type Change = (distribution: Distribution, value: OttlValue) => Partial<Distribution>

/** nil for the points that have no such part. */
function part(types: readonly string[], get: Part, change?: Change): PathSpec {
  const isOf = (frame: Frame) => types.includes(frame.point!.metric.type)
  const read = (frame: Frame) => (isOf(frame) ? get(frame.point!.distribution!) : null)
  if (change === undefined) return { index: 'value', get: read }
  return {
    index: 'value',
    get: read,
    set(frame, value) {
      if (!isOf(frame)) return
      const { distribution } = frame.point!
      frame.point!.distribution = { ...distribution!, ...change(distribution!, value) }
    },
  }
}

const histograms = ['histogram', 'exponential_histogram']
const all = [...histograms, 'summary']
const exponential = ['exponential_histogram']

function buckets(side: 'positive' | 'negative'): PathSpec {
  const change = (of: Distribution, to: Partial<ExponentialBuckets>): Partial<Distribution> => ({
    exponential: { ...of.exponential!, [side]: { ...of.exponential![side], ...to } },
  })
  return {
    ...part(exponential, (of) => new Opaque('pmetric.ExponentialHistogramDataPointBuckets', of.exponential![side])),
    next: {
      offset: part(
        exponential,
        (of) => int(of.exponential![side].offset),
        (of, value) => change(of, { offset: Number(asInt(value)) }),
      ),
      bucket_counts: part(
        exponential,
        (of) => [...of.exponential![side].counts].map(int),
        (of, value) => change(of, { counts: asCounts(value) }),
      ),
    },
  }
}

function asCounts(value: OttlValue): BigUint64Array {
  if (kindOf(value) !== 'list') expects('[]uint64', value)
  return BigUint64Array.from((value as readonly OttlValue[]).map((count) => BigInt(asInt(count))))
}

function asUint64(value: OttlValue): bigint {
  return BigInt.asUintN(64, BigInt(asInt(value)))
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
      if (isNumberPoint(frame)) frame.point!.value = float(number)
    },
  },
  value_int: {
    get(frame) {
      const { value } = frame.point!
      return value === undefined ? null : kindOf(value) === 'int' && !isDouble(value) ? value : 0
    },
    set(frame, value) {
      const number = asInt(value)
      if (isNumberPoint(frame)) frame.point!.value = number
    },
  },
  exemplars: {
    get: (frame) => new Opaque('pmetric.ExemplarSlice', frame.point!.exemplars),
    set(frame, value) {
      if (!(value instanceof Opaque) || value.goType !== 'pmetric.ExemplarSlice')
        expects('pmetric.ExemplarSlice', value)
      frame.point!.exemplars = value.content as readonly Exemplar[]
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
    (_of, value) => {
      if (kindOf(value) !== 'list') fail(`expects []float64 but got ${kindOf(value)}`)
      return { bounds: Float64Array.from((value as readonly OttlValue[]).map(asFloat)) }
    },
  ),
  scale: part(
    exponential,
    (of) => int(of.exponential!.scale),
    (of, value) => ({ exponential: { ...of.exponential!, scale: Number(asInt(value)) } }),
  ),
  zero_count: part(
    exponential,
    (of) => int(of.exponential!.zeroCount),
    (of, value) => ({ exponential: { ...of.exponential!, zeroCount: asUint64(value) } }),
  ),
  positive: buckets('positive'),
  negative: buckets('negative'),
  quantile_values: part(['summary'], (of) => new Opaque('pmetric.SummaryDataPointValueAtQuantileSlice', of.quantiles)),
}

function isNumberPoint(frame: Frame): boolean {
  const { type } = frame.point!.metric
  return type === 'gauge' || type === 'sum'
}
