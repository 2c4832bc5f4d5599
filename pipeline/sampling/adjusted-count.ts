/**
 * How many spans a sampled span stands for: `ot=th:...` of its tracestate is the share of traces that was thrown away, so that counts made of
 * what is left can be made counts of what was there.
 */
import { thresholdOf } from './threshold.ts'
import { parseTraceState } from './trace-state.ts'

const half = 2 ** 28
const all = 2 ** 56

const cacheSize = 512
/** Longer ones are rare and would make the cache large. */
const cachedLength = 256
const cache = new Map<string, number | undefined>()
let lastText = ''
let lastCount: number | undefined = 1

/** 1 where the tracestate says nothing of sampling, or is not valid. */
export function adjustedCount(traceState: string): number {
  return adjustedCountOf(traceState) ?? 1
}

/** Undefined for a tracestate that is not valid; 1 for one that says nothing of sampling. */
export function adjustedCountOf(traceState: string): number | undefined {
  if (traceState === '') return 1
  // The spans of a trace come one after another and say the same.
  if (traceState === lastText) return lastCount
  let count = cache.get(traceState)
  if (count === undefined && !cache.has(traceState)) {
    count = compute(traceState)
    if (traceState.length > cachedLength) return count
    if (cache.size === cacheSize) cache.clear()
    cache.set(traceState, count)
  }
  lastText = traceState
  lastCount = count
  return count
}

function compute(traceState: string): number | undefined {
  const parsed = parseTraceState(traceState)
  if (parsed === undefined) return undefined
  const threshold = parsed.tValue === '' ? undefined : thresholdOf(parsed.tValue)
  if (threshold === undefined) return 1
  // In halves of 28 bits: the difference is rounded once, as Go rounds it.
  const high = Number.parseInt(threshold.slice(0, 7), 16)
  const low = Number.parseInt(threshold.slice(7), 16)
  return all / ((half - high) * half - low)
}
