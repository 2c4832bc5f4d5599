/** Writing distributions back: only the fields that differ are replaced, so that what we do not know survives. */

import { messageEnd, messageField } from './field.ts'
import { buckets, doubles, doublesUnlessZero, fixed64, messages, packed, zigzag } from './items.ts'
import { writeKept } from './kept-fields.ts'
import type { Distribution, ExponentialBuckets } from './telemetry.ts'
import type { Writer } from './writer.ts'

/** A distribution that may be changed in place. */
export interface EditableDistribution {
  count: bigint
  sum: number | undefined
  /** Not of a summary. */
  min: number | undefined
  max: number | undefined
  bounds: Float64Array
  counts: BigUint64Array
  /** Of an exponential histogram, and there always. */
  exponential: EditableExponential | undefined
  /** Of a summary. */
  quantiles: { quantile: number; value: number }[]
}
export interface EditableExponential {
  scale: number
  zeroCount: bigint
  zeroThreshold: number
  positive: EditableBuckets
  negative: EditableBuckets
}
export interface EditableBuckets {
  offset: number
  counts: BigUint64Array
}

export const histogramData = 9
export const exponentialData = 10
export const summaryData = 11

/** The field numbers that a distribution takes, by the field that holds the metric's data. */
const fieldsOf: Readonly<Record<number, readonly number[]>> = {
  [histogramData]: [4, 5, 6, 7, 11, 12],
  [exponentialData]: [4, 5, 6, 7, 8, 9, 12, 13, 14],
  [summaryData]: [4, 5, 6],
}
const fieldBits: Readonly<Record<number, number>> = Object.fromEntries(
  Object.entries(fieldsOf).map(([data, fields]) => [data, bits(...fields)]),
)

export function distributionFields(data: number): readonly number[] {
  return fieldsOf[data] ?? []
}
export function distributionBits(data: number): number {
  return fieldBits[data] ?? 0
}

function bits(...numbers: readonly number[]): number {
  return numbers.reduce((mask, number) => mask | (1 << number), 0)
}

export function copyDistribution(of: Distribution): EditableDistribution {
  const { exponential } = of
  return {
    count: of.count,
    sum: of.sum,
    min: of.min,
    max: of.max,
    bounds: of.bounds.slice(),
    counts: of.counts.slice(),
    exponential: exponential && {
      scale: exponential.scale,
      zeroCount: exponential.zeroCount,
      zeroThreshold: exponential.zeroThreshold,
      positive: { offset: exponential.positive.offset, counts: exponential.positive.counts.slice() },
      negative: { offset: exponential.negative.offset, counts: exponential.negative.counts.slice() },
    },
    quantiles: of.quantiles.map(({ quantile, value }) => ({ quantile, value })),
  }
}

/** The bits of the fields in which two distributions of one kind differ. Throws where `now` is none of that kind. */
export function changedBits(data: number, before: Distribution, now: Distribution): number {
  let changed = 0
  if (now.count !== before.count) changed |= bits(4)
  if (!Object.is(now.sum, before.sum)) changed |= bits(5)
  if (data === summaryData) return sameQuantiles(before, now) ? changed : changed | bits(6)
  if (data === histogramData) {
    if (!sameWords(now.counts, before.counts, 'counts')) changed |= bits(6)
    if (!sameWords(now.bounds, before.bounds, 'bounds')) changed |= bits(7)
    if (!Object.is(now.min, before.min)) changed |= bits(11)
    if (!Object.is(now.max, before.max)) changed |= bits(12)
    return changed
  }
  const [x, y] = [before.exponential, now.exponential]
  if (x === undefined || y === undefined)
    throw new TypeError('the distribution of an exponential histogram needs its `exponential`')
  if (x.scale !== y.scale) changed |= bits(6)
  if (x.zeroCount !== y.zeroCount) changed |= bits(7)
  if (!sameBuckets(x.positive, y.positive)) changed |= bits(8)
  if (!sameBuckets(x.negative, y.negative)) changed |= bits(9)
  if (!Object.is(now.min, before.min)) changed |= bits(12)
  if (!Object.is(now.max, before.max)) changed |= bits(13)
  if (!Object.is(x.zeroThreshold, y.zeroThreshold)) changed |= bits(14)
  return changed
}

function sameBuckets(x: ExponentialBuckets, y: ExponentialBuckets): boolean {
  return x.offset === y.offset && sameWords(y.counts, x.counts, 'counts')
}

/** Compares 64-bit elements as pairs of words: reading a BigUint64Array makes a bigint of each. */
function sameWords(now: Float64Array | BigUint64Array, before: Float64Array | BigUint64Array, noun: string): boolean {
  if (now === before) return true
  if (!(now instanceof before.constructor)) {
    throw new TypeError(`the ${noun} of a distribution are a ${before.constructor.name}`)
  }
  if (now.length !== before.length) return false
  if (now.length === 0) return true
  const [x, y] = [words(now), words(before)]
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

function words(of: Float64Array | BigUint64Array): Uint32Array {
  return new Uint32Array(of.buffer, of.byteOffset, of.length * 2)
}

function sameQuantiles(before: Distribution, now: Distribution): boolean {
  const [x, y] = [before.quantiles, now.quantiles]
  return (
    x.length === y.length &&
    x.every(({ quantile, value }, i) => Object.is(quantile, y[i]!.quantile) && Object.is(value, y[i]!.value))
  )
}

/** Writes the fields whose bits are set. [start, end) is the point as it stands on the wire: buckets keep there what we do not know. */
export function writeDistribution(
  to: Writer,
  data: number,
  of: Distribution,
  changed: number,
  b: Uint8Array,
  start: number,
  end: number,
): void {
  const has = (field: number) => (changed & (1 << field)) !== 0
  if (data === histogramData) {
    if (has(12)) doubles(to, 97, of.max)
    if (has(11)) doubles(to, 89, of.min)
    if (has(7)) packed(to, 58, of.bounds, (bound) => to.double(bound))
    if (has(6)) packed(to, 50, of.counts, (n) => to.fixed64(n))
    if (has(5)) doubles(to, 41, of.sum)
  } else if (data === exponentialData) {
    const { scale, zeroCount, zeroThreshold, positive, negative } = of.exponential!
    if (has(14)) doublesUnlessZero(to, 113, zeroThreshold)
    if (has(13)) doubles(to, 105, of.max)
    if (has(12)) doubles(to, 97, of.min)
    if (has(9)) writeBuckets(to, 74, negative, b, start, end)
    if (has(8)) writeBuckets(to, 66, positive, b, start, end)
    if (has(7)) fixed64(to, 57, zeroCount)
    if (has(6)) zigzag(to, 48, scale)
    if (has(5)) doubles(to, 41, of.sum)
  } else {
    if (has(6)) messages(to, 50, of.quantiles, writeQuantile)
    if (has(5)) doublesUnlessZero(to, 41, of.sum)
  }
  if (has(4)) fixed64(to, 33, of.count)
}

function writeBuckets(
  to: Writer,
  tag: number,
  of: ExponentialBuckets,
  b: Uint8Array,
  start: number,
  end: number,
): void {
  const before = to.size
  const from = messageField(b, start, end, tag)
  writeKept(to, b, from, messageEnd, bits(1, 2), undefined)
  buckets(to, of)
  to.message(tag, before)
}

function writeQuantile(to: Writer, { quantile, value }: { readonly quantile: number; readonly value: number }): void {
  doubles(to, 17, value)
  doubles(to, 9, quantile)
}
