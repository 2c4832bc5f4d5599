/** The three kinds of patch that the Kubernetes API knows besides server-side apply. */
import { type Fields, isFields, StatusError } from './object.ts'

export function patched(object: Fields, patch: unknown, contentType: string): Fields {
  const copy = structuredClone(object)
  switch (contentType) {
    case 'application/json-patch+json':
      if (!Array.isArray(patch)) throw new StatusError('BadRequest', 'a JSON patch is a list of operations')
      for (const operation of patch as readonly unknown[]) apply(copy, operation)
      return copy
    case 'application/merge-patch+json':
      return merged(copy, patchFields(patch), false)
    case 'application/strategic-merge-patch+json':
      return merged(copy, patchFields(patch), true)
    default:
      throw new StatusError(
        'UnsupportedMediaType',
        `a patch of type ${contentType || 'nothing'} is not understood here; send application/json-patch+json, ` +
          'application/merge-patch+json or application/strategic-merge-patch+json',
      )
  }
}

function patchFields(patch: unknown): Fields {
  if (!isFields(patch)) throw new StatusError('BadRequest', 'a merge patch is an object')
  return patch
}

/** RFC 7386; strategic: lists of things with a name are merged by it. */
function merged(into: Fields, patch: Fields, isStrategic: boolean): Fields {
  for (const [key, value] of Object.entries(patch)) {
    // The order of a list that is merged by name means nothing here.
    if (isStrategic && key.startsWith('$setElementOrder/')) continue
    if (isStrategic && key.startsWith('$')) {
      throw new StatusError('BadRequest', `the directive ${key} is not understood here: send a JSON patch instead`)
    }
    const before = into[key]
    if (value === null) delete into[key]
    else if (isFields(value)) into[key] = merged(isFields(before) ? before : {}, value, isStrategic)
    else if (isStrategic && isNamed(value) && isNamed(before)) into[key] = mergedLists(before, value)
    else into[key] = value
  }
  return into
}

interface Named extends Fields {
  readonly name: string
}

function mergedLists(before: readonly Named[], patch: readonly Named[]): readonly Fields[] {
  const all: Fields[] = [...before]
  for (const one of patch) {
    const i = all.findIndex(({ name }) => name === one.name)
    if (one.$patch === 'delete') all.splice(i < 0 ? all.length : i, 1)
    else if (i < 0) all.push(one)
    else all[i] = merged(structuredClone(all[i]!), one, true)
  }
  return all
}

function isNamed(value: unknown): value is readonly Named[] {
  return Array.isArray(value) && value.every((one) => isFields(one) && typeof one.name === 'string')
}

/** RFC 6902. */
function apply(target: Fields, operation: unknown): void {
  if (!isFields(operation) || typeof operation.path !== 'string') {
    throw new StatusError('BadRequest', 'each operation of a JSON patch has op and path')
  }
  const { op, path, value, from } = operation
  switch (op) {
    case 'add':
      set(target, keysOf(path), value, true)
      return
    case 'replace':
      get(target, keysOf(path), path)
      set(target, keysOf(path), value, false)
      return
    case 'remove':
      remove(target, keysOf(path), path)
      return
    case 'test':
      if (JSON.stringify(get(target, keysOf(path), path)) !== JSON.stringify(value)) {
        throw new StatusError('Invalid', `testing ${path} failed: it is not ${JSON.stringify(value)}`)
      }
      return
    case 'copy':
    case 'move': {
      if (typeof from !== 'string') throw new StatusError('BadRequest', `${op} needs from`)
      const moved = structuredClone(get(target, keysOf(from), from))
      if (op === 'move') remove(target, keysOf(from), from)
      set(target, keysOf(path), moved, true)
      return
    }
    default:
      throw new StatusError('BadRequest', `there is no JSON patch operation ${JSON.stringify(op)}`)
  }
}

function keysOf(path: string): readonly string[] {
  if (!path.startsWith('/')) throw new StatusError('BadRequest', `the path ${path} does not begin with /`)
  const keys = path
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (keys.some((key) => key === '__proto__' || key === 'constructor' || key === 'prototype')) {
    throw new StatusError('BadRequest', `the path ${path} is not one of an object`)
  }
  return keys
}

function get(target: unknown, keys: readonly string[], path: string): unknown {
  let here = target
  for (const key of keys) {
    if (typeof here !== 'object' || here === null || !(key in here)) {
      throw new StatusError('Invalid', `there is nothing at ${path}`)
    }
    here = (here as Fields)[key]
  }
  return here
}

function set(target: Fields, keys: readonly string[], value: unknown, isInsert: boolean): void {
  const parent = get(target, keys.slice(0, -1), `/${keys.slice(0, -1).join('/')}`)
  const key = keys.at(-1) ?? ''
  if (!Array.isArray(parent)) {
    if (!isFields(parent)) throw new StatusError('Invalid', `there is no object at /${keys.slice(0, -1).join('/')}`)
    parent[key] = value
    return
  }
  const i = key === '-' ? parent.length : Number(key)
  if (!Number.isInteger(i) || i < 0 || i > parent.length) throw new StatusError('Invalid', `${key} is no index`)
  parent.splice(i, isInsert ? 0 : 1, value)
}

function remove(target: Fields, keys: readonly string[], path: string): void {
  get(target, keys, path)
  const parent = get(target, keys.slice(0, -1), path)
  const key = keys.at(-1) ?? ''
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else delete (parent as Fields)[key]
}
