/** Converters of lists and maps. */
import { compare } from '../compare.ts'
import { fail } from '../problems.ts'
import {
  asText,
  compareText,
  define,
  float,
  type Kind,
  kindOf,
  type OttlMap,
  type OttlValue,
  toNumber,
  typeName,
} from '../values.ts'
import { any, list, listOf, literalFlag, literalText, map } from './params.ts'
import { converter, optional } from './signature.ts'

/** The text in quotes where it has a delimiter in it. */
function quoted(value: string, delimiter: string, pairDelimiter: string): string {
  const escaped = value.replaceAll('"', '\\"')
  return escaped.includes(delimiter) || escaped.includes(pairDelimiter) ? `"${escaped}"` : escaped
}

export function delimiters(delimiter: string | undefined, pairDelimiter: string | undefined): [string, string] {
  if (delimiter === '') fail('delimiter cannot be set to an empty string')
  if (pairDelimiter === '') fail('pair delimiter cannot be set to an empty string')
  const [of, between] = [delimiter ?? '=', pairDelimiter ?? ' ']
  if (of === between)
    fail(`pair delimiter ${JSON.stringify(between)} cannot be equal to delimiter ${JSON.stringify(of)}`)
  return [of, between]
}

const sortable: ReadonlySet<Kind> = new Set(['int', 'double', 'string', 'bool', 'nil'])

/** Numbers as numbers; as text as soon as there is anything else. What cannot be ordered stays as it is. */
function sorted(items: readonly OttlValue[], sign: 1 | -1): readonly OttlValue[] {
  const kinds = new Set(items.map(kindOf))
  if (items.length === 0 || [...kinds].some((kind) => !sortable.has(kind))) return items
  if (kinds.has('string') || kinds.has('bool') || kinds.has('nil')) {
    return items.map(asText).sort((a, b) => sign * compareText(a, b))
  }
  const mixed = kinds.size > 1
  const order = (a: OttlValue, b: OttlValue) => sign * (compare(a, b, '<') ? -1 : compare(a, b, '>') ? 1 : 0)
  return (mixed ? items.map((item) => float(toNumber(item))) : [...items]).sort(order)
}

function valueAt(of: OttlMap, path: readonly string[]): OttlValue | undefined {
  let at: OttlValue = of
  for (const name of path) {
    if (kindOf(at) !== 'map' || !Object.hasOwn(at as OttlMap, name)) return undefined
    at = (at as OttlMap)[name]!
  }
  return at
}

export const collectionFunctions = [
  converter('ContainsValue', { target: list, item: any }, ({ target, item }) => (frame) => {
    const wanted = item(frame)
    return target(frame).some((value) => compare(value, wanted, '=='))
  }),
  converter(
    'Keys',
    { target: map },
    ({ target }) =>
      (frame) =>
        Object.keys(target(frame)),
  ),
  converter(
    'Values',
    { target: map },
    ({ target }) =>
      (frame) =>
        Object.values(target(frame)),
  ),
  converter('Sort', { target: any, order: optional(literalText) }, ({ target, order = 'asc' }) => {
    if (order !== 'asc' && order !== 'desc') fail(`invalid arguments: ${order}. Order should be either "asc" or "desc"`)
    const sign = order === 'asc' ? 1 : -1
    return (frame) => {
      const value = target(frame)
      return kindOf(value) === 'list' ? sorted(value as readonly OttlValue[], sign) : value
    }
  }),
  converter(
    'SliceToMap',
    { target: any, key_path: optional(listOf(literalText)), value_path: optional(listOf(literalText)) },
    ({ target, key_path: keyPath, value_path: valuePath }) => {
      if (keyPath?.length === 0) fail('key path must contain at least one element')
      if (valuePath?.length === 0) fail('value path must contain at least one element')
      return (frame) => {
        const items = target(frame)
        if (kindOf(items) !== 'list') fail(`unsupported type provided to SliceToMap function: ${typeName(items)}`)
        const result: { [key: string]: OttlValue } = {}
        for (const [i, item] of (items as readonly OttlValue[]).entries()) {
          if (kindOf(item) !== 'map') continue
          const key = keyPath === undefined ? String(i) : valueAt(item as OttlMap, keyPath)
          const value = valuePath === undefined ? item : valueAt(item as OttlMap, valuePath)
          if (typeof key === 'string' && value !== undefined) define(result, key, value)
        }
        return result
      }
    },
  ),
  converter(
    'ToKeyValueString',
    {
      target: map,
      delimiter: optional(literalText),
      pair_delimiter: optional(literalText),
      sort_output: optional(literalFlag),
    },
    ({ target, delimiter, pair_delimiter: pairDelimiter, sort_output: isSorted = false }) => {
      const [of, between] = delimiters(delimiter, pairDelimiter)
      return (frame) => {
        const entries = Object.entries(target(frame))
        if (isSorted) entries.sort(([a], [b]) => compareText(a, b))
        return entries
          .map(([key, value]) => quoted(key, of, between) + of + quoted(asText(value), of, between))
          .join(between)
      }
    },
  ),
] as const
