/** Indexing into maps and lists: `["key"][0]`, with keys that may be expressions. Writing copies what it changes. */
import type { Frame } from './frame.ts'
import { fail } from './problems.ts'
import { define, type Kind, kindOf, type OttlMap, type OttlValue, typeName } from './values.ts'

export type Getter<T = OttlValue> = (frame: Frame) => T

export interface IndexKey {
  /** A string or an int that stands in the statement. */
  readonly literal: string | number | bigint | undefined
  readonly get: Getter
}

/** Lists are filled up with empty values to the index that is set in an empty place; a wrong index must not take the memory. */
const maxNewList = 10_000

const valueTypes: Readonly<Partial<Record<Kind, string>>> = {
  nil: 'Empty',
  string: 'Str',
  bool: 'Bool',
  int: 'Int',
  double: 'Double',
  bytes: 'Bytes',
}

export function mapKey(key: IndexKey, frame: Frame): string {
  if (typeof key.literal === 'string') return key.literal
  const wrong = 'unable to resolve a string index in map: '
  if (key.literal !== undefined) fail(`${wrong}invalid key type`)
  const value = key.get(frame)
  if (typeof value === 'string') return value
  fail(`${wrong}could not resolve key for map/slice, expecting 'string' but got '${goType(value)}'`)
}

function listIndex(key: IndexKey, frame: Frame): number {
  const wrong = 'unable to resolve an integer index in slice: '
  if (typeof key.literal === 'string') fail(`${wrong}invalid key type`)
  const value = key.literal ?? key.get(frame)
  if (kindOf(value) === 'int') return Number(value)
  fail(`${wrong}could not resolve key for map/slice, expecting 'int64' but got '${goType(value)}'`)
}

function goType(value: OttlValue): string {
  return value === null ? '<nil>' : typeName(value)
}

export function getAt(value: OttlValue, keys: readonly IndexKey[], from: number, frame: Frame): OttlValue {
  let at = value
  for (let i = from; i < keys.length; i++) {
    const kind = kindOf(at)
    if (kind === 'map') {
      const name = mapKey(keys[i]!, frame)
      if (!Object.hasOwn(at as OttlMap, name)) return null
      at = (at as OttlMap)[name]!
    } else if (kind === 'list')
      at = (at as readonly OttlValue[])[inBounds(listIndex(keys[i]!, frame), at as readonly OttlValue[])]!
    else fail(`type ${valueTypes[kind] ?? typeName(at)} does not support string indexing`)
  }
  return at
}

function inBounds(index: number, list: readonly OttlValue[]): number {
  if (index < 0 || index >= list.length) fail(`index ${index} out of bounds`)
  return index
}

/** The value with `to` at that place. */
export function setAt(
  value: OttlValue,
  keys: readonly IndexKey[],
  from: number,
  frame: Frame,
  to: OttlValue,
): OttlValue {
  if (from === keys.length) return to
  const key = keys[from]!
  const kind = kindOf(value)
  if (kind === 'map') {
    const name = mapKey(key, frame)
    const map = { ...(value as OttlMap) }
    define(map, name, setAt(Object.hasOwn(map, name) ? map[name]! : null, keys, from + 1, frame, to))
    return map
  }
  if (kind === 'list') {
    const list = [...(value as readonly OttlValue[])]
    const index = inBounds(listIndex(key, frame), list)
    list[index] = setAt(list[index]!, keys, from + 1, frame, to)
    return list
  }
  if (kind !== 'nil') fail(`type ${valueTypes[kind] ?? typeName(value)} does not support string indexing`)
  return newAt(key, keys, from, frame, to)
}

/** An empty place becomes a list or a map, as the key asks. */
function newAt(key: IndexKey, keys: readonly IndexKey[], from: number, frame: Frame, to: OttlValue): OttlValue {
  const name = key.literal ?? key.get(frame)
  const inner = setAt(null, keys, from + 1, frame, to)
  if (typeof name === 'string') {
    const map: { [key: string]: OttlValue } = {}
    define(map, name, inner)
    return map
  }
  if (kindOf(name) !== 'int') fail('neither a string nor an int index was given')
  const index = Number(name)
  if (index > maxNewList) fail(`index ${index} out of bounds: a new list has at most ${maxNewList} elements`)
  return [...Array.from({ length: Math.max(0, index) }, () => null), inner]
}

/** The result of a converter, indexed. */
export function indexResult(value: OttlValue, keys: readonly IndexKey[], frame: Frame): OttlValue {
  let at = value
  for (const key of keys) {
    const kind = kindOf(at)
    if (kind === 'map') {
      const name = key.literal ?? key.get(frame)
      if (typeof name !== 'string') fail('index type mismatch: a map is indexed by a string')
      if (!Object.hasOwn(at as OttlMap, name)) fail(`key not found in map: "${name}"`)
      at = (at as OttlMap)[name]!
    } else if (kind === 'list') {
      const index = key.literal ?? key.get(frame)
      if (kindOf(index) !== 'int') fail('index type mismatch: a slice is indexed by an int')
      at = (at as readonly OttlValue[])[inBounds(Number(index), at as readonly OttlValue[])]!
    } else fail(`type, ${goType(at)}, does not support indexing`)
  }
  return at
}
