/** Attribute names with their bytes prepared, so that a search on the wire compares bytes. */

import { writeKeyValue } from './any-value.ts'
import type { Key, Value } from './telemetry.ts'
import { plain, text } from './wire.ts'
import { written } from './writer.ts'

const internedLimit = 4096
const encodedLimit = 256
const encodedLength = 64

interface Encoded {
  readonly texts: Map<string, Uint8Array>
  /** Since the texts were last forgotten. */
  hits: number
  isVaried: boolean
}

export class PreparedKey implements Key {
  readonly name: string
  readonly bytes: Uint8Array
  /** Texts this attribute was set to, encoded as a field: a transform sets few texts very often. By field number. */
  private readonly encoded: (Encoded | undefined)[] = []

  constructor(name: string) {
    this.name = name
    this.bytes = plain(Buffer.from(name))
  }

  /** The whole field: tag, length, key and value. */
  encode(tag: number, value: Value): Uint8Array {
    if (typeof value !== 'string' || value.length > encodedLength) return this.write(tag, value, true)
    const known = (this.encoded[tag >>> 3] ??= { texts: new Map(), hits: 0, isVaried: false })
    if (known.isVaried) return this.write(tag, value, true)
    const { texts } = known
    let bytes = texts.get(value)
    if (bytes !== undefined) {
      known.hits++
      return bytes
    }
    bytes = this.write(tag, value, false)
    if (texts.size === encodedLimit) {
      // Hashes and ids: remembering costs more than writing.
      known.isVaried = known.hits < encodedLimit
      known.hits = 0
      texts.clear()
    }
    texts.set(value, bytes)
    return bytes
  }

  private write(tag: number, value: Value, isShort: boolean): Uint8Array {
    return written((to) => {
      writeKeyValue(to, this.name, value)
      to.message(tag, 0)
    }, isShort)
  }
}

const interned = new Map<string, PreparedKey>()

/** Prepares an attribute name once; worth it for names used per item. */
export function key(name: string): Key {
  return new PreparedKey(name)
}

export function prepared(of: Key | string): PreparedKey {
  if (of instanceof PreparedKey) return of
  const name = typeof of === 'string' ? of : of.name
  let found = interned.get(name)
  if (found === undefined) {
    found = new PreparedKey(name)
    if (interned.size === internedLimit) interned.clear()
    interned.set(name, found)
  }
  return found
}

/** Longer names are read each time: what clients send must not fill the memory. */
const rememberedBytes = 256
const slots = 4096
const remembered: (PreparedKey | undefined)[] = Array.from({ length: slots }, () => undefined)

/** The name that stands in [start, end). Names are few, so that most were read before; of two in one slot the later stays. */
export function keyAt(b: Uint8Array, start: number, end: number): PreparedKey {
  if (end - start > rememberedBytes) return new PreparedKey(text(b, start, end))
  let hash = end - start
  for (let p = start; p < end; p++) hash = Math.imul(hash ^ b[p]!, 0x0100_0193)
  const slot = (hash ^ (hash >>> 15)) & (slots - 1)
  const found = remembered[slot]
  if (found !== undefined && isAt(b, start, end, found.bytes)) return found
  return (remembered[slot] = prepared(text(b, start, end)))
}

function isAt(b: Uint8Array, start: number, end: number, bytes: Uint8Array): boolean {
  if (bytes.length !== end - start) return false
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== b[start + i]) return false
  return true
}
