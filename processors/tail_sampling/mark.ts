/** What is written to the spans of a sampled trace: which policy kept it, and with what probability. Each behind a feature gate, as upstream. */
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { thresholdOf, tValueOf } from '../../pipeline/sampling/threshold.ts'
import { parseTraceState, writeTraceState } from '../../pipeline/sampling/trace-state.ts'

export interface Mark {
  /** Equal for equal marks. */
  readonly key: string
  readonly policy: string
  readonly compositePolicy: string
  readonly isCached: boolean
  /** Undefined = the tracestate stays as it is. */
  readonly threshold: string | undefined
}

export const noMark: Mark = newMark({})

export function newMark({
  policy = '',
  compositePolicy = '',
  isCached = false,
  threshold,
}: {
  policy?: string
  compositePolicy?: string | undefined
  isCached?: boolean
  threshold?: string | undefined
}): Mark {
  const key =
    policy === '' && compositePolicy === '' && !isCached && threshold === undefined
      ? ''
      : JSON.stringify([policy, compositePolicy, isCached, threshold])
  return { key, policy, compositePolicy, isCached, threshold }
}

export function marked(batch: Traces, mark: Mark, onUnparseable: (spans: number) => void): Traces {
  if (mark.key === '') return batch
  const { policy, compositePolicy, isCached, threshold } = mark
  let result = batch
  if (policy !== '' || compositePolicy !== '' || isCached)
    result = result.editScopes(({ attributes }) => {
      if (compositePolicy !== '') attributes.set('tailsampling.composite_policy', compositePolicy)
      if (policy !== '') attributes.set('tailsampling.policy', policy)
      if (isCached) attributes.set('tailsampling.cached_decision', true)
    })
  return threshold === undefined ? result : withThreshold(result, threshold, onUnparseable)
}

/** Raises the threshold of each span, and never lowers it: what was thrown away before does not come back. */
function withThreshold(batch: Traces, threshold: string, onUnparseable: (spans: number) => void): Traces {
  const tValue = tValueOf(threshold)
  let unparseable = 0
  const edited = batch.edit((span) => {
    const text = span.traceState
    const state = parseTraceState(text)
    if (state === undefined) {
      unparseable++
      return
    }
    const before = state.tValue === '' ? undefined : thresholdOf(state.tValue)
    if (before !== undefined && before > threshold) return
    state.tValue = tValue
    const now = writeTraceState(state)
    if (now !== text) span.traceState = now
  })
  if (unparseable > 0) onUnparseable(unparseable)
  return edited
}
