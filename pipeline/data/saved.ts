/** A batch as plain data, which `node:v8` can serialize: what components put into the state that they `save`. */
import { chunkCounts, fromChunks } from './batch.ts'
import type { Batches, Origin, Signal } from './telemetry.ts'

export interface SavedBatch<S extends Signal = Signal> {
  readonly signal: S
  readonly chunks: readonly Uint8Array[]
  readonly counts: readonly number[]
  readonly origin: Origin
}

export function saved<S extends Signal>(batch: Batches[S] & { readonly signal: S }): SavedBatch<S> {
  // Compact, so that a chunk which many saved batches share is not written out once for each.
  const compact = batch.compact() as Batches[S]
  return { signal: batch.signal, chunks: compact.chunks, counts: chunkCounts(compact), origin: batch.origin }
}

export function batchOf<S extends Signal>({ signal, chunks, counts, origin }: SavedBatch<S>): Batches[S] {
  return fromChunks(signal, chunks, counts, origin)
}
