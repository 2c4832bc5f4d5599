/** Batches from chunks, and several batches as one. */
import { LogsBatch } from './logs.ts'
import { MetricsBatch } from './metrics.ts'
import { commonOrigin } from './origin.ts'
import { ProfilesBatch } from './profiles.ts'
import type { Batch, Batches, Origin, Signal } from './telemetry.ts'
import { TracesBatch } from './traces.ts'
import { plain } from './wire.ts'

/** Of batches that no client sent. */
export const noOrigin: Origin = Object.freeze({ metadata: new Map<string, readonly string[]>() })

const classes = { traces: TracesBatch, metrics: MetricsBatch, logs: LogsBatch, profiles: ProfilesBatch } as const

/** `chunks` were validated before (by `readOtlp`, or because we wrote them) and have `counts` items each. */
export function fromChunks<S extends Signal>(
  signal: S,
  chunks: readonly Uint8Array[],
  counts: readonly number[],
  origin: Origin = noOrigin,
): Batches[S] {
  if (chunks.length !== counts.length) throw new RangeError(`${chunks.length} chunks with ${counts.length} counts`)
  const Class = classes[signal]
  return new Class(chunks.map(plain), counts, origin) as Batch as Batches[S]
}

/** One batch with the chunks of all; nothing is copied. Its origin is what theirs have in common, unless given: merge only batches of one `context.originKey`. */
export function concat<S extends Signal>(signal: S, batches: readonly Batches[S][], origin?: Origin): Batches[S] {
  const first = batches[0]
  const from = origin ?? (first === undefined ? noOrigin : commonOrigin(batches.map((batch) => batch.origin)))
  if (first !== undefined && batches.length === 1) return first.withOrigin(from) as Batches[S]
  const chunks: Uint8Array[] = []
  const counts: number[] = []
  for (const batch of batches) {
    for (const chunk of batch.chunks) chunks.push(chunk)
    for (const count of chunkCounts(batch)) counts.push(count)
  }
  const Class = classes[signal]
  return new Class(chunks, counts, from) as Batch as Batches[S]
}

/** How many items each chunk of a batch has; what the disk queue keeps beside the bytes. */
export function chunkCounts(batch: Batch): readonly number[] {
  return (batch as TracesBatch | MetricsBatch | LogsBatch | ProfilesBatch).chunkCounts
}
