/** Gives start times to the points of a batch that have none; a start time that equals the time of the point is none, too. */
import { readDouble } from '../../pipeline/data/any-value.ts'
import { rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { PointRewrite } from '../../pipeline/data/rewritten-point.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { metricId, placeId } from '../../pipeline/streams/identity.ts'
import { doubleOf, intOf, isInt, subtractInts } from '../../pipeline/streams/numbers.ts'
import type { Strategy } from './config.ts'
import { isReset, type Reading, readingOf, subtract } from './reading.ts'
import type { DistributionStream, NumberStream, StartTimes } from './start-times.ts'

/** What became of points. */
interface Adjusted {
  batch: Metrics
  /** First points, which `subtract_initial_point` takes away. */
  taken: number
  /** Points of streams for which there was no room. */
  left: number
}

const noRecordedValue = 1
const milli = 1_000_000n

export class Adjuster {
  private readonly strategy: Strategy
  private readonly streams: StartTimes
  private readonly startOf: (batch: Metrics) => bigint
  /** Of the batch at hand. */
  private taken = 0
  private left = 0
  private processStart = 0n

  /** `startOf`: when the process began that a batch is about, for `start_time_metric`. */
  constructor(strategy: Strategy, streams: StartTimes, startOf: (batch: Metrics) => bigint) {
    this.strategy = strategy
    this.streams = streams
    this.startOf = startOf
  }

  adjust(batch: Metrics): Adjusted {
    this.taken = 0
    this.left = 0
    if (this.strategy === 'start_time_metric') this.processStart = this.startOf(batch)
    const adjusted = rewriteMetrics(batch, (group) => {
      let place: string | undefined
      for (const metric of group.metrics) {
        if (!this.isAdjusted(metric)) continue
        place ??= placeId(group)
        this.adjustMetric(metric, place)
      }
    })
    return { batch: adjusted, taken: this.taken, left: this.left }
  }

  /** As upstream, whose strategies differ in what they do with deltas. */
  private isAdjusted({ type, temporality }: MetricRewrite): boolean {
    if (type === 'gauge' || type === 'empty') return false
    if (type === 'summary' || temporality === 'cumulative') return true
    return this.strategy === 'start_time_metric' || (this.strategy === 'true_reset_point' && type === 'sum')
  }

  private adjustMetric(metric: MetricRewrite, place: string): void {
    const { points } = metric
    let id: string | undefined
    let kept = 0
    for (const point of points) {
      const { startUnixNano } = point
      if (startUnixNano === 0n || startUnixNano === point.timeUnixNano) {
        id ??= place + metricId(metric)
        if (!this.adjustPoint(id, point)) continue
      }
      points[kept++] = point
    }
    this.taken += points.length - kept
    points.length = kept
  }

  /** False = the point goes. */
  private adjustPoint(metric: string, point: PointRewrite): boolean {
    const id = point.wireIdentity
    const map = point.kind === 'number' ? this.streams.numbers : this.streams.distributions
    const stream = map.get(metric, id)
    if (stream !== undefined) {
      stream.isSeen = true
      this.adjustKnown(stream, point)
      return true
    }
    if (this.streams.isFull) {
      this.left++
      return true
    }
    const startUnixNano = this.strategy === 'start_time_metric' ? this.processStart : point.timeUnixNano
    const isTaken = this.strategy === 'subtract_initial_point'
    if (point.kind === 'number') this.streams.numbers.add(metric, id, newNumbers(startUnixNano, point))
    else {
      const reading = readingOf(point.distribution!)
      this.streams.distributions.add(
        metric,
        id,
        newDistributions(startUnixNano, reading, isTaken ? reading : undefined),
      )
    }
    if (isTaken) return false
    point.startUnixNano = startUnixNano
    return true
  }

  private adjustKnown(stream: NumberStream | DistributionStream, point: PointRewrite): void {
    const isSilent = (point.flags & noRecordedValue) !== 0 && this.strategy !== 'start_time_metric'
    if (!isSilent) {
      if ('lastInt' in stream) this.followNumber(stream, point)
      else this.followDistribution(stream, point)
    }
    point.startUnixNano = stream.startUnixNano
  }

  private followNumber(stream: NumberStream, point: PointRewrite): void {
    const { value } = point
    const asDouble = doubleOf(value)
    const asInt = intOf(value)
    if (asDouble < stream.lastDouble || asInt < stream.lastInt) {
      stream.startUnixNano = justBefore(point)
      stream.baseDouble = 0
      stream.baseInt = 0
    } else if (this.strategy === 'subtract_initial_point') {
      point.value = isInt(value) ? subtractInts(asInt, stream.baseInt) : readDouble(asDouble - stream.baseDouble)
    }
    stream.lastDouble = asDouble
    stream.lastInt = asInt
  }

  private followDistribution(stream: DistributionStream, point: PointRewrite): void {
    const of = point.distribution!
    const now = readingOf(of)
    if (isReset(now, stream.last)) {
      stream.startUnixNano = justBefore(point)
      stream.base = undefined
    } else if (this.strategy === 'subtract_initial_point' && stream.base !== undefined) {
      point.distribution = subtract(of, stream.base)
    }
    stream.last = now
  }
}

function newNumbers(startUnixNano: bigint, { value }: PointRewrite): NumberStream {
  const lastDouble = doubleOf(value)
  const lastInt = intOf(value)
  return { startUnixNano, isSeen: true, lastDouble, lastInt, baseDouble: lastDouble, baseInt: lastInt }
}

function newDistributions(startUnixNano: bigint, last: Reading, base: Reading | undefined): DistributionStream {
  return { startUnixNano, isSeen: true, last, base }
}

/** When exactly a counter began anew nobody knows. */
function justBefore({ timeUnixNano }: PointRewrite): bigint {
  return BigInt.asUintN(64, timeUnixNano - milli)
}
