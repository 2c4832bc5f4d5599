/** One metric family and its series: plain number fields, so that counting is an addition. */
import type { Counter, Histogram, Labels } from './meter.ts'

export type MetricType = 'counter' | 'gauge' | 'histogram'

export interface Point {
  /** By the name that Prometheus takes, in order; `attribute` is the name as it was given. */
  readonly labels: readonly (readonly [name: string, value: string, attribute: string])[]
  readonly startUnixNano: bigint
  /** Open meters that use it; a gauge without one is gone, a counter keeps its total. */
  users: number
  value: number
  /** Of an observed series: who reads it, and the meter that registered it. */
  read: (() => number) | undefined
  readonly buckets: Float64Array | undefined
  sum: number
}

/** Upstream's default cardinality limit of one metric; what comes after it is counted together. */
const maxSeries = 2_000
const overflowLabels: Point['labels'] = [['otel_metric_overflow', 'true', 'otel.metric.overflow']]

export class Family {
  /** As Prometheus takes it. */
  readonly name: string
  /** As it was given: OTLP has dots in names. */
  readonly givenName: string
  readonly type: MetricType
  /** A gauge that goes up and down by what is added: for OTLP a sum. */
  readonly isAdded: boolean
  readonly bounds: readonly number[]
  /** A gauge that goes up and down by what is added starts anew with each component. */
  readonly points = new Map<string, Point>()
  description: string

  constructor(
    givenName: string,
    type: MetricType,
    description: string,
    bounds: readonly number[] = [],
    isAdded = false,
  ) {
    this.name = prometheusName(givenName)
    this.givenName = givenName
    this.type = type
    this.isAdded = isAdded
    this.description = description
    this.bounds = bounds
  }

  /** The series of these labels, or the overflow one when there are too many. */
  point(labels: Labels): Point {
    const pairs = canonical(labels)
    const text = textOf(pairs)
    const known = this.points.get(text)
    if (known) return known
    if (this.points.size >= maxSeries - 1) {
      const overflow = textOf(overflowLabels)
      const point = this.points.get(overflow) ?? this.newPoint(overflowLabels)
      this.points.set(overflow, point)
      return point
    }
    const point = this.newPoint(pairs)
    this.points.set(text, point)
    return point
  }

  remove(point: Point): void {
    this.points.delete(textOf(point.labels))
  }

  private newPoint(labels: Point['labels']): Point {
    const buckets = this.type === 'histogram' ? new Float64Array(this.bounds.length + 1) : undefined
    return { labels, startUnixNano: wallUnixNano(), users: 0, value: 0, read: undefined, buckets, sum: 0 }
  }
}

/** Prometheus wants label names of letters, digits and `_`, in order; two names that become one keep the last value. */
function canonical(labels: Labels): Point['labels'] {
  const byName = new Map<string, readonly [string, string, string]>()
  for (const name in labels) {
    const value = labels[name]
    const clean = prometheusName(name)
    if (value !== undefined) byName.set(clean, [clean, String(value), name])
  }
  return [...byName.values()].sort(([a], [b]) => (a < b ? -1 : 1))
}

function wallUnixNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

export function prometheusName(name: string): string {
  const clean = name.replace(/[^a-zA-Z0-9_:]/g, '_')
  return /^[0-9]/.test(clean) ? `_${clean}` : clean
}

function textOf(labels: Point['labels']): string {
  return JSON.stringify(labels.map(([name, value]) => [name, value]))
}

/** Finds the series of a label set: by identity first, since callers on a hot path pass the same object each time. */
class Lookup {
  private readonly base: Labels
  private readonly find: (labels: Labels) => Point
  private lastLabels: Labels | undefined
  private lastPoint: Point | undefined
  private plain: Point | undefined
  private readonly known = new WeakMap<Labels, Point>()

  constructor(base: Labels, find: (labels: Labels) => Point) {
    this.base = base
    this.find = find
  }

  point(labels: Labels | undefined): Point {
    if (labels === undefined) {
      this.plain ??= this.find(this.base)
      return this.plain
    }
    if (labels === this.lastLabels) return this.lastPoint!
    let point = this.known.get(labels)
    if (point === undefined) {
      point = this.find({ ...this.base, ...labels })
      this.known.set(labels, point)
    }
    this.lastLabels = labels
    this.lastPoint = point
    return point
  }
}

export class SeriesCounter implements Counter {
  private readonly lookup: Lookup
  private readonly monotonic: boolean

  constructor(base: Labels, monotonic: boolean, find: (labels: Labels) => Point) {
    this.lookup = new Lookup(base, find)
    this.monotonic = monotonic
  }

  add(n: number, labels?: Labels): void {
    // A NaN or a step back would spoil the series for good, for everybody.
    if (!(this.monotonic ? n >= 0 && n < Number.POSITIVE_INFINITY : Number.isFinite(n))) return
    this.lookup.point(labels).value += n
  }
}

export class SeriesHistogram implements Histogram {
  private readonly lookup: Lookup
  private readonly bounds: readonly number[]

  constructor(base: Labels, bounds: readonly number[], find: (labels: Labels) => Point) {
    this.lookup = new Lookup(base, find)
    this.bounds = bounds
  }

  record(value: number, labels?: Labels): void {
    if (!Number.isFinite(value)) return
    const point = this.lookup.point(labels)
    const bounds = this.bounds
    let low = 0
    let high = bounds.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (value <= bounds[middle]!) high = middle
      else low = middle + 1
    }
    const buckets = point.buckets!
    buckets[low] = buckets[low]! + 1
    point.value += 1
    point.sum += value
  }
}
