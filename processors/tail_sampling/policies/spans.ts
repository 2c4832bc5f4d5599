/** Policies on what spans have beside attributes. */
import { fixed32Field, int32Field, messageEnd, messageField } from '../../../pipeline/data/field.ts'
import { find, u32 } from '../../../pipeline/data/wire.ts'
import { readEntry } from '../../../pipeline/ottl/contexts/trace-state.ts'
import type { PolicySettings } from '../policies-config.ts'
import type { TraceView } from '../trace-view.ts'
import type { Policy } from './policy.ts'

type Section<K extends keyof PolicySettings> = NonNullable<PolicySettings[K]>

const startTag = 57
const endTag = 65
const nanosPerMs = 1e6

/**
 * With an upper bound upstream stops at the first span with which the trace so far is within the bounds, so that the order of spans counts; kept,
 * since both must keep the same traces.
 */
export function latency({ threshold_ms, upper_threshold_ms }: Section<'latency'>): Policy {
  const isWithin = (ms: number): boolean =>
    upper_threshold_ms === 0 ? ms > threshold_ms : threshold_ms < ms && ms <= upper_threshold_ms
  const decide = ({ spans }: TraceView) => {
    // 64-bit times in halves. Zero is unset.
    let [minHi, minLo, maxHi, maxLo] = [0, 0, 0, 0]
    for (let i = 0; i < spans.length; i++) {
      const { b, start, end } = spans[i]!
      const startAt = find(b, start, end, startTag)
      const endAt = find(b, start, end, endTag)
      const [startLo, startHi] = startAt < 0 ? [0, 0] : [u32(b, startAt), u32(b, startAt + 4)]
      const [endLo, endHi] = endAt < 0 ? [0, 0] : [u32(b, endAt), u32(b, endAt + 4)]
      if ((minHi === 0 && minLo === 0) || startHi < minHi || (startHi === minHi && startLo < minLo)) {
        minHi = startHi
        minLo = startLo
      }
      if ((maxHi === 0 && maxLo === 0) || endHi > maxHi || (endHi === maxHi && endLo > maxLo)) {
        maxHi = endHi
        maxLo = endLo
      }
      let nanos = (maxHi - minHi) * 0x1_0000_0000 + (maxLo - minLo)
      // As int64.
      if (nanos >= 2 ** 63) nanos -= 2 ** 64
      if (isWithin(Math.trunc(nanos / nanosPerMs))) return 'sampled'
    }
    return 'not_sampled'
  }
  return { decide }
}

const codes: Readonly<Record<string, number>> = { UNSET: 0, OK: 1, ERROR: 2 }
const statusTag = 122
const codeTag = 24

export function statusCode({ status_codes }: Section<'status_code'>): Policy {
  const wanted = new Set(status_codes.map((name) => codes[name]!))
  return {
    decide({ spans }) {
      for (let i = 0; i < spans.length; i++) {
        const { b, start, end } = spans[i]!
        const at = messageField(b, start, end, statusTag)
        if (wanted.has(int32Field(b, at, messageEnd, codeTag))) return 'sampled'
      }
      return 'not_sampled'
    },
  }
}

export function spanCount({ min_spans, max_spans }: Section<'span_count'>): Policy {
  return {
    decide: ({ spanCount: spans }) =>
      spans >= min_spans && (max_spans === 0 || spans <= max_spans) ? 'sampled' : 'not_sampled',
  }
}

const flagsTag = 133
const sampledFlag = 1

export function traceFlags(): Policy {
  return {
    decide({ spans }) {
      for (let i = 0; i < spans.length; i++) {
        const { b, start, end } = spans[i]!
        if ((fixed32Field(b, start, end, flagsTag) & sampledFlag) !== 0) return 'sampled'
      }
      return 'not_sampled'
    },
  }
}

/** A member of a tracestate is shorter, the equals sign included. */
const maxMember = 256

export function traceState({ key, values }: Section<'trace_state'>): Policy {
  const wanted = new Set(values.filter((value) => value !== '' && key.length + value.length < maxMember))
  return {
    decide({ spans }) {
      for (let i = 0; i < spans.length; i++) {
        const text = spans[i]!.traceState
        if (text === '') continue
        const value = readEntry(text, key)
        if (value !== null && wanted.has(value)) return 'sampled'
      }
      return 'not_sampled'
    },
  }
}
