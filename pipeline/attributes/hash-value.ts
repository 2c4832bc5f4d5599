import { hash } from 'node:crypto'
import type { Value } from '../data/telemetry.ts'
import { isDouble } from '../data/value.ts'
import { plain } from '../data/wire.ts'

const eight = new DataView(new ArrayBuffer(8))
const eightBytes = plain(Buffer.from(eight.buffer))

/** SHA-256 in hexadecimal of a text's UTF-8, a number's 8 bytes (little-endian) or a bool's one; empty for what has no such form, as upstream. */
export function hashValue(value: Value): string {
  if (typeof value === 'string') return hash('sha256', value)
  if (typeof value === 'boolean') return hash('sha256', Uint8Array.of(value ? 1 : 0))
  if (isDouble(value)) return hashDouble(value.double)
  if (typeof value === 'bigint') return hashInt(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? hashInt(BigInt(value)) : hashDouble(value)
  return ''
}

function hashInt(value: bigint): string {
  eight.setBigInt64(0, value, true)
  return hash('sha256', eightBytes)
}

function hashDouble(value: number): string {
  eight.setFloat64(0, value, true)
  return hash('sha256', eightBytes)
}
