/**
 * The identity of a time series: resource, scope, metric and attributes, as one canonical text whose attributes are sorted.
 * Bytes that were seen before find their series without being read; only new ones are decoded.
 */

import { double, isDouble, put } from './any-value.ts'
import { absent, ByteDictionary, byteDictionary } from './dictionary.ts'
import { metricOf } from './metric.ts'
import { PointView, pointTags } from './point.ts'
import type { Attributes, Dictionary, Value } from './telemetry.ts'
import { dataLevel, metricLevel, resourceLevel, scopeLevel, type Tree } from './tree.ts'
import { cursor, putRange, putU32, skip, uvarint } from './wire.ts'

/** What a series text says. Values are told apart by type, see `encodeValue`. */
export interface SeriesText {
  readonly resource: readonly Entry[]
  readonly scope: readonly [name: string, version: string, attributes: readonly Entry[]]
  readonly metric: readonly [name: string, unit: string, type: string, temporality: string, monotonic: boolean]
  readonly attributes: readonly Entry[]
}
export type Entry = readonly [key: string, value: unknown]

/** The series ids of the points of a tree. */
export function seriesOf(tree: Tree, series: Dictionary, into: Uint32Array, firstRow: number): void {
  const cache = cacheOf(series)
  cache.begin()
  const metric = metricOf(tree)
  const { start, end, parent, size } = tree.items
  let lastData = -1
  let context = 0
  let tag = 0
  for (let i = 0; i < size; i++) {
    if (parent[i] !== lastData) {
      lastData = parent[i]!
      context = cache.context(tree, lastData)
      tag = pointTags(metric(i)).attributes
    }
    const raw = cache.point(context, tree.bytes, start[i]!, end[i]!, tag)
    let id = raw === 0 ? absent : cache.known(raw)
    if (id === absent) {
      const point = new PointView(tree.bytes, start[i]!, end[i]!, metric(i))
      id = series.id(JSON.stringify(describe(point)))
      if (raw !== 0) cache.remember(raw, id)
    }
    into[firstRow + i] = id
  }
}

function describe(point: PointView): SeriesText {
  const { resource, scope, metric } = point
  return {
    resource: entries(resource.attributes),
    scope: [scope.name, scope.version, entries(scope.attributes)],
    metric: [metric.name, metric.unit, metric.type, metric.temporality, metric.monotonic],
    attributes: entries(point.attributes),
  }
}

function entries(attributes: Attributes): Entry[] {
  const list: [string, unknown][] = []
  for (const [key, value] of attributes.entries()) list.push([key, encodeValue(value)])
  return list.sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
}

/** JSON that keeps the types apart: ints as `{"int": "5"}`, doubles as `{"double": "0.5"}`, bytes in base64, maps as entries. */
function encodeValue(value: Value): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'number') {
    return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? { int: String(value) } : { double: String(value) }
  }
  if (isDouble(value)) return { double: Object.is(value.double, -0) ? '-0' : String(value.double) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map((element: Value) => encodeValue(element))
  return { map: Object.entries(value).map(([key, of]) => [key, encodeValue(of as Value)]) }
}

/** Attributes again of the entries of a series text. */
export function decodeEntries(list: readonly Entry[]): Record<string, Value> {
  const attributes: Record<string, Value> = {}
  for (const [key, value] of list) put(attributes, key, decodeValue(value))
  return attributes
}

function decodeValue(value: unknown): Value {
  if (Array.isArray(value)) return value.map(decodeValue)
  if (typeof value !== 'object' || value === null) return value as Value
  if ('int' in value) return BigInt(value.int as string)
  if ('double' in value) return double(Number(value.double))
  if ('bytes' in value) return new Uint8Array(Buffer.from(value.bytes as string, 'base64'))
  return decodeEntries((value as { map: Entry[] }).map)
}

