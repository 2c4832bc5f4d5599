/** The way in: checks a request and makes a batch of it. */
import { fromChunks } from './batch.ts'
import { readJson } from './json/read-json.ts'
import { repair } from './repair.ts'
import { request } from './schema.ts'
import type { Batches, Origin, Signal } from './telemetry.ts'
import { validate } from './validate.ts'
import { plain } from './wire.ts'

export type OtlpFormat = 'proto' | 'json'

type RepairObserver = (signal: Signal, badTexts: number) => void
const observers = new Set<RepairObserver>()

/** Calls `observer` with the number of strings that were not UTF-8 whenever a request had some. The answer stops it. */
export function observeRepairs(observer: RepairObserver): () => void {
  observers.add(observer)
  return () => observers.delete(observer)
}

/**
 * The body becomes the batch's chunk: do not write to it afterwards.
 * Throws `Rejected` (not retryable, InvalidArgument) for a body that is not OTLP; text that is not UTF-8 is repaired.
 */
export function readOtlp<S extends Signal>(
  signal: S,
  body: Uint8Array,
  format: OtlpFormat,
  origin: Origin,
): Batches[S] {
  let chunk = plain(format === 'json' ? readJson(signal, body) : body)
  const { items, badTexts, duplicates } = validate(signal, chunk)
  if (badTexts > 0 || duplicates) chunk = repair(request[signal], chunk)
  if (badTexts > 0) for (const observe of observers) observe(signal, badTexts)
  // A oneof set twice with points in both halves loses the points of the first.
  const count = duplicates ? validate(signal, chunk).items : items
  return fromChunks(signal, [chunk], [count], origin)
}
