/** What the spans of a trace say of how it was sampled before, in the `ot` member of their tracestate. */

import { randomnessOf } from '../../pipeline/sampling/threshold.ts'
import { parseTraceState } from '../../pipeline/sampling/trace-state.ts'
import type { TraceView } from './trace-view.ts'

interface Carried {
  /** The first `rv` there is: all spans of a trace should have the same. */
  readonly randomness: string | undefined
  /** Whether any span has `rv` or `th`. */
  readonly isSampled: boolean
}

export function carriedBy({ spans }: TraceView): Carried {
  let isSampled = false
  for (let i = 0; i < spans.length; i++) {
    const text = spans[i]!.traceState
    if (!text.includes('ot=')) continue
    const state = parseTraceState(text)
    if (state === undefined) continue
    if (state.rValue !== '') return { randomness: randomnessOf(state.rValue), isSampled: true }
    if (state.tValue !== '') isSampled = true
  }
  return { randomness: undefined, isSampled }
}

/** Explicit, or else the last 56 bits of the trace id, as W3C has it. */
export function randomnessIn(trace: TraceView): string {
  return carriedBy(trace).randomness ?? idRandomness(trace.traceId)
}

export function idRandomness(traceId: string): string {
  return traceId === '' ? '0'.repeat(14) : traceId.slice(-14)
}
