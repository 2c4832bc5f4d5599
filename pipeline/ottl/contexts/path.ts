/** What a path can be: a table of specs, from which an accessor is made for the fields and keys of one path in a statement. */
import type { EditableAttributes, Value } from '../../data/telemetry.ts'
import { key } from '../../data/value.ts'
import { errorMessage } from '../../error-message.ts'
import type { Frame } from '../frame.ts'
import { type Getter, getAt, type IndexKey, mapKey, setAt } from '../keys.ts'
import { fail } from '../problems.ts'
import { define, isPlain, kindOf, type OttlMap, type OttlValue, toWire, typeName } from '../values.ts'

export interface PathSpec {
  readonly get: Getter
  /** Absent for what cannot be set. */
  readonly set?: (frame: Frame, value: OttlValue) => void
  /** `map` and `value` may be indexed; attributes are a map that lives in a handle. */
  readonly index?: 'value' | Attributes
  /** Indexing of its own, like the entries of a trace state. */
  readonly entry?: (name: Getter<string>) => Pick<PathSpec, 'get' | 'set'>
  readonly next?: PathTable
}
export type PathTable = Readonly<Record<string, PathSpec>>
type Attributes = (frame: Frame) => EditableAttributes

/** What editors of maps need; attributes are one as they are. */
export interface MapHandle {
  readonly size: number
  get(name: string): Value | undefined
  has(name: string): boolean
  set(name: string, value: Value): void
  delete(name: string): boolean
  entries(): Iterable<[string, Value]>
  /** Where it can be done without reading each: see `AttributeEdits`. */
  deleteWhere?(test: (name: string) => boolean): void
  mapTexts?(minBytes: number, change: (text: string) => string): void
}

export interface Accessor {
  readonly get: Getter
  /** Where that can be told without decoding the value. */
  readonly isNil?: Getter<boolean>
  set(frame: Frame, value: OttlValue): void
  /** Changes the map that stands there in place; an error where none does. */
  editMap(frame: Frame, change: (map: MapHandle) => void): void
}

export function accessor(spec: PathSpec, keys: readonly IndexKey[], text: string): Accessor {
  const { index } = spec
  if (keys.length > 0 && spec.entry !== undefined) {
    const entry = spec.entry((frame) => mapKey(keys[0]!, frame))
    if (keys.length === 1) return plain(entry.get, entry.set, text)
    return plain((frame) => getAt(entry.get(frame), keys, 1, frame), undefined, text)
  }
  if (typeof index === 'function')
    return keys.length === 0 ? wholeAttributes(spec, index, text) : attribute(index, keys, text)
  if (keys.length === 0) return plain(spec.get, spec.set, text)
  const set = spec.set
  return plain(
    (frame) => getAt(spec.get(frame), keys, 0, frame),
    set && ((frame, value) => set(frame, setAt(spec.get(frame), keys, 0, frame, value))),
    text,
  )
}

function plain(get: Getter, set: PathSpec['set'], text: string): Accessor {
  const write = set ?? (() => fail(`${text} cannot be set`))
  return {
    get,
    set: write,
    editMap(frame, change) {
      const value = get(frame)
      if (kindOf(value) !== 'map') fail(`expected pcommon.Map but got ${typeName(value)}`)
      const map = new MapDraft(value as OttlMap)
      change(map)
      if (map.isChanged) write(frame, map.content)
    },
  }
}

function wholeAttributes(spec: PathSpec, attributes: Attributes, _text: string): Accessor {
  return { get: spec.get, set: spec.set!, editMap: (frame, change) => change(attributes(frame)) }
}

function attribute(attributes: Attributes, keys: readonly IndexKey[], text: string): Accessor {
  const [first] = keys
  const name = first!.literal
  if (keys.length > 1 || typeof name !== 'string') {
    return plain(
      (frame) => {
        const value = attributes(frame).get(attributeKey(first!, frame, 'get'))
        return value === undefined ? null : getAt(value, keys, 1, frame)
      },
      (frame, value) => {
        const of = attributes(frame)
        const outer = attributeKey(first!, frame, 'set')
        of.set(outer, toWire(setAt(of.get(outer) ?? null, keys, 1, frame, value)))
      },
      text,
    )
  }
  const prepared = key(name)
  const whole = plain(
    (frame) => attributes(frame).get(prepared) ?? null,
    (frame, value) => attributes(frame).set(prepared, isPlain(value) ? (value as Value) : toWire(value)),
    text,
  )
  return {
    ...whole,
    isNil(frame) {
      const type = attributes(frame).type(prepared)
      return type === undefined || type === 'empty'
    },
  }
}

function attributeKey(of: IndexKey, frame: Frame, verb: string): string {
  try {
    return mapKey(of, frame)
  } catch (error) {
    fail(`cannot ${verb} map value: ${errorMessage(error)}`)
  }
}

export function attributesSpec(attributes: Attributes): PathSpec {
  return {
    index: attributes,
    get: (frame) => toMap(attributes(frame).entries()),
    set(frame, value) {
      if (kindOf(value) !== 'map') fail(`expects pcommon.Map but got ${typeName(value)}`)
      replaceAll(attributes(frame), toWire(value) as { readonly [key: string]: Value })
    },
  }
}

export function toMap(entries: Iterable<[string, Value]>): { [key: string]: Value } {
  const map: { [key: string]: Value } = {}
  for (const [name, value] of entries) if (!Object.hasOwn(map, name)) define(map, name, value)
  return map
}

export function replaceAll(map: MapHandle, by: { readonly [key: string]: Value }): void {
  for (const [name] of Array.from(map.entries())) if (!Object.hasOwn(by, name)) map.delete(name)
  for (const [name, value] of Object.entries(by)) map.set(name, value)
}

/** A map that stands somewhere inside a value. */
class MapDraft implements MapHandle {
  readonly content: { [key: string]: OttlValue }
  isChanged = false

  constructor(of: OttlMap) {
    this.content = { ...of }
  }
  get size(): number {
    return Object.keys(this.content).length
  }
  get(name: string): Value | undefined {
    return this.has(name) ? (this.content[name] as Value) : undefined
  }
  has(name: string): boolean {
    return Object.hasOwn(this.content, name)
  }
  set(name: string, value: Value): void {
    define(this.content, name, value)
    this.isChanged = true
  }
  delete(name: string): boolean {
    if (!this.has(name)) return false
    delete this.content[name]
    this.isChanged = true
    return true
  }
  entries(): Iterable<[string, Value]> {
    return Object.entries(this.content) as [string, Value][]
  }
}
