/** A list of actions, compiled once: sets, deletes, hashes, takes apart and converts attributes of anything. */
import type { Reads } from '../data/origin.ts'
import type { EditableAttributes, Key, Origin, Value } from '../data/telemetry.ts'
import { key as prepareKey } from '../data/value.ts'
import { Regex } from '../ottl/regex.ts'
import type { AttributeAction } from './action-keys.ts'
import { type ConvertedType, checkAction } from './check-action.ts'
import { convertValue } from './convert-value.ts'
import { fromContext, readsOfContext } from './from-context.ts'
import { hashValue } from './hash-value.ts'

export type ApplyActions = (attributes: EditableAttributes, origin: Origin) => void

/** In order. Throws for what upstream refuses. */
export function compileActions(actions: readonly AttributeAction[]): ApplyActions {
  const steps = actions.map(compileAction)
  const [only, ...others] = steps
  if (only !== undefined && others.length === 0) return only
  return (attributes, origin) => {
    for (const step of steps) step(attributes, origin)
  }
}

/** What of a batch's origin they read. */
export function readsOfActions(actions: readonly AttributeAction[]): Reads {
  return readsOfContext(actions.map(({ from_context }) => from_context))
}

function compileAction(of: AttributeAction, index: number): ApplyActions {
  const action = checkAction(of, index)
  const key = prepareKey(of.key)
  switch (action) {
    case 'insert': {
      const source = sourceOf(of)
      return (attributes, origin) => {
        if (attributes.has(key)) return
        const value = source(attributes, origin)
        if (value !== undefined) attributes.set(key, value)
      }
    }
    case 'update': {
      const source = sourceOf(of)
      return (attributes, origin) => {
        if (!attributes.has(key)) return
        const value = source(attributes, origin)
        if (value !== undefined) attributes.set(key, value)
      }
    }
    case 'upsert': {
      const source = sourceOf(of)
      return (attributes, origin) => {
        const value = source(attributes, origin)
        if (value !== undefined) attributes.set(key, value)
      }
    }
    case 'delete':
      return forNames(of, key, (attributes, name) => void attributes.delete(name))
    case 'hash':
      return forNames(of, key, (attributes, name) => {
        const value = attributes.get(name)
        if (value !== undefined) attributes.set(name, hashValue(value))
      })
    case 'extract':
      return extract(of.pattern, key)
    case 'convert': {
      const to = of.converted_type as ConvertedType
      return (attributes) => {
        const value = attributes.get(key)
        if (value === undefined) return
        const converted = convertValue(value, to)
        if (converted !== undefined) attributes.set(key, converted)
      }
    }
  }
}

type Source = (attributes: EditableAttributes, origin: Origin) => Value | undefined

function sourceOf(of: AttributeAction): Source {
  const { value, default_value } = of
  if (value !== undefined) return () => value
  if (of.from_context !== '') {
    const read = fromContext(of.from_context)
    return (_attributes, origin) => read(origin) ?? default_value
  }
  if (of.from_attribute === '') return () => default_value
  const from = prepareKey(of.from_attribute)
  return (attributes) => {
    const found = attributes.get(from)
    // An attribute that is there and empty is null, and is copied.
    return found === undefined ? default_value : found
  }
}

/** The attribute with this key, then those whose names match. */
function forNames(
  of: AttributeAction,
  key: Key,
  change: (attributes: EditableAttributes, name: Key | string) => void,
): ApplyActions {
  if (of.pattern === '') return (attributes) => change(attributes, key)
  const pattern = new Regex(of.pattern)
  return (attributes) => {
    change(attributes, key)
    // Collected first: what is changed while it is walked may be met again.
    let names: string[] | undefined
    for (const [name] of attributes.entries()) if (pattern.test(name)) (names ??= []).push(name)
    for (const name of names ?? []) change(attributes, name)
  }
}

function extract(text: string, key: Key): ApplyActions {
  const pattern = new Regex(text)
  const targets = pattern.groupNames.map((name) => prepareKey(name ?? ''))
  return (attributes) => {
    const value = attributes.get(key)
    if (typeof value !== 'string') return
    const match = pattern.find(value)
    if (match === undefined) return
    for (let i = 1; i < targets.length; i++) attributes.set(targets[i]!, match.groups[i] ?? '')
  }
}
