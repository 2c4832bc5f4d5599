/** Reads one field of the message in [start, end), with protobuf's default where it is absent. */
import { cursor, find, fixed64, float64, hex, text, u32, uvarint } from './wire.ts'

export function textField(b: Uint8Array, start: number, end: number, tag: number): string {
  const at = find(b, start, end, tag)
  if (at < 0) return ''
  const length = uvarint(b, at)
  return text(b, cursor, cursor + length)
}

export function hexField(b: Uint8Array, start: number, end: number, tag: number): string {
  const at = find(b, start, end, tag)
  if (at < 0) return ''
  const length = uvarint(b, at)
  return length === 0 ? '' : hex(b, cursor, cursor + length)
}

export function varintField(b: Uint8Array, start: number, end: number, tag: number): number {
  const at = find(b, start, end, tag)
  return at < 0 ? 0 : uvarint(b, at)
}

/** An enum or int32. */
export function int32Field(b: Uint8Array, start: number, end: number, tag: number): number {
  return varintField(b, start, end, tag) | 0
}

export function zigzagField(b: Uint8Array, start: number, end: number, tag: number): number {
  const n = varintField(b, start, end, tag)
  return (n >>> 1) ^ -(n & 1)
}

export function fixed32Field(b: Uint8Array, start: number, end: number, tag: number): number {
  const at = find(b, start, end, tag)
  return at < 0 ? 0 : u32(b, at)
}

export function fixed64Field(b: Uint8Array, start: number, end: number, tag: number): bigint {
  const at = find(b, start, end, tag)
  return at < 0 ? 0n : fixed64(b, at)
}

export function doubleField(b: Uint8Array, start: number, end: number, tag: number): number | undefined {
  const at = find(b, start, end, tag)
  return at < 0 ? undefined : float64(b, at)
}

/** The message with this tag as its start; its end is left in `messageEnd`. An absent one is empty: start and end are the same. */
export let messageEnd = 0
export function messageField(b: Uint8Array, start: number, end: number, tag: number): number {
  const at = find(b, start, end, tag)
  if (at < 0) {
    messageEnd = end
    return end
  }
  const length = uvarint(b, at)
  messageEnd = cursor + length
  return cursor
}

/** All messages with this tag, as pairs of start and end. */
export function messageRanges(b: Uint8Array, start: number, end: number, tag: number): number[] {
  const ranges: number[] = []
  for (let p = start; ; ) {
    const at = find(b, p, end, tag)
    if (at < 0) return ranges
    const length = uvarint(b, at)
    p = cursor + length
    ranges.push(cursor, p)
  }
}
