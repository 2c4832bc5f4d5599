/** What the items of one data point add up to. */
import type { MetricsBuilder } from '../../pipeline/data/builders.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type { Double, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { int, isPlain, kindOf, type OttlValue, toNumber, typeName } from '../../pipeline/ottl/values.ts'
import type { Definition } from './definition.ts'

/** What one item says. `count` is 1 but for histograms. */
export interface Observation {
  readonly value: number | bigint | Double
  readonly count: number
}
interface Accumulated {
  readonly attributes: Readonly<Record<string, Value>>
  readonly add: (observation: Observation) => void
}
/** The data points of one metric in one resource, by their attributes. */
export interface Series {
  point(id: string, attributes: () => Readonly<Record<string, Value>>): Accumulated
  writeTo(builder: MetricsBuilder, timeUnixNano: bigint): void
}

/** Throws for what is no number. */
export function numberOf(value: OttlValue, what: string): number | bigint | Double {
  const kind = kindOf(value)
  if (kind === 'int' || kind === 'double') return value as number | bigint | Double
  const shown = isPlain(value)
    ? ` ${JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part))}`
    : ''
  throw new Error(`failed to parse ${what} OTTL value of type ${typeName(value)} into int64 or float64:${shown}`)
}

export function newSeries(definition: Definition): Series {
  switch (definition.type) {
    case 'sum':
      return sums(definition)
    case 'gauge':
      return gauges(definition)
    case 'histogram':
      return histograms(definition)
    case 'exponential_histogram':
      return exponentials(definition)
  }
}

/** One accumulator for each set of attributes; `write` takes them all. */
function series<T extends Accumulated>(
  make: (attributes: Readonly<Record<string, Value>>) => T,
  write: (builder: MetricsBuilder, points: readonly T[], timeUnixNano: bigint) => void,
): Series {
  const byId = new Map<string, T>()
  return {
    point(id, attributes) {
      let point = byId.get(id)
      if (point === undefined) byId.set(id, (point = make(attributes())))
      return point
    },
    writeTo: (builder, timeUnixNano) => write(builder, [...byId.values()], timeUnixNano),
  }
}

function sums({ name, description, unit, monotonic }: Definition): Series {
  return series(
    (attributes) => {
      let total: number | bigint | Double | undefined
      const add = ({ value }: Observation) => {
        total = total === undefined ? value : sumOf(total, value)
      }
      return { attributes, add, total: () => total ?? 0 }
    },
    (builder, points, timeUnixNano) =>
      builder.sum(
        name,
        points.map(({ attributes, total }) => ({ value: total(), attributes, timeUnixNano })),
        { description, unit, temporality: 'delta', monotonic },
      ),
  )
}

/** Ints stay ints; a double makes the sum one. */
function sumOf(a: number | bigint | Double, b: number | bigint | Double): number | bigint | Double {
  if (kindOf(a) === 'double' || kindOf(b) === 'double') return double(toNumber(a) + toNumber(b))
  const sum = Number(a) + Number(b)
  return Number.isSafeInteger(sum) ? sum : int(BigInt(a as number | bigint) + BigInt(b as number | bigint))
}

function gauges({ name, description, unit }: Definition): Series {
  return series(
    (attributes) => {
      let last: number | bigint | Double = 0
      return { attributes, add: ({ value }: Observation) => void (last = value), last: () => last }
    },
    (builder, points, timeUnixNano) =>
      builder.gauge(
        name,
        points.map(({ attributes, last }) => ({ value: last(), attributes, timeUnixNano })),
        { description, unit },
      ),
  )
}

function histograms({ name, description, unit, buckets }: Definition): Series {
  return series(
    (attributes) => {
      const counts = Array.from({ length: buckets.length + 1 }, () => 0)
      const total = { sum: 0, count: 0 }
      const add = ({ value, count }: Observation) => {
        const number = toNumber(value)
        total.sum += number * count
        total.count += count
        const at = buckets.findIndex((bound) => bound >= number)
        counts[at < 0 ? buckets.length : at]! += count
      }
      return { attributes, add, counts, total }
    },
    (builder, points, timeUnixNano) =>
      builder.histogram(
        name,
        points.map(({ attributes, counts, total }) => ({
          ...total,
          bounds: buckets,
          counts,
          attributes,
          timeUnixNano,
        })),
        { description, unit, temporality: 'delta' },
      ),
  )
}

function exponentials({ name, description, unit, maxSize }: Definition): Series {
  return series(
    (attributes) => {
      const histogram = new ExponentialHistogram(maxSize)
      const add = ({ value, count }: Observation) => histogram.add(toNumber(value), count)
      return { attributes, add, histogram }
    },
    (builder, points, timeUnixNano) =>
      builder.exponentialHistogram(
        name,
        points.map(({ attributes, histogram: { count, sum, min, max, scale, zeroCount, positive, negative } }) => ({
          count,
          sum,
          min,
          max,
          scale,
          zeroCount,
          positive: positive.read(),
          negative: negative.read(),
          attributes,
          timeUnixNano,
        })),
        { description, unit, temporality: 'delta' },
      ),
  )
}
