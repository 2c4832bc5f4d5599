/** A batch as a record of a journal: its chunks as they are, and beside them where each ends, what it counts and who sent it. */
import type { JournalRecord } from '../capability/storage.ts'
import { chunkCounts, fromChunks, noOrigin } from '../data/batch.ts'
import type { Batch, Origin, Signal } from '../data/telemetry.ts'

const signals: readonly Signal[] = ['traces', 'metrics', 'logs', 'profiles']
/** Signal, number of chunks. */
const headBytes = 8
/** Length and count of one chunk. */
const chunkBytes = 8

type StoredOrigin = Omit<Origin, 'metadata'> & {
  readonly metadata: readonly (readonly [string, readonly string[]])[]
}

export function encodeBatch(batch: Batch): JournalRecord {
  const { chunks } = batch
  const counts = chunkCounts(batch)
  const origin = Buffer.from(originText(batch.origin))
  const meta = Buffer.allocUnsafe(headBytes + chunks.length * chunkBytes + origin.length)
  meta.writeUInt32LE(signals.indexOf(batch.signal), 0)
  meta.writeUInt32LE(chunks.length, 4)
  let at = headBytes
  for (const [i, chunk] of chunks.entries()) {
    meta.writeUInt32LE(chunk.length, at)
    meta.writeUInt32LE(counts[i] ?? 0, at + 4)
    at += chunkBytes
  }
  meta.set(origin, at)
  return { items: batch.count, meta, chunks }
}

/** Throws when it was written by something else. */
export function decodeBatch(meta: Uint8Array, body: Uint8Array): Batch {
  const view = new DataView(meta.buffer, meta.byteOffset, meta.byteLength)
  const signal = signals[view.getUint32(0, true)]
  const length = view.getUint32(4, true)
  if (signal === undefined) throw new Error('the record is of a signal that this build does not know')
  const chunks: Uint8Array[] = []
  const counts: number[] = []
  let from = 0
  let at = headBytes
  for (let i = 0; i < length; i++, at += chunkBytes) {
    const to = from + view.getUint32(at, true)
    chunks.push(body.subarray(from, to))
    counts.push(view.getUint32(at + 4, true))
    from = to
  }
  if (from !== body.length) throw new Error(`the record has ${body.length} bytes and says ${from}`)
  return fromChunks(signal, chunks, counts, parseOrigin(meta.subarray(at)))
}

/** Every field that an origin has, so that one which is new is kept too; each is of JSON values. */
function originText(origin: Origin): string {
  if (origin === noOrigin) return ''
  const stored: StoredOrigin = { ...origin, metadata: [...origin.metadata] }
  return JSON.stringify(stored)
}

function parseOrigin(bytes: Uint8Array): Origin {
  if (bytes.length === 0) return noOrigin
  const { metadata, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as StoredOrigin
  return { ...rest, metadata: new Map(metadata) }
}
