import type { Attributes, Value } from '../../pipeline/data/telemetry.ts'
import { compareText, kindOf, toNumber } from '../../pipeline/ottl/values.ts'

/** Equal texts = equal values of equal types; the order of a map's keys does not count. */
export function canonical(value: Value): string {
  switch (kindOf(value)) {
    case 'string':
      return JSON.stringify(value)
    case 'int':
      return `i${value as number | bigint}`
    case 'double':
      return `d${toNumber(value)}`
    case 'bytes':
      return `x${Buffer.from(value as Uint8Array).toString('hex')}`
    case 'list':
      return `[${(value as readonly Value[]).map(canonical).join()}]`
    case 'map':
      return canonicalMap(Object.entries(value as { readonly [key: string]: Value }))
    case 'bool':
      return value ? 'true' : 'false'
    default:
      return 'null'
  }
}

export function canonicalAttributes(attributes: Attributes): string {
  return canonicalMap([...attributes.entries()])
}

export function canonicalMap(entries: [string, Value][]): string {
  const sorted = entries.sort(([a], [b]) => compareText(a, b))
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`).join()}}`
}
