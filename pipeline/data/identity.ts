/** The identity of attributes: one text for equal attributes, whatever their order, to group by. */
import { isDouble } from './any-value.ts'
import { WireAttributes } from './attributes.ts'
import type { Attributes, Value } from './telemetry.ts'
import { cursor, latin1, skip, uvarint } from './wire.ts'

/** Identities by the bytes they were read from: the points of one batch after the other have the same attributes. When full it starts over. */
const known = new Map<string, string>()
const knownLimit = 4096
const knownBytes = 1024

/** The same for the attributes that stand as fields `tag` of the message in [start, end). */
export function identityOnWire(b: Uint8Array, start: number, end: number, tag: number): string {
  let from = -1
  let to = -1
  let isOneRun = true
  for (let p = start; p < end; ) {
    const at = p
    const t = uvarint(b, p)
    p = skip(b, cursor, t & 7)
    if (t !== tag) continue
    if (from < 0) from = at
    else if (to !== at) isOneRun = false
    to = p
  }
  if (from < 0) return ''
  if (!isOneRun || to - from > knownBytes) return identityOf(new WireAttributes(b, start, end, tag))
  const raw = latin1(b, from, to)
  let identity = known.get(raw)
  if (identity === undefined) {
    identity = identityOf(new WireAttributes(b, from, to, tag))
    if (known.size === knownLimit) known.clear()
    known.set(raw, identity)
  }
  return identity
}

/** Values of different types differ (5 is not 5.0 and not "5"). Of equal keys the first counts, as everywhere. */
export function identityOf(attributes: Attributes): string {
  const keys: string[] = []
  const texts: string[] = []
  for (const [key, value] of attributes.entries()) {
    if (keys.includes(key)) continue
    keys.push(key)
    texts.push(sized(key) + valueText(value))
  }
  return texts.length < 2 ? (texts[0] ?? '') : texts.sort().join('')
}

/** A text after its length, so that no two lists of texts read alike. */
function sized(text: string): string {
  return `${text.length}:${text}`
}

export function valueText(value: Value): string {
  switch (typeof value) {
    case 'string':
      return `s${sized(value)}`
    case 'boolean':
      return value ? 't' : 'f'
    case 'bigint':
      return `i${value};`
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? `i${value};` : `d${value};`
    default:
      return value === null ? 'n' : objectText(value)
  }
}

function objectText(value: Exclude<Value, null | string | boolean | number | bigint>): string {
  if (isDouble(value)) return Object.is(value.double, -0) ? 'd-0;' : `d${value.double};`
  if (value instanceof Uint8Array) return `x${sized(Buffer.from(value).toString('latin1'))}`
  if (Array.isArray(value)) return `a${value.length}:${value.map((element: Value) => valueText(element)).join('')}`
  const entries = Object.entries(value as { readonly [key: string]: Value })
  const texts = entries.map(([key, of]) => sized(key) + valueText(of)).sort()
  return `m${texts.length}:${texts.join('')}`
}
