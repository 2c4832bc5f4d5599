/** Keeps a share of all traces: by a hash of their id, or by the randomness that their tracestate carries. */
import { always, isSampled, never, thresholdFor } from '../../../pipeline/sampling/threshold.ts'
import type { PolicySettings } from '../policies-config.ts'
import { carriedBy, idRandomness } from '../trace-randomness.ts'
import type { Policy } from './policy.ts'

const defaultSalt = 'default-hash-seed'

/** `readsTraceState`: the feature gate `usetracestate`. */
export function probabilistic(
  { hash_salt, sampling_percentage }: NonNullable<PolicySettings['probabilistic']>,
  readsTraceState: boolean,
): Policy {
  const ratio = sampling_percentage / 100
  const threshold = thresholdFor(ratio, 0) ?? (ratio >= 1 ? always : never)
  const [mostHigh, mostLow] = hashLimit(ratio)
  const seed = fnv1a(offsetBasis, Buffer.from(hash_salt === '' ? defaultSalt : hash_salt))
  return {
    decide(trace) {
      trace.threshold = threshold
      if (readsTraceState) {
        const carried = carriedBy(trace)
        if (carried.isSampled)
          return isSampled(carried.randomness ?? idRandomness(trace.traceId), threshold) ? 'sampled' : 'not_sampled'
      }
      const { high, low } = hashId(seed, trace.traceId)
      return high < mostHigh || (high === mostHigh && low <= mostLow) ? 'sampled' : 'not_sampled'
    },
  }
}

interface Hash {
  readonly high: number
  readonly low: number
}
/** FNV-1a, 64 bits, in halves. */
const offsetBasis: Hash = { high: 0xcbf2_9ce4, low: 0x8422_2325 }

function fnv1a({ high, low }: Hash, bytes: Uint8Array): Hash {
  for (const byte of bytes) [high, low] = step(high, low, byte)
  return { high, low }
}

function hashId(seed: Hash, traceId: string): Hash {
  let { high, low } = seed
  for (let i = 0; i < 32; i += 2) {
    const byte = traceId === '' ? 0 : (nibble(traceId.charCodeAt(i)) << 4) | nibble(traceId.charCodeAt(i + 1))
    // Times 2^40 + 0x1b3.
    const mixed = (low ^ byte) >>> 0
    const product = mixed * 0x1b3
    low = product >>> 0
    high = (Math.imul(high, 0x1b3) + (product - low) / 0x1_0000_0000 + (mixed << 8)) >>> 0
  }
  return { high, low }
}

function step(high: number, low: number, byte: number): [number, number] {
  const mixed = (low ^ byte) >>> 0
  const product = mixed * 0x1b3
  const next = product >>> 0
  return [(Math.imul(high, 0x1b3) + (product - next) / 0x1_0000_0000 + (mixed << 8)) >>> 0, next]
}

function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87
}

const float = new DataView(new ArrayBuffer(8))

/** The largest hash that is kept: (2^64 - 1) * ratio with a mantissa of 64 bits, as Go's big.Float has it, cut to a whole number. */
export function hashLimit(ratio: number): readonly [number, number] {
  const limit = ratio <= 0 ? 0n : ratio >= 1 ? maxHash : productWith(ratio)
  return [Number(limit >> 32n), Number(limit & 0xffff_ffffn)]
}

const maxHash = (1n << 64n) - 1n

function productWith(ratio: number): bigint {
  float.setFloat64(0, ratio)
  const bits = float.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & ((1n << 52n) - 1n)
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n)
  let product = maxHash * mantissa
  let scale = Math.max(exponent, 1) - 1075
  const extra = product.toString(2).length - 64
  if (extra > 0) {
    const half = 1n << BigInt(extra - 1)
    const rest = product & ((1n << BigInt(extra)) - 1n)
    product >>= BigInt(extra)
    if (rest > half || (rest === half && (product & 1n) === 1n)) product++
    scale += extra
  }
  return scale >= 0 ? product << BigInt(scale) : product >> BigInt(-scale)
}
