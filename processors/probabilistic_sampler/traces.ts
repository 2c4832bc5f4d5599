import type { Span, Traces } from '../../pipeline/data/telemetry.ts'
import { isDouble, key } from '../../pipeline/data/value.ts'
import { parseFloatText } from '../../pipeline/ottl/numbers.ts'
import { always, mostRandom, never, tValueOf } from '../../pipeline/sampling/threshold.ts'
import { parseTraceState, type TraceState, writeTraceState } from '../../pipeline/sampling/trace-state.ts'
import { hashHex, randomnessOfHash } from './hash.ts'
import { carriedRandomness, type Decision, isRaised, type Randomness, type Sampler } from './sampler.ts'

const samplingPriority = key('sampling.priority')

/** The spans that are kept, each with the threshold by which it was. */
export function sampleTraces(
  batch: Traces,
  sampler: Sampler,
  seed: number,
  onDecision: (decision: Decision) => void,
): Traces {
  const written: (string | undefined)[] = []
  let isChanged = false
  const kept = batch.filter((span) => {
    const state = parseTraceState(span.traceState) ?? (sampler.mode === 'never' ? rest(span.traceState) : undefined)
    const decision = sampler.decide({
      carried: state,
      randomness: randomnessOf(span, state, sampler, seed),
      wanted: priorityOf(span),
    })
    onDecision(decision)
    if (!decision.isSampled) return false
    const text =
      state === undefined || decision.carried === undefined ? undefined : sampled(state, span, sampler, seed, decision)
    const isNew = text !== undefined && text !== span.traceState
    if (isNew) isChanged = true
    written.push(isNew ? text : undefined)
    return true
  })
  if (!isChanged) return kept
  let at = 0
  return kept.edit((span) => {
    const text = written[at++]
    if (text !== undefined) span.traceState = text
  })
}

/** As upstream at 0 %: where `sampling.priority` keeps a span with a broken tracestate, the valid members stay. */
function rest(traceState: string): TraceState {
  const others = traceState.split(',').filter((member) => !/^[ \t]*ot=/.test(member))
  const read = others.length < 32 ? parseTraceState(others.join(',')) : undefined
  return { ...(read ?? parseTraceState('')!), isBroken: true }
}

function sampled(state: TraceState, span: Span, sampler: Sampler, seed: number, { threshold }: Decision): string {
  if (sampler.mode === 'hash_seed') state.rValue = hasId(span.traceId) ? hashed(span.traceId, seed) : mostRandom
  if (isRaised(state.tValue, threshold)) state.tValue = tValueOf(threshold)
  return writeTraceState(state)
}

function randomnessOf(
  { traceId }: Span,
  state: TraceState | undefined,
  sampler: Sampler,
  seed: number,
): Randomness | undefined {
  if (sampler.mode === 'never') return { value: mostRandom, policy: 'sampling_priority' }
  if (sampler.mode === 'hash_seed')
    return hasId(traceId) ? { value: hashed(traceId, seed), policy: 'trace_id_hash' } : undefined
  if (state === undefined) return undefined
  return carriedRandomness(state) ?? w3cRandomness(traceId)
}

function hashed(traceId: string, seed: number): string {
  return randomnessOfHash(hashHex(seed, traceId))
}

/** The last 56 bits of a trace id are random, says W3C. */
export function w3cRandomness(traceId: string): Randomness | undefined {
  return hasId(traceId) ? { value: traceId.slice(-14), policy: 'trace_id_w3c' } : undefined
}

export function hasId(traceId: string): boolean {
  return traceId !== '' && traceId !== '00000000000000000000000000000000'
}

/** OpenTracing's `sampling.priority`: 0 drops the span, more keeps it. */
function priorityOf(span: Span): string | undefined {
  const value = span.attributes.get(samplingPriority)
  if (value === undefined) return undefined
  const number = typeof value === 'string' ? parseFloatText(value) : isDouble(value) ? value.double : value
  if (typeof number !== 'number' && typeof number !== 'bigint') return undefined
  if (number > 0) return always
  return Number(number) === 0 ? never : undefined
}
