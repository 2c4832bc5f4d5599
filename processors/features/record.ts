/** One record of the journal: what was taken of a batch, by numbers of series that the records of one epoch share. */
import { deserialize, serialize } from 'node:v8'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { Taken } from './taken.ts'
import type { Hole } from './tick.ts'

/** Smaller records are not worth compressing. */
const leastCompressed = 512
const version = 2

/** What a process that needs none of the content reads of it. */
export interface RecordHead {
  readonly epoch: number
  /** The newest pane that was emitted before. */
  readonly newest: number
}
export interface RecordContent {
  readonly nowUnixMs: number
  /** Of series that are new in this epoch, by number from `firstText` on: records before this one may be lost. */
  readonly texts: readonly string[]
  readonly firstText: number
  readonly series: Uint32Array
  readonly times: Float64Array
  readonly values: Float64Array
  readonly ends: Uint32Array
  readonly buckets: Uint8Array
  readonly counts: Float64Array
  readonly holes: readonly Hole[]
}

const headBytes = 18

export function writeRecord(head: RecordHead, content: RecordContent): { meta: Uint8Array; body: Uint8Array } {
  const plain = serialize(content)
  const isCompressed = plain.length >= leastCompressed
  const meta = new DataView(new ArrayBuffer(headBytes))
  meta.setUint8(0, version)
  meta.setUint8(1, isCompressed ? 1 : 0)
  meta.setFloat64(2, head.epoch, true)
  meta.setFloat64(10, head.newest, true)
  const body = isCompressed ? zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }) : plain
  return { meta: new Uint8Array(meta.buffer), body }
}

/** Throws where it is none. */
export function readHead(meta: Uint8Array): RecordHead {
  if (meta[0] !== version || meta.length !== headBytes)
    throw new Error(`a record of version ${String(meta[0])} is not known here`)
  const view = new DataView(meta.buffer, meta.byteOffset, meta.length)
  return { epoch: view.getFloat64(2, true), newest: view.getFloat64(10, true) }
}

/** Throws where it is none. */
export function readContent(meta: Uint8Array, body: Uint8Array): RecordContent {
  return deserialize(meta[1] === 1 ? zstdDecompressSync(body) : body) as RecordContent
}

/** `texts` by number; rows of those that are not there are left out. */
export function takenOf(
  { series, times, values, ends, buckets, counts, nowUnixMs }: RecordContent,
  texts: readonly (string | undefined)[],
  idOf: (text: string) => number,
): Taken {
  const taken = new Taken(nowUnixMs, series.length)
  for (let row = 0; row < series.length; row++) {
    const text = texts[series[row]!]
    if (text === undefined) continue
    taken.add(idOf(text), times[row]!, values[row]!)
    const first = row === 0 ? 0 : ends[row - 1]!
    taken.addBucketsOf(buckets.subarray(first, ends[row]), counts.subarray(first, ends[row]))
  }
  return taken
}
