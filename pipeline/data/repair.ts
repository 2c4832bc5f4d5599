/**
 * Brings a checked request into the form our views rely on: every string is UTF-8 (bad bytes become U+FFFD) and no field that may stand once stands twice:
 * of scalars and of different members of a oneof the last wins, messages merge, as protobuf says. Rarely needed, so plain rather than fast.
 */
import { isUtf8 } from 'node:buffer'
import { type Field, parseField, schema } from './schema.ts'
import { cursor, plain, putRange, putVarint, skip, uvarint, varintSize } from './wire.ts'

const fields = new Map(
  Object.entries(schema).map(([name, list]) => {
    const byNumber: (Field | undefined)[] = Array.from({ length: 32 })
    for (const [number, text] of Object.entries(list)) byNumber[Number(number)] = parseField(text)
    return [name, byNumber] as const
  }),
)

/** The repaired message, or the very same bytes when nothing is wrong with them. */
export function repair(message: string, bytes: Uint8Array): Uint8Array {
  return rewrite(message, bytes, 0, bytes.length) ?? bytes
}

/** What of a singular field or a oneof counts: from the field number `winner`, what stands at `from` or later. */
interface Last {
  winner: number
  from: number
  times: number
}

function rewrite(message: string, b: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const known = fields.get(message)!
  const lasts = survey(known, b, start, end)
  const out = new Output(b, start, end)
  for (let p = start; p < end; ) {
    const at = p
    const tag = uvarint(b, p)
    const value = cursor
    p = skip(b, value, tag & 7)
    const number = tag >>> 3
    const field = known[number]
    if (field === undefined) continue
    const last = field.repeated ? undefined : lasts.get(field.oneof ?? number)
    if (last !== undefined && (last.winner !== number || at !== last.from)) {
      out.replace(at, p, undefined)
      continue
    }
    if ((tag & 7) !== 2) continue
    let from = b
    let valueStart = p - length(b, value)
    let valueEnd = p
    const merged = last !== undefined && last.times > 1
    if (merged) {
      from = gather(b, at, end, number)
      valueStart = 0
      valueEnd = from.length
    }
    const changed =
      field.kind === 'string'
        ? decode(from, valueStart, valueEnd)
        : fields.has(field.kind)
          ? rewrite(field.kind, from, valueStart, valueEnd)
          : undefined
    if (changed !== undefined || merged) out.replace(at, p, lengthDelimited(number, changed ?? from))
  }
  return out.finish()
}

function survey(
  known: readonly (Field | undefined)[],
  b: Uint8Array,
  start: number,
  end: number,
): Map<string | number, Last> {
  const lasts = new Map<string | number, Last>()
  for (let p = start; p < end; ) {
    const at = p
    const tag = uvarint(b, p)
    p = skip(b, cursor, tag & 7)
    const number = tag >>> 3
    const field = known[number]
    if (field === undefined || field.repeated) continue
    const owner = field.oneof ?? number
    const last = lasts.get(owner)
    if (last === undefined) lasts.set(owner, { winner: number, from: at, times: 1 })
    else if (last.winner === number && fields.has(field.kind)) last.times++
    else {
      last.winner = number
      last.from = at
      last.times = 1
    }
  }
  return lasts
}

/** Merging messages is concatenating them. */
function gather(b: Uint8Array, start: number, end: number, number: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let p = start; p < end; ) {
    const tag = uvarint(b, p)
    const value = cursor
    p = skip(b, value, tag & 7)
    if (tag >>> 3 === number) parts.push(b.subarray(p - length(b, value), p))
  }
  return plain(Buffer.concat(parts))
}

function decode(b: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const bytes = b.subarray(start, end)
  return isUtf8(bytes) ? undefined : plain(Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)))
}

function length(b: Uint8Array, at: number): number {
  return uvarint(b, at)
}

function lengthDelimited(number: number, value: Uint8Array): Uint8Array {
  const tag = (number << 3) | 2
  const bytes = new Uint8Array(varintSize(tag) + varintSize(value.length) + value.length)
  putRange(bytes, putVarint(bytes, putVarint(bytes, 0, tag), value.length), value, 0, value.length)
  return bytes
}

/** The message as it becomes; nothing is copied until something differs. */
class Output {
  private readonly from: Uint8Array
  private readonly end: number
  private copied: number
  private buffer: Uint8Array | undefined
  private size = 0

  constructor(from: Uint8Array, start: number, end: number) {
    this.from = from
    this.copied = start
    this.end = end
  }

  replace(start: number, end: number, by: Uint8Array | undefined): void {
    this.append(this.from, this.copied, start)
    if (by !== undefined) this.append(by, 0, by.length)
    this.copied = end
  }

  finish(): Uint8Array | undefined {
    if (this.buffer === undefined) return undefined
    this.append(this.from, this.copied, this.end)
    return this.buffer.slice(0, this.size)
  }

  private append(from: Uint8Array, start: number, end: number): void {
    const needed = this.size + end - start
    this.buffer ??= new Uint8Array(this.end - this.copied + 64)
    if (needed > this.buffer.length) {
      const larger = new Uint8Array(needed * 2)
      larger.set(this.buffer.subarray(0, this.size))
      this.buffer = larger
    }
    this.size = putRange(this.buffer, this.size, from, start, end)
  }
}
