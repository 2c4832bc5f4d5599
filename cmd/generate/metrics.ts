/** Metrics of the shop: cumulative sums that only grow, gauges, histograms and exponential histograms. */
import type { Writer } from '../../pipeline/data/writer.ts'
import {
  constant,
  encodeKey,
  type Instant,
  putConstant,
  putDouble,
  putFixed64,
  putText,
  putTime,
  putVariable,
  tag,
} from './fields.ts'
import type { Random } from './random.ts'
import { constants, methods, type Process, putResource, putScope, routes } from './shop.ts'

const pointsPerMetric = 10
const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const
/** Sums are kept per series, up to this many: a fixed table, so it cannot grow. */
const seriesSlots = 65_536

type Shape = 'sum' | 'gauge' | 'histogram' | 'exponential'
const shapes: readonly Shape[] = [
  'sum',
  'sum',
  'sum',
  'sum',
  'gauge',
  'gauge',
  'histogram',
  'histogram',
  'sum',
  'exponential',
]
const names: Record<Shape, readonly string[]> = {
  sum: ['http.server.requests', 'http.server.errors', 'db.client.operations', 'messaging.published', 'cache.lookups'],
  gauge: ['process.memory.usage', 'queue.size', 'db.client.connections', 'jvm.threads'],
  histogram: ['http.server.request.duration', 'db.client.operation.duration', 'messaging.process.duration'],
  exponential: ['http.client.request.duration'],
}
const units: Record<Shape, string> = { sum: '{call}', gauge: '1', histogram: 's', exponential: 's' }
/** Field of `Metric` that holds the data. */
const dataFields: Record<Shape, number> = { gauge: 5, sum: 7, histogram: 9, exponential: 10 }

/** What was counted so far. One per generator: cumulative values must not fall between two payloads. */
export class Totals {
  private readonly values = new Float64Array(seriesSlots)

  add(series: number, amount: number): number {
    const slot = series % seriesSlots
    this.values[slot] = this.values[slot]! + amount
    return this.values[slot]!
  }
}

interface Times {
  readonly started: Instant
  readonly now: Instant
}

export function putMetrics(
  to: Writer,
  random: Random,
  from: readonly Process[],
  points: number,
  times: Times,
  totals: Totals,
): void {
  const metricCount = Math.ceil(points / pointsPerMetric)
  const groups = Math.min(metricCount, 4)
  let left = points
  for (let g = 0; g < groups; g++) {
    const process = random.below(from.length)
    const size = Math.floor(((g + 1) * metricCount) / groups) - Math.floor((g * metricCount) / groups)
    const before = to.size
    for (let i = 0; i < size; i++) {
      const count = Math.min(left, pointsPerMetric)
      left -= count
      putMetric(to, random, shapes[i % shapes.length]!, Math.floor(i / shapes.length), count, times, totals, process)
    }
    putScope(to, 'otelhttp', '0.55.0')
    to.message(tag(2, 2), before)
    putResource(to, from[process]!)
    to.message(tag(1, 2), before)
  }
}

function putMetric(
  to: Writer,
  random: Random,
  shape: Shape,
  turn: number,
  count: number,
  times: Times,
  totals: Totals,
  process: number,
): void {
  const before = to.size
  const known = names[shape]
  const name = known[turn % known.length]!
  if (shape === 'sum') {
    to.varint(1) // is_monotonic
    to.varint(tag(3, 0))
  }
  if (shape !== 'gauge') {
    to.varint(2) // cumulative
    to.varint(tag(2, 0))
  }
  for (let k = 0; k < count; k++) {
    const series = ((process * 31 + dataFields[shape]) * 31 + turn) * pointsPerMetric + k
    putPoint(to, random, shape, series, times, totals)
  }
  to.message(tag(dataFields[shape], 2), before)
  putText(to, tag(3, 2), units[shape])
  putText(to, tag(2, 2), `What ${name} counts.`)
  putText(to, tag(1, 2), turn < known.length ? name : `${name}.${Math.floor(turn / known.length)}`)
  to.message(tag(2, 2), before)
}

function putPoint(to: Writer, random: Random, shape: Shape, series: number, times: Times, totals: Totals): void {
  const before = to.size
  switch (shape) {
    case 'sum':
      putPointAttributes(to, 7, series)
      putFixed64(to, tag(6, 1), totals.add(series * 32, random.below(500)))
      break
    case 'gauge':
      putPointAttributes(to, 7, series)
      putDouble(to, tag(4, 1), random.unit() * 1e9)
      break
    case 'histogram':
      putHistogram(to, random, series, totals)
      break
    case 'exponential':
      putExponential(to, random, series, totals)
  }
  putTime(to, tag(3, 1), times.now, random.below(1_000_000))
  putTime(to, tag(2, 1), times.started, 0)
  to.message(tag(1, 2), before)
}

const counts = new Float64Array(bounds.length + 1)
function putHistogram(to: Writer, random: Random, series: number, totals: Totals): void {
  let count = 0
  for (let i = 0; i < counts.length; i++) {
    counts[i] = totals.add(series * 32 + i, random.below(20))
    count += counts[i]!
  }
  putDouble(to, tag(12, 1), 9)
  putDouble(to, tag(11, 1), 0.001)
  putPointAttributes(to, 9, series)
  for (let i = bounds.length - 1; i >= 0; i--) to.double(bounds[i]!)
  to.varint(bounds.length * 8)
  to.varint(tag(7, 2))
  for (let i = counts.length - 1; i >= 0; i--) {
    to.fixed32(Math.floor(counts[i]! / 0x1_0000_0000))
    to.fixed32(counts[i]! % 0x1_0000_0000)
  }
  to.varint(counts.length * 8)
  to.varint(tag(6, 2))
  putDouble(to, tag(5, 1), totals.add(series * 32 + 31, random.unit() * 10))
  putFixed64(to, tag(4, 1), count)
}

const exponentialBuckets = 20
function putExponential(to: Writer, random: Random, series: number, totals: Totals): void {
  putDouble(to, tag(13, 1), 9)
  putDouble(to, tag(12, 1), 0.001)
  const before = to.size
  let count = 0
  for (let i = 0; i < exponentialBuckets; i++) {
    const inBucket = totals.add(series * 32 + i, random.below(100))
    count += inBucket
    to.varint(inBucket)
  }
  to.message(tag(2, 2), before)
  to.varint(19) // offset -10, zigzag
  to.varint(tag(1, 0))
  to.message(tag(8, 2), before)
  putFixed64(to, tag(7, 1), 0)
  to.varint(6) // scale 3, zigzag
  to.varint(tag(6, 0))
  putDouble(to, tag(5, 1), totals.add(series * 32 + 31, random.unit() * 10))
  putFixed64(to, tag(4, 1), count)
  putPointAttributes(to, 1, series)
}

const methodAttributes = constants('http.request.method', methods)
const routeAttributes = constants('http.route', routes)
const statusAttributes = [200, 201, 404, 500].map((code) => constant('http.response.status_code', code))
const server = constant('server.address', 'shop.example.com')
const version = constant('network.protocol.version', '1.1')
const shardKey = encodeKey('shard')

/** A series keeps its attributes in every payload. */
function putPointAttributes(to: Writer, field: number, series: number): void {
  putVariable(to, field, shardKey, series % 4096)
  putConstant(to, field, version)
  putConstant(to, field, server)
  putConstant(to, field, statusAttributes[series % statusAttributes.length]!)
  putConstant(to, field, routeAttributes[series % routeAttributes.length]!)
  putConstant(to, field, methodAttributes[(series >>> 2) % methodAttributes.length]!)
}
