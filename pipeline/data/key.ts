/** Attribute names with their bytes prepared, so that a search on the wire compares bytes. */

import { writeKeyValue } from './any-value.ts'
import type { Key, Value } from './telemetry.ts'
import { plain } from './wire.ts'
import { written } from './writer.ts'

const internedLimit = 4096
const encodedLimit = 256
const encodedLength = 64

export class PreparedKey implements Key {
  readonly name: string
  readonly bytes: Uint8Array
  /** Texts this attribute was set to, encoded as a field: a transform sets few texts very often. By field number. */
  private readonly encoded: (Map<string, Uint8Array> | undefined)[] = []

  constructor(name: string) {
    this.name = name
    this.bytes = plain(Buffer.from(name))
  }

  /** The whole field: tag, length, key and value. */
  encode(tag: number, value: Value): Uint8Array {
    if (typeof value !== 'string' || value.length > encodedLength) return this.write(tag, value)
    const known = (this.encoded[tag >>> 3] ??= new Map<string, Uint8Array>())
    let bytes = known.get(value)
    if (bytes === undefined) {
      bytes = this.write(tag, value)
      if (known.size === encodedLimit) known.clear()
      known.set(value, bytes)
    }
    return bytes
  }

  private write(tag: number, value: Value): Uint8Array {
    return written((to) => {
      writeKeyValue(to, this.name, value)
      to.message(tag, 0)
    })
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
