/**
 * The identity of attributes as they stand on the wire: for state by stream, which is asked for at every point. Nothing is decoded: encoders write
 * equal attributes as equal bytes. Compare it with others of its kind only; `identityOf` is for attributes that were edited.
 */
import { WireAttributes } from './attributes.ts'
import { identityOf } from './identity.ts'
import { cursor, latin1, skip, uvarint } from './wire.ts'

/** Where the KeyValues stand, tag included, as pairs. */
const ranges: number[] = []

/** Equal for equal attributes in any order. They stand as fields `tag` of the message in [start, end). */
export function wireIdentity(b: Uint8Array, start: number, end: number, tag: number): string {
  let n = 0
  let isSorted = true
  for (let p = start; p < end; ) {
    const at = p
    const t = uvarint(b, p)
    const body = cursor
    p = skip(b, body, t & 7)
    if (t !== tag) continue
    uvarint(b, body)
    // The order within a map means nothing either, and bytes do not tell that.
    if (holdsMore(b, cursor, p)) return `*${identityOf(new WireAttributes(b, start, end, tag))}`
    if (isSorted && n > 0) isSorted = ranges[n - 1] === at && isBefore(b, ranges[n - 2]!, at, at, p)
    ranges[n++] = at
    ranges[n++] = p
  }
  if (n === 0) return ''
  if (isSorted) return latin1(b, ranges[0]!, ranges[n - 1]!)
  const texts: string[] = []
  for (let i = 0; i < n; i += 2) texts.push(latin1(b, ranges[i]!, ranges[i + 1]!))
  return texts.sort().join('')
}

/** Whether the value of the KeyValue in [p, end) is an array or a map. */
function holdsMore(b: Uint8Array, p: number, end: number): boolean {
  while (p < end) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag !== 18) continue
    uvarint(b, at)
    if (cursor < p && (b[cursor] === 42 || b[cursor] === 50)) return true
  }
  return false
}

function isBefore(b: Uint8Array, x: number, xEnd: number, y: number, yEnd: number): boolean {
  for (; x < xEnd && y < yEnd; x++, y++) if (b[x] !== b[y]) return b[x]! < b[y]!
  return xEnd - x < yEnd - y
}
