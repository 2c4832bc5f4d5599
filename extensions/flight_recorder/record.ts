/**
 * How a record lies in a segment: a header of 48 bytes, then the chunks of one signal, one behind the other, as they came in. Little endian; the checksum
 * covers the header behind it and the chunks.
 */
import { crc32 } from 'node:zlib'
import type { Signal } from '../../pipeline/data/telemetry.ts'

export const headerBytes = 48
const magic = 0x7666_7231
const signals = ['traces', 'logs', 'metrics'] as const
export type RecordedSignal = (typeof signals)[number]

export interface RecordHeader {
  readonly signal: RecordedSignal
  readonly items: number
  readonly bodyBytes: number
  /** Event time, Unix milliseconds. */
  readonly fromMs: number
  readonly untilMs: number
  /** When it came, by the clock. */
  readonly cameMs: number
}

export function isRecorded(signal: Signal): signal is RecordedSignal {
  return (signals as readonly Signal[]).includes(signal)
}

export function encodeHeader(header: RecordHeader, chunks: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt32LE(magic, 0)
  bytes.writeUInt32LE(header.bodyBytes, 8)
  bytes.writeUInt32LE(header.items, 12)
  bytes.writeUInt8(signals.indexOf(header.signal), 16)
  bytes.writeDoubleLE(header.fromMs, 24)
  bytes.writeDoubleLE(header.untilMs, 32)
  bytes.writeDoubleLE(header.cameMs, 40)
  let crc = crc32(bytes.subarray(8))
  for (const chunk of chunks) crc = crc32(chunk, crc)
  bytes.writeUInt32LE(crc, 4)
  return bytes
}

/** Undefined for what is no header; whether its body is whole, `isWhole` says. */
export function readHeader(bytes: Buffer): RecordHeader | undefined {
  const signal = signals[bytes.length < headerBytes ? -1 : bytes.readUInt8(16)]
  if (signal === undefined || bytes.readUInt32LE(0) !== magic) return undefined
  return {
    signal,
    bodyBytes: bytes.readUInt32LE(8),
    items: bytes.readUInt32LE(12),
    fromMs: bytes.readDoubleLE(24),
    untilMs: bytes.readDoubleLE(32),
    cameMs: bytes.readDoubleLE(40),
  }
}

export function isWhole(header: Buffer, body: Uint8Array): boolean {
  return crc32(body, crc32(header.subarray(8, headerBytes))) === header.readUInt32LE(4)
}
