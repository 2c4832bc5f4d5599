/** Moves what is nested to the top: `a.b`, `list.0`. */
import type { Value } from '../../data/telemetry.ts'
import { define, kindOf } from '../values.ts'

export function flattenInto(
  flat: { [key: string]: Value },
  map: { readonly [key: string]: Value },
  prefix: string,
  depth: number,
  resolvesConflicts: boolean,
): void {
  const seen = new Map<string, number>()
  const put = (name: string, value: Value) => {
    const times = resolvesConflicts ? seen.get(name) : undefined
    seen.set(name, (times ?? -1) + 1)
    define(flat, times === undefined ? name : `${name}.${times}`, value)
  }
  const walk = (value: Value, name: string, level: number): void => {
    const kind = kindOf(value)
    if (kind === 'map' && level < depth) {
      for (const [key, item] of Object.entries(value as { readonly [key: string]: Value }))
        walk(item, `${name}.${key}`, level + 1)
    } else if (kind === 'list' && level < depth) {
      for (const [i, item] of (value as readonly Value[]).entries()) {
        // Upstream numbers the elements by their conflicts instead.
        walk(item, resolvesConflicts ? name : `${name}.${i}`, level + 1)
      }
    } else put(name, value)
  }
  for (const [key, value] of Object.entries(map)) {
    walk(value, prefix === '' ? key : `${prefix}.${key}`, 0)
  }
}