/** Raw bytes to series ids. Only a cache: when it is full it starts over. */
class RawCache {
  private raw: ByteDictionary
  private ids: Uint32Array
  private scratch = new Uint8Array(1024)
  private used = 0
  private scope = -1
  private scopeNumber = 0

  constructor(limit: number) {
    const entries = Math.min(limit * 2 + 1024, 4_000_000)
    this.raw = new ByteDictionary(entries)
    this.ids = new Uint32Array(1024).fill(absent)
  }

  known(raw: number): number {
    return raw < this.ids.length ? this.ids[raw]! : absent
  }

  remember(raw: number, id: number): void {
    if (raw >= this.ids.length) {
      const larger = new Uint32Array(Math.max(raw + 1, this.ids.length * 2)).fill(absent)
      larger.set(this.ids)
      this.ids = larger
    }
    this.ids[raw] = id
  }

  /** Begins a tree; makes room when the cache is full. */
  begin(): void {
    this.scope = -1
    if (this.raw.overflows === 0) return
    this.raw = new ByteDictionary(this.raw.limit)
    this.ids.fill(absent)
  }

  /** A number for everything above the points of this data node; 0 when the cache is full. */
  context(tree: Tree, data: number): number {
    const metric = tree.levels[dataLevel]!.parent[data]!
    const scope = tree.levels[metricLevel]!.parent[metric]!
    if (scope !== this.scope) {
      const resource = this.node(tree, 0, resourceLevel, tree.levels[scopeLevel]!.parent[scope]!)
      this.scope = scope
      this.scopeNumber = resource === 0 ? 0 : this.node(tree, resource, scopeLevel, scope)
    }
    const ofMetric = this.scopeNumber === 0 ? 0 : this.node(tree, this.scopeNumber, metricLevel, metric)
    return ofMetric === 0 ? 0 : this.node(tree, ofMetric, dataLevel, data)
  }

  /** A number for what a node says itself, within what holds it. */
  private node(tree: Tree, holder: number, l: number, node: number): number {
    this.start(holder, l)
    const ranges = tree.header(l, node)
    for (let i = 0; i < ranges.length; i += 2) this.append(tree.bytes, ranges[i]!, ranges[i + 1]!)
    if (l === dataLevel) {
      // Gauge, Sum, ... differ in the tag of what holds them.
      const { tagAt } = tree.levels[l]!
      this.append(tree.bytes, tagAt[node]!, tagAt[node]! + 1)
    }
    return this.raw.idOf(this.scratch, 0, this.used)
  }

  /** A number for the point's attributes in this context; 0 when the cache is full. */
  point(context: number, b: Uint8Array, start: number, end: number, tag: number): number {
    if (context === 0) return 0
    this.start(context, 255)
    // Attributes mostly stand side by side and are taken at once.
    let from = start
    let to = start
    for (let p = start; p < end; ) {
      const at = p
      let t = b[p++]!
      if (t > 127) {
        t = uvarint(b, at)
        p = cursor
      }
      p = skip(b, p, t & 7)
      if (t !== tag) continue
      if (at !== to) {
        this.append(b, from, to)
        from = at
      }
      to = p
    }
    this.append(b, from, to)
    return this.raw.idOf(this.scratch, 0, this.used)
  }

  private start(context: number, kind: number): void {
    this.used = putU32(this.scratch, 0, context)
    this.scratch[this.used++] = kind
  }

  private append(b: Uint8Array, start: number, end: number): void {
    const needed = this.used + end - start
    if (needed > this.scratch.length) {
      const larger = new Uint8Array(needed * 2)
      larger.set(this.scratch)
      this.scratch = larger
    }
    this.used = putRange(this.scratch, this.used, b, start, end)
  }
}

const caches = new WeakMap<Dictionary, RawCache>()

function cacheOf(series: Dictionary): RawCache {
  let cache = caches.get(series)
  if (cache === undefined) {
    cache = new RawCache(byteDictionary(series).limit)
    caches.set(series, cache)
  }
  return cache
}
