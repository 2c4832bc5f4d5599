/** Copies what stays of a message whose other fields are written anew. */
import type { AttributeEdits } from './attribute-edits.ts'
import { cursor, skip, uvarint } from './wire.ts'
import type { Writer } from './writer.ts'

/** The pieces in wire order; kept between calls, because this runs for every point that changes. */
const bytes: Uint8Array[] = []
const starts: number[] = []
const ends: number[] = []
const nothing = new Uint8Array(0)

/**
 * Writes the fields of the message in [start, end) whose number's bit is not set in `cut`, with the attributes as `edits` has them.
 * Field numbers from 32 on are nobody's yet and always stay.
 */
export function writeKept(
  to: Writer,
  b: Uint8Array,
  start: number,
  end: number,
  cut: number,
  edits: AttributeEdits | undefined,
): void {
  const changes = edits?.changes
  let pieces = 0
  let kept = start
  for (let p = start; p < end; ) {
    const at = p
    let tag = b[p++]!
    if (tag > 127) {
      tag = uvarint(b, at)
      p = cursor
    }
    p = skip(b, p, tag & 7)
    const number = tag >>> 3
    let piece: Uint8Array | undefined
    if (number > 31 || (cut & (1 << number)) === 0) {
      if (changes === undefined || tag !== edits!.field) continue
      const change = edits!.changeAt(at)
      if (change === undefined) continue
      if (change.start === at) piece = change.bytes
    }
    if (at > kept) pieces = add(pieces, b, kept, at)
    if (piece !== undefined) pieces = add(pieces, piece, 0, piece.length)
    kept = p
  }
  if (end > kept) pieces = add(pieces, b, kept, end)
  if (changes !== undefined) {
    for (const change of changes) {
      if (change.end === change.start && change.bytes !== undefined) {
        pieces = add(pieces, change.bytes, 0, change.bytes.length)
      }
    }
  }
  while (pieces > 0) {
    pieces--
    to.bytes(bytes[pieces]!, starts[pieces]!, ends[pieces]!)
    // A chunk must not live on because it was the last one that was rewritten.
    bytes[pieces] = nothing
  }
}

function add(pieces: number, b: Uint8Array, start: number, end: number): number {
  bytes[pieces] = b
  starts[pieces] = start
  ends[pieces] = end
  return pieces + 1
}
