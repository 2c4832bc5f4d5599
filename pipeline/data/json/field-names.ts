/** Finds the field that a JSON name means, by its bytes: no string is made per name. */
import type { Field, Message } from './schema.ts'

const encoder = new TextEncoder()

export interface Named {
  readonly bytes: Uint8Array
  readonly field: Field
}

export interface FieldNames {
  readonly mask: number
  /** Open addressing over `hash & mask`. */
  readonly slots: readonly (Named | undefined)[]
  readonly byName: ReadonlyMap<string, Field>
}

export function nextHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0
}

/** Both spellings of protobuf's JSON mapping: lowerCamelCase and the name in the .proto file. */
function namesOf(field: Field): ReadonlySet<string> {
  return new Set([field.name, field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)])
}

function build(message: Message): FieldNames {
  const slots: (Named | undefined)[] = Array.from({ length: 128 })
  const mask = slots.length - 1
  const byName = new Map<string, Field>()
  for (const field of message.fields) {
    for (const name of namesOf(field)) {
      byName.set(name, field)
      const bytes = encoder.encode(name)
      let slot = bytes.reduce(nextHash, 0) & mask
      while (slots[slot] !== undefined) slot = (slot + 1) & mask
      slots[slot] = { bytes, field }
    }
  }
  return { mask, slots, byName }
}

const built = new Map<Message, FieldNames>()

/** One table a message, made when first needed. */
export function fieldNames(message: Message): FieldNames {
  let names = built.get(message)
  if (!names) {
    names = build(message)
    built.set(message, names)
  }
  return names
}

export function findField(
  names: FieldNames,
  hash: number,
  text: Uint8Array,
  from: number,
  end: number,
): Named | undefined {
  let slot = hash & names.mask
  for (;;) {
    const named = names.slots[slot]
    if (named === undefined) return undefined
    if (isSame(named.bytes, text, from, end)) return named
    slot = (slot + 1) & names.mask
  }
}

function isSame(bytes: Uint8Array, text: Uint8Array, from: number, end: number): boolean {
  const { length } = bytes
  if (length !== end - from) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== text[from + i]) return false
  return true
}
