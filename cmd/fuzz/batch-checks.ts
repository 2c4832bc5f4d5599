/** Everything one can do with a batch, and what must hold then. Shared by the targets that make batches. */
import { isDeepStrictEqual } from 'node:util'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { newDictionary } from '../../pipeline/data/dictionary.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import { comparable, decode } from '../../pipeline/data/otlp.arbitrary.ts'
import { referenceType } from '../../pipeline/data/proto/reference.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type {
  Attributes,
  Batch,
  EditableAttributes,
  In,
  Logs,
  Metrics,
  Profiles,
  Signal,
  Traces,
} from '../../pipeline/data/telemetry.ts'
import { validate } from '../../pipeline/data/validate.ts'
import { key } from '../../pipeline/data/value.ts'
import { bytesOf, must } from './target.ts'

export const signals: readonly Signal[] = ['traces', 'metrics', 'logs', 'profiles']
const names = ['a', 'service.name', 'http.route'].map(key)
const added = key('vigil.fuzz')
/** No more text than this in JSON for a byte of protobuf: ids double, escapes take six, and every number has its name. */
const maxJsonGrowth = 400

interface Item extends In {
  readonly attributes: Attributes
}
interface EditableItem extends In {
  readonly attributes: EditableAttributes
}
/** The operations without the types of their items, so that one check does for all signals. */
interface Any {
  readonly count: number
  readonly byteLength: number
  readonly chunks: readonly Uint8Array[]
  filter(keep: (item: Item) => boolean): Any
  edit(change: (item: EditableItem) => void): Any
  editResources(change: (resource: { readonly attributes: EditableAttributes; schemaUrl: string }) => void): Any
  editScopes(change: (scope: { readonly attributes: EditableAttributes; name: string }) => void): Any
  groupBy(by: (item: Item) => string): Map<string, Any>
  slices(maxItems: number): Iterable<Any>
  compact(): Any
  [Symbol.iterator](): Iterator<Item>
}
type ItemBatch = Traces | Metrics | Logs

const checks: readonly ((batch: ItemBatch) => void)[] = [
  readsWhole,
  filters,
  edits,
  editsHolders,
  cuts,
  groups,
  scans,
  writesJson,
  protobufjsAgrees,
]

/** `choice` picks two of the checks; undefined = all. */
export function checkBatch(batch: Batch, choice: number | undefined): void {
  if (batch.signal === 'profiles') {
    checkProfiles(batch)
    return
  }
  if (choice === undefined) for (const check of checks) check(batch)
  else {
    checks[choice % checks.length]!(batch)
    checks[(choice >>> 8) % checks.length]!(batch)
  }
}

function checkProfiles(batch: Profiles): void {
  let samples = 0
  for (const slice of batch.slices(1)) samples += sameCounts(slice)
  must(samples === batch.count, 'slices of profiles lose samples')
  sameCounts(batch.compact())
  writesJson(batch)
  protobufjsAgrees(batch)
}

/** Each chunk is a valid request in its canonical form and has as many items as the batch says. */
function sameCounts(
  batch: Pick<Any, 'count' | 'chunks'> & { readonly signal?: Signal },
  signal = batch.signal!,
): number {
  let items = 0
  for (const chunk of batch.chunks) {
    const checked = validate(signal, chunk)
    must(checked.badTexts === 0 && !checked.duplicates, 'a chunk is not canonical')
    items += checked.items
  }
  must(items === batch.count, `a batch says ${batch.count} items and holds ${items}`)
  return items
}

function readsWhole(batch: ItemBatch): void {
  let items = 0
  for (const item of any(batch)) {
    items++
    readAll(item, 0)
    for (const name of names) if (item.attributes.has(name)) item.attributes.type(name)
    must([...item.attributes.entries()].length === item.attributes.size, 'attributes have another size than entries')
  }
  must(items === batch.count, 'the views are not as many as the items')
}

function filters(batch: ItemBatch): void {
  let i = 0
  const half = any(batch).filter(() => i++ % 2 === 0)
  must(half.count === (batch.count + 1) >>> 1, 'filter kept another number of items')
  sameCounts(half, batch.signal)
  const compact = half.compact()
  must(compact.byteLength === half.byteLength, 'compact changed the bytes')
  sameCounts(compact, batch.signal)
  must(any(batch).filter(() => false).count === 0, 'filter kept what it should not')
}

function edits(batch: ItemBatch): void {
  let i = 0
  const edited = any(batch).edit(({ attributes }) => {
    if (i++ % 3 === 2) return
    attributes.set(added, i)
    attributes.delete('a')
    attributes.set('http.route', 'é')
  })
  sameCounts(edited, batch.signal)
  must(edited.count === batch.count, 'edit changed the number of items')
  i = 0
  for (const { attributes } of edited) {
    if (i++ % 3 === 2) continue
    must(attributes.get(added) === i && !attributes.has('a'), 'edit did not write what was set')
    must(attributes.get('http.route') === 'é', 'edit did not replace')
  }
}

