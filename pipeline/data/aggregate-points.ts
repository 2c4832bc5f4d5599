/** Merges the points of a metric that have the same attributes and time, as the Go Collector's aggregateutil does: what is left when attributes were taken away. */
import { double, isDouble } from './any-value.ts'
import type { EditableBuckets, EditableDistribution } from './distribution-edits.ts'
import type { MetricRewrite } from './rewritten-metric.ts'
import type { PointRewrite } from './rewritten-point.ts'
import type { Double } from './telemetry.ts'

export const aggregations = ['sum', 'mean', 'min', 'max', 'median', 'count'] as const
export type Aggregation = (typeof aggregations)[number]

/** A histogram that spans more buckets than this is left in parts: its offsets are not to be believed. */
const maxBuckets = 16_384

/**
 * The points of metrics of one type, those of equal attributes and time made one: the first of them, changed. Histograms are summed, whatever
 * `how` says; without it the first stays as it is. Throws a TypeError for a summary, which has no sum of two.
 */
export function aggregatedPoints(metrics: readonly MetricRewrite[], how: Aggregation | undefined): PointRewrite[] {
  const groups = new Map<string, [PointRewrite, ...PointRewrite[]]>()
  for (const { type, temporality, points } of metrics) {
    if (type === 'summary') throw new TypeError('the points of a summary cannot be aggregated')
    for (const point of points) {
      const key = keyOf(point, temporality === 'delta')
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [point])
      else group.push(point)
    }
  }
  const merged: PointRewrite[] = []
  for (const [first, ...others] of groups.values()) {
    if (first.kind !== 'number') merged.push(...mergeDistributions(first, others))
    else {
      if (how !== undefined) mergeNumbers(first, others, how)
      earliest(first, others)
      merged.push(first)
    }
  }
  return merged
}

function keyOf(point: PointRewrite, isDelta: boolean): string {
  const parts: unknown[] = [point.identity, String(point.timeUnixNano), isDelta ? String(point.startUnixNano) : '']
  const { distribution } = point
  if (distribution !== undefined) {
    const { min, max, bounds, exponential } = distribution
    parts.push(
      min !== undefined,
      max !== undefined,
      point.flags,
      exponential?.scale,
      exponential?.zeroThreshold,
      ...bounds,
    )
  }
  return JSON.stringify(parts)
}

function earliest(first: PointRewrite, others: readonly PointRewrite[]): void {
  for (const { startUnixNano } of others) if (startUnixNano < first.startUnixNano) first.startUnixNano = startUnixNano
}

function mergeNumbers(first: PointRewrite, others: readonly PointRewrite[], how: Aggregation): void {
  if (others.length === 0 && how !== 'count') return
  const { value } = first
  if (value === undefined) return
  const all = [first, ...others]
  // The first decides what kind of number the result is.
  first.value = isInt(value)
    ? BigInt.asIntN(64, ofInts(all.map(asInt), how))
    : double(ofDoubles(all.map(asDouble), how))
}

/** Whether the value of a point is an int on the wire. */
export function isInt(value: number | bigint | Double): value is number | bigint {
  return (
    typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 63)
  )
}

/** Cut off, and the lowest int64 for what does not fit: Go's conversion on amd64. */
export function toInt64(value: number): bigint {
  const whole = Math.trunc(value)
  return whole >= -(2 ** 63) && whole < 2 ** 63 ? BigInt(whole) : -(2n ** 63n)
}

function asDouble({ value = 0 }: PointRewrite): number {
  return isDouble(value) ? value.double : Number(value)
}

function asInt({ value = 0 }: PointRewrite): bigint {
  return isInt(value) ? BigInt(value) : toInt64(isDouble(value) ? value.double : value)
}

function ofDoubles(numbers: readonly number[], how: Aggregation): number {
  switch (how) {
    case 'sum':
      return sum(numbers)
    case 'mean':
      return sum(numbers) / numbers.length
    case 'min':
      return Math.min(...numbers)
    case 'max':
      return Math.max(...numbers)
    case 'count':
      return numbers.length
    case 'median': {
      const sorted = numbers.toSorted((x, y) => x - y)
      const middle = sorted.length >> 1
      return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
    }
  }
}

function sum(numbers: readonly number[]): number {
  let all = 0
  for (const number of numbers) all += number
  return all
}

function ofInts(numbers: readonly bigint[], how: Aggregation): bigint {
  const sorted = numbers.toSorted((x, y) => (x < y ? -1 : x > y ? 1 : 0))
  const count = numbers.length
  const middle = count >> 1
  let total = 0n
  for (const number of numbers) total += number
  switch (how) {
    case 'sum':
      return total
    case 'mean':
      return total / BigInt(count)
    case 'min':
      return sorted[0]!
    case 'max':
      return sorted[count - 1]!
    case 'count':
      return BigInt(count)
    case 'median':
      return count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2n
  }
}

/** One point, and those that do not fit into it. */
function mergeDistributions(first: PointRewrite, others: readonly PointRewrite[]): PointRewrite[] {
  const into = first.distribution!
  const left: PointRewrite[] = []
  const taken: PointRewrite[] = []
  for (const other of others) {
    const from = other.distribution!
    if (from.count === 0n) continue
    if (!fits(into, from)) {
      left.push(other)
      continue
    }
    merge(into, from)
    taken.push(other)
  }
  const exemplars = taken.flatMap((point) => point.exemplars)
  if (exemplars.length > 0) first.exemplars = [...first.exemplars, ...exemplars]
  earliest(first, taken)
  return [first, ...left]
}

function fits(into: EditableDistribution, from: EditableDistribution): boolean {
  const [x, y] = [into.exponential, from.exponential]
  if (x === undefined || y === undefined) return into.counts.length === from.counts.length
  return spanOf(x.positive, y.positive) <= maxBuckets && spanOf(x.negative, y.negative) <= maxBuckets
}

function spanOf(x: EditableBuckets, y: EditableBuckets): number {
  if (x.counts.length === 0 || y.counts.length === 0) return Math.max(x.counts.length, y.counts.length)
  return Math.max(x.offset + x.counts.length, y.offset + y.counts.length) - Math.min(x.offset, y.offset)
}

function merge(into: EditableDistribution, from: EditableDistribution): void {
  into.count = BigInt.asUintN(64, into.count + from.count)
  if (into.sum !== undefined || from.sum !== undefined) into.sum = (into.sum ?? 0) + (from.sum ?? 0)
  if (into.min !== undefined && from.min !== undefined) into.min = Math.min(into.min, from.min)
  if (into.max !== undefined && from.max !== undefined) into.max = Math.max(into.max, from.max)
  for (let i = 0; i < into.counts.length; i++) into.counts[i]! += from.counts[i]!
  if (into.exponential === undefined || from.exponential === undefined) return
  into.exponential.zeroCount = BigInt.asUintN(64, into.exponential.zeroCount + from.exponential.zeroCount)
  mergeBuckets(into.exponential.positive, from.exponential.positive)
  mergeBuckets(into.exponential.negative, from.exponential.negative)
}

function mergeBuckets(into: EditableBuckets, from: EditableBuckets): void {
  if (from.counts.length === 0) return
  if (into.counts.length === 0) {
    into.offset = from.offset
    into.counts = from.counts.slice()
    return
  }
  const offset = Math.min(into.offset, from.offset)
  const counts = new BigUint64Array(spanOf(into, from))
  for (const { offset: at, counts: own } of [into, from]) {
    for (let i = 0; i < own.length; i++) counts[at - offset + i]! += own[i]!
  }
  into.offset = offset
  into.counts = counts
}
