/** Editors of values and maps. */
import type { Value } from '../../data/telemetry.ts'
import { type MapHandle, replaceAll, toMap } from '../contexts/path.ts'
import { fail } from '../problems.ts'
import { asText, kindOf, type OttlValue, toWire, typeName } from '../values.ts'
import { flattenInto } from './flatten.ts'
import {
  any,
  flag,
  list,
  listOf,
  literalFlag,
  literalInt,
  literalText,
  map,
  mapTarget,
  regex,
  target,
  text,
  whole,
} from './params.ts'
import { editor, optional } from './signature.ts'
import { truncate } from './truncate.ts'

export const editors = [
  editor('set', { target, value: any }, ({ target: to, value }) => (frame) => {
    const now = value(frame)
    // nil, an unset attribute above all, changes nothing.
    if (now !== null) to.set(frame, now)
  }),

  editor(
    'append',
    { target, value: optional(any), values: optional(listOf(any)) },
    ({ target: to, value, values = [] }) => {
      const added = value === undefined ? values : [value, ...values]
      if (added.length === 0) fail("at least one of the optional arguments ('value' or 'values') must be provided")
      return (frame) => {
        const before = to.get(frame)
        const kind = kindOf(before)
        const items = kind === 'nil' ? [] : kind === 'list' ? (before as readonly OttlValue[]) : [before]
        to.set(frame, [...items, ...added.map((get) => get(frame))])
      }
    },
  ),

  editor(
    'delete_index',
    { target, start_index: whole, end_index: optional(whole) },
    ({ target: to, start_index: startOf, end_index: endOf }) =>
      (frame) => {
        const before = to.get(frame)
        if (kindOf(before) !== 'list') fail(`target must be a slice type, got ${typeName(before)}`)
        const items = before as readonly OttlValue[]
        const start = Number(startOf(frame))
        const end = endOf === undefined ? start + 1 : Number(endOf(frame))
        if (start < 0 || start >= items.length)
          fail(`startIndex ${start} out of bounds for slice of length ${items.length}`)
        if (end < start || end > items.length) fail(`endIndex ${end} out of bounds: from ${start} to ${items.length}`)
        if (end > start) to.set(frame, [...items.slice(0, start), ...items.slice(end)])
      },
  ),

  editor('delete_key', { target: mapTarget, key: text }, ({ target: edit, key }) => (frame) => {
    const name = key(frame)
    edit(frame, (of) => of.delete(name))
  }),

  editor('delete_matching_keys', { target: mapTarget, pattern: regex }, ({ target: edit, pattern }) => (frame) => {
    const matcher = pattern(frame)
    edit(frame, (of) => deleteWhere(of, (name) => matcher.test(name)))
  }),

  editor('keep_matching_keys', { target: mapTarget, pattern: regex }, ({ target: edit, pattern }) => (frame) => {
    const matcher = pattern(frame)
    edit(frame, (of) => deleteWhere(of, (name) => !matcher.test(name)))
  }),

  editor('keep_keys', { target: mapTarget, keys: list }, ({ target: edit, keys }) => (frame) => {
    const kept = new Set(
      keys(frame).map((key) => (typeof key === 'string' ? key : fail(`expected string but got ${typeName(key)}`))),
    )
    edit(frame, (of) => deleteWhere(of, (name) => !kept.has(name)))
  }),

  editor(
    'limit',
    { target: mapTarget, limit: literalInt, priority_keys: listOf(literalText) },
    ({ target: edit, limit, priority_keys: priority }) => {
      if (limit < 0n) fail(`invalid limit for limit function, ${limit} cannot be negative`)
      if (limit < BigInt(priority.length)) {
        fail(
          `invalid limit for limit function, ${limit} cannot be less than number of priority attributes ${priority.length}`,
        )
      }
      const kept = new Set(priority)
      return (frame) =>
        edit(frame, (of) => {
          if (of.size <= Number(limit)) return
          let room = Number(limit) - priority.filter((key) => of.has(key)).length
          deleteWhere(of, (name) => !kept.has(name) && room-- <= 0)
        })
    },
  ),

  editor(
    'merge_maps',
    { target: mapTarget, source: map, strategy: optional(text) },
    ({ target: edit, source, strategy }) =>
      (frame) => {
        const from = source(frame)
        const how = strategy?.(frame) ?? 'upsert'
        if (!['insert', 'update', 'upsert'].includes(how)) {
          fail(`invalid value for strategy, ${how}, must be 'insert', 'update' or 'upsert'`)
        }
        edit(frame, (of) => {
          for (const [name, value] of Object.entries(from)) {
            if (how === 'upsert' || of.has(name) === (how === 'update')) of.set(name, toWire(value))
          }
        })
      },
  ),

  editor(
    'flatten',
    {
      target: mapTarget,
      prefix: optional(literalText),
      depth: optional(literalInt),
      resolveConflicts: optional(literalFlag),
    },
    ({ target: edit, prefix = '', depth, resolveConflicts = false }) => {
      if (depth !== undefined && depth < 0n) fail(`invalid depth for flatten function, ${depth} cannot be negative`)
      const levels = depth === undefined ? Number.POSITIVE_INFINITY : Number(depth)
      return (frame) =>
        edit(frame, (of) => {
          const flat: { [key: string]: Value } = {}
          flattenInto(flat, toMap(of.entries()), prefix, levels, resolveConflicts)
          replaceAll(of, flat)
        })
    },
  ),

  editor(
    'truncate_all',
    { target: mapTarget, limit: literalInt, utf8_safe: optional(flag), truncation_marker: optional(text) },
    ({ target: edit, limit, utf8_safe: safe, truncation_marker: marker }) => {
      if (limit < 0n) fail(`invalid limit for truncate_all function, ${limit} cannot be negative`)
      const most = Number(limit)
      return (frame) => {
        const ending = marker?.(frame) ?? ''
        if (Buffer.byteLength(ending) > most) fail(`truncation_marker is longer than the limit of ${limit} bytes`)
        const isSafe = safe?.(frame) ?? true
        edit(frame, (of) => mapTexts(of, most, (value) => truncate(value, most, ending, isSafe)))
      }
    },
  ),

  editor('stringify_all', { target: mapTarget }, ({ target: edit }) => (frame) => {
    edit(frame, (of) => {
      for (const [name, value] of Array.from(of.entries()))
        if (typeof value !== 'string') of.set(name, asText(value as OttlValue))
    })
  }),
] as const

function deleteWhere(of: MapHandle, test: (name: string) => boolean): void {
  if (of.deleteWhere !== undefined) of.deleteWhere(test)
  else for (const [name] of Array.from(of.entries())) if (test(name)) of.delete(name)
}

/** `change` leaves texts of up to `minBytes` bytes as they are. */
function mapTexts(of: MapHandle, minBytes: number, change: (text: string) => string): void {
  if (of.mapTexts !== undefined) {
    of.mapTexts(minBytes, change)
    return
  }
  for (const [name, value] of Array.from(of.entries())) {
    const changed = typeof value === 'string' ? change(value) : value
    if (changed !== value) of.set(name, changed)
  }
}
