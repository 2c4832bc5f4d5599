/** Splits a batch by a resource attribute, as byte ranges of its chunks. */
import { posix } from 'node:path'
import { countFields, type FieldPath } from '../../pipeline/data/json/count-fields.ts'
import { decodeMessage } from '../../pipeline/data/json/decode-tree.ts'
import { requests } from '../../pipeline/data/json/schema.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'

export interface Segments {
  /** Requests by attribute value. */
  readonly bySegment: ReadonlyMap<string, readonly Uint8Array[]>
  /** Items of resources without a text in that attribute. */
  readonly without: number
}

/** From a `Resource*` message to its spans, data points, log records or samples. */
const itemPaths: Readonly<Record<Signal, FieldPath>> = {
  traces: [[2], [2]],
  logs: [[2], [2]],
  metrics: [[2], [2], [5, 7, 9, 10, 11], [1]],
  profiles: [[2], [2], [2]],
}
const dictionaryField = 2

/** Spans, data points, log records or samples of a whole request. */
export function countItems(signal: Signal, chunk: Uint8Array): number {
  return countFields(chunk, [[1], ...itemPaths[signal]])
}

export function splitBySegment(signal: Signal, chunks: readonly Uint8Array[], attribute: string): Segments {
  const parts = new Map<string, Uint8Array[]>()
  let without = 0
  for (const chunk of chunks) {
    const shared: Uint8Array[] = []
    const resources = new Map<string, Uint8Array[]>()
    for (const { field, whole, content } of fieldsOf(chunk)) {
      if (field === 1) {
        const segment = segmentOf(signal, content, attribute)
        if (segment === undefined) without += countFields(content, itemPaths[signal])
        else push(resources, segment, whole)
      } else if (field === dictionaryField && signal === 'profiles') shared.push(whole)
    }
    for (const [segment, ranges] of resources) push(parts, segment, Buffer.concat([...ranges, ...shared]))
  }
  return { bySegment: parts, without }
}

function push(map: Map<string, Uint8Array[]>, key: string, value: Uint8Array): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

/** The text of the attribute; of several equal keys the first, as upstream. */
function segmentOf(signal: Signal, resources: Uint8Array, attribute: string): string | undefined {
  const envelope = requests[signal].fields[0]?.message
  const schema = envelope?.fields[0]?.message
  if (schema === undefined) return undefined
  for (const { field, content } of fieldsOf(resources)) {
    if (field !== 1) continue
    for (const entry of decodeMessage(schema, content).trees('attributes')) {
      if (entry.text('key') !== attribute) continue
      const value = entry.tree('value')
      return value.member === 'stringValue' ? value.text('stringValue') : undefined
    }
  }
  return undefined
}

/** The length-delimited fields of a valid message; others are skipped. */
function* fieldsOf(bytes: Uint8Array) {
  let pos = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; pos < bytes.length; shift += 7) {
      const byte = bytes[pos++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value >>> 0
  }
  while (pos < bytes.length) {
    const start = pos
    const tag = varint()
    if ((tag & 7) === 2) {
      const length = varint()
      const content = bytes.subarray(pos, pos + length)
      pos += length
      yield { field: tag >>> 3, whole: bytes.subarray(start, pos), content }
    } else if ((tag & 7) === 0) varint()
    else pos += (tag & 7) === 1 ? 8 : 4
  }
}

/** Where a segment's file lies: always below what stands before the `*`, whatever telemetry says. */
export function segmentPath(pattern: string, segment: string): string {
  const [before = '', suffix = ''] = pattern.split('*')
  const prefix = before.endsWith('/') && clean(before) !== '/' ? `${clean(before)}/` : clean(before)
  const relative = segment.startsWith('./') ? segment.slice(1) : segment.startsWith('../') ? segment.slice(2) : segment
  const full = clean(prefix + relative + suffix)
  return full.startsWith(prefix) ? full : clean(`${prefix}/${clean(`/${relative}${suffix}`)}`)
}

/** Go's path.Clean: no `..` that can be resolved, no slash at the end. */
function clean(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}
