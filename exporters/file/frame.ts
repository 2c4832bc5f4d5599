/** A batch as the bytes that stand in the file. */
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { writeJsonBytes } from '../../pipeline/data/json/write-json.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import type { FileConfig } from './config.ts'

const compress = promisify(zstdCompress)
const lineFeed = Uint8Array.of(0x0a)

/** One message; its parts are written one behind the other. */
export type Frame = (signal: Signal, chunks: readonly Uint8Array[]) => Promise<readonly Uint8Array[]>

/** JSON is a line; what is proto or compressed has its length before it, as upstream frames it. */
export function framing(config: FileConfig): Frame {
  const isJson = config.format === 'json'
  if (config.compression === 'zstd') {
    return async (signal, chunks) => {
      const plain = isJson ? writeJsonBytes(signal, chunks) : Buffer.concat(chunks)
      return prefixed([await compress(plain)])
    }
  }
  if (isJson) return async (signal, chunks) => [writeJsonBytes(signal, chunks), lineFeed]
  return async (_signal, chunks) => prefixed(chunks)
}

/** 4 bytes, big-endian, before the message. */
function prefixed(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = new DataView(new ArrayBuffer(4))
  length.setUint32(
    0,
    parts.reduce((sum, part) => sum + part.length, 0),
  )
  return [new Uint8Array(length.buffer), ...parts]
}

/** What becomes one message each: all chunks together, but for profiles, whose dictionaries belong to one request. */
export function messagesOf(signal: Signal, chunks: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  return signal === 'profiles' ? chunks.map((chunk) => [chunk]) : [chunks]
}
