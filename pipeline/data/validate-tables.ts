/** The schema as the validator reads it: 72 bytes a message (32 kinds, 32 groups, 1 for an item); see `validate.as.ts`. */
import { itemMessages, parseField, schema } from './schema.ts'

const kinds: Readonly<Record<string, number>> = {
  string: 64,
  bytes: 65,
  varint: 66,
  fixed64: 67,
  fixed32: 68,
  'varint*': 69,
  'fixed64*': 70,
  id16: 71,
  id8: 72,
}
const rowBytes = 72
const groups = 32
const item = 64
const noGroup = 255

export const messageNames: readonly string[] = Object.keys(schema)
export const messageIds: ReadonlyMap<string, number> = new Map(messageNames.map((name, id) => [name, id]))

export function validatorTables(): Uint8Array {
  const tables = new Uint8Array(messageNames.length * rowBytes)
  for (const [id, fields] of Object.values(schema).entries()) {
    const row = id * rowBytes
    tables.fill(0xff, row, row + groups)
    tables.fill(noGroup, row + groups, row + item)
    if (itemMessages.has(messageNames[id]!)) tables[row + item] = 1
    // What may stand once only shares a bit: a singular field has its own, the members of a oneof share one.
    const bits = new Map<string, number>()
    for (const [number, text] of Object.entries(fields)) {
      const field = parseField(text)
      const kind =
        (field.repeated ? kinds[`${field.kind}*`] : undefined) ?? kinds[field.kind] ?? messageIds.get(field.kind)
      if (kind === undefined)
        throw new Error(`schema: ${messageNames[id]}.${number} has the unknown kind ${field.kind}`)
      tables[row + Number(number)] = kind
      if (field.repeated) continue
      const owner = field.oneof ?? number
      const bit = bits.get(owner) ?? bits.size
      bits.set(owner, bit)
      tables[row + groups + Number(number)] = bit
    }
  }
  return tables
}
