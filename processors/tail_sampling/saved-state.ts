/** What survives a reload: the traces with their spans, the decision caches, and how much of each limit is spent. */
import { deserialize, serialize } from 'node:v8'
import type { Clock } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import type { SavedCache } from './decision-cache.ts'
import type { Part } from './held-spans.ts'
import type { TailSampler } from './sampler.ts'
import { type Outcome, Trace } from './trace.ts'

const version = 1

interface SavedPart {
  readonly bytes: Uint8Array
  readonly spans: number
  /** In `origins`. */
  readonly origin: number
}
interface SavedTrace {
  readonly id: string
  readonly ageMs: number
  readonly ticksLeft: number
  readonly spanCount: number
  readonly sizeBytes: number
  readonly outcome: Outcome
  /** Negative where there was no decision. */
  readonly decidedAgeMs: number
  readonly policy: string
  readonly threshold: string
  readonly parts: readonly SavedPart[]
}
interface Saved {
  readonly version: typeof version
  readonly traces: readonly SavedTrace[]
  readonly origins: readonly Origin[]
  readonly sampled: SavedCache
  readonly notSampled: SavedCache
  readonly policies: ReadonlyMap<string, unknown>
}

export function saveState(sampler: TailSampler, clock: Clock): Uint8Array {
  const nowMs = clock.nowMs()
  const origins = new Map<Origin, number>()
  const traces = [...sampler.table.traces.values()].map((trace): SavedTrace => {
    const parts: SavedPart[] = []
    for (let part = trace.first; part !== undefined; part = part.next) {
      let origin = origins.get(part.origin)
      if (origin === undefined) origins.set(part.origin, (origin = origins.size))
      parts.push({ bytes: part.bytes.subarray(part.start, part.end), spans: part.spans, origin })
    }
    const { id, arrivedMs, spanCount, sizeBytes, outcome, decidedMs, policy, threshold } = trace
    return {
      id,
      ageMs: nowMs - arrivedMs,
      ticksLeft: sampler.table.batches.ticksLeft(trace),
      spanCount,
      sizeBytes,
      outcome,
      decidedAgeMs: decidedMs < 0 ? -1 : nowMs - decidedMs,
      policy,
      threshold,
      parts,
    }
  })
  const saved: Saved = {
    version,
    traces,
    origins: [...origins.keys()],
    sampled: sampler.decisions.sampledCache.save(),
    notSampled: sampler.decisions.notSampledCache.save(),
    policies: new Map([...sampler.decisions.stateful].map(([path, policy]) => [path, policy.save()])),
  }
  return serialize(saved)
}

/** Throws for what is no such state. */
export function restoreState(sampler: TailSampler, state: Uint8Array, clock: Clock): void {
  const saved = deserialize(state) as Saved
  if (saved.version !== version)
    throw new Error(`state of tail_sampling has the unknown version ${String(saved.version)}`)
  const nowMs = clock.nowMs()
  for (const one of saved.traces) {
    const trace = new Trace(one.id, nowMs - one.ageMs, sampler.table.batches.batchIn(one.ticksLeft))
    trace.spanCount = one.spanCount
    trace.sizeBytes = one.sizeBytes
    trace.outcome = one.outcome
    trace.decidedMs = one.decidedAgeMs < 0 ? -1 : nowMs - one.decidedAgeMs
    trace.policy = one.policy
    trace.threshold = one.threshold
    let first: Part | undefined
    let last: Part | undefined
    for (const { bytes, spans, origin } of one.parts) {
      const part = sampler.table.held.copy(bytes, spans, saved.origins[origin]!)
      if (last === undefined) first = part
      else last.next = part
      last = part
    }
    sampler.table.adopt(trace, first)
  }
  sampler.decisions.sampledCache.restore(saved.sampled)
  sampler.decisions.notSampledCache.restore(saved.notSampled)
  for (const [path, policyState] of saved.policies) sampler.decisions.stateful.get(path)?.restore(policyState)
}