function editsHolders(batch: ItemBatch): void {
  const resources = any(batch).editResources((resource) => {
    resource.attributes.set(added, 'x')
    resource.schemaUrl = 'u'
  })
  sameCounts(resources, batch.signal)
  for (const { resource } of resources)
    must(resource.attributes.get(added) === 'x' && resource.schemaUrl === 'u', 'editResources did not write')
  const scopes = any(batch).editScopes((scope) => {
    scope.attributes.set(added, 1.5)
    scope.name = 'n'
  })
  sameCounts(scopes, batch.signal)
  for (const { scope } of scopes)
    must(scope.attributes.get(added) === 1.5 && scope.name === 'n', 'editScopes did not write')
  if (batch.signal !== 'metrics') return
  const metrics = batch.editMetrics((metric) => void (metric.name = `${metric.name}.`))
  sameCounts(metrics)
}

function cuts(batch: ItemBatch): void {
  const size = 1 + (batch.byteLength % 3)
  let items = 0
  for (const slice of any(batch).slices(size)) {
    must(slice.count <= size, 'a slice is too large')
    items += slice.count
    sameCounts(slice, batch.signal)
  }
  must(items === batch.count, 'slices lose items')
}

function groups(batch: ItemBatch): void {
  let i = 0
  let items = 0
  for (const group of any(batch)
    .groupBy(() => String(i++ % 3))
    .values())
    items += sameCounts(group, batch.signal)
  must(items === batch.count, 'groupBy loses items')
  if (batch.signal !== 'traces') return
  items = 0
  for (const { spans } of batch.groupByTrace()) items += sameCounts(spans)
  must(items === batch.count, 'groupByTrace loses spans')
}

function scans(batch: ItemBatch): void {
  const dictionary = newDictionary(64)
  const plan = { dictionary, attributes: names, resource: names, series: newDictionary(64) }
  const columns = batch.columns(plan)
  must(columns.length === batch.count, 'columns have another length')
  for (const name of names)
    for (const value of columns.attribute(name)) must(value === 0xffff_ffff || value <= 64, 'a text has no number')
}

/** JSON of the batch is JSON, reads back, and is the same when written again. */
export function writesJson(batch: Batch): void {
  const text = writeJson(batch)
  must(text.length <= 200 + batch.byteLength * maxJsonGrowth, `${text.length} of JSON for ${batch.byteLength} bytes`)
  JSON.parse(text)
  const again = readOtlp<Signal>(batch.signal, bytesOf(text), 'json', noOrigin)
  must(again.count === batch.count, `JSON has ${again.count} items of ${batch.count}`)
  must(writeJson(again) === text, 'JSON that was read is written differently')
}

function protobufjsAgrees(batch: Batch): void {
  const { signal } = batch
  const decoded = decode(signal, batch.chunks)
  const items = countItems(signal, decoded)
  must(items === batch.count, `protobufjs counts ${items}, we ${batch.count}`)
}

/** Of a request without duplicates and bad text: what we made of it means what the sender wrote. */
export function meansTheSame(signal: Signal, body: Uint8Array, batch: Batch): void {
  must(
    isDeepStrictEqual(comparable(decode(signal, batch.chunks)), comparable(decode(signal, [body]))),
    'the chunk means something else than the request',
  )
}

/** Throws when protobufjs does not take it. */
export function protobufjsReads(signal: Signal, body: Uint8Array): void {
  referenceType(signal).decode(body)
}

type Decoded = Readonly<Record<string, unknown>>
const levels: Readonly<Record<Signal, readonly string[]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  profiles: ['resourceProfiles', 'scopeProfiles', 'profiles', 'samples'],
}
const dataNames = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

function countItems(signal: Signal, decoded: Decoded): number {
  let level: readonly Decoded[] = [decoded]
  for (const name of levels[signal]) level = level.flatMap((of) => (of[name] ?? []) as readonly Decoded[])
  if (signal !== 'metrics') return level.length
  let points = 0
  for (const metric of level)
    for (const name of dataNames)
      points += ((metric[name] as Decoded | null)?.['dataPoints'] as unknown[] | undefined)?.length ?? 0
  return points
}

/** Reads every property of a view and of what hangs on it; they are getters of its class. */
function readAll(view: object, depth: number): void {
  if (depth > 4) return
  for (const name of gettersOf(view)) {
    const value = (view as Record<string, unknown>)[name]
    if (Array.isArray(value)) {
      for (const one of value) if (typeof one === 'object' && one !== null) readAll(one, depth + 1)
    } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) readAll(value, depth + 1)
  }
  if ('entries' in view && typeof view.entries === 'function') for (const _ of (view as Attributes).entries());
}

const getters = new Map<object, readonly string[]>()
function gettersOf(view: object): readonly string[] {
  const prototype = Object.getPrototypeOf(view) as object | null
  if (prototype === null || prototype === Object.prototype) return Object.keys(view)
  let known = getters.get(prototype)
  if (known === undefined) {
    const found: string[] = []
    for (
      let p: object | null = prototype;
      p !== null && p !== Object.prototype;
      p = Object.getPrototypeOf(p) as object | null
    )
      for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(p)))
        if (descriptor.get !== undefined) found.push(name)
    getters.set(prototype, (known = found))
  }
  return known
}

function any(batch: ItemBatch): Any {
  return batch as unknown as Any
}
