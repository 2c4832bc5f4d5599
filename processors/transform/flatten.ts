/** Log records taken apart, each with a resource and a scope of its own, and put together again by equal resources and scopes. */
import { fromChunks } from '../../pipeline/data/batch.ts'
import { identityOf } from '../../pipeline/data/identity.ts'
import { messages, text } from '../../pipeline/data/items.ts'
import type { Logs, Resource, Scope } from '../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'

/** What the views of `pipeline/data` are: a message that stands in a chunk. */
interface OnWire {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
}
interface Held {
  readonly schemaUrl: string
}
interface ScopeGroup {
  readonly scope: OnWire & Held
  readonly records: OnWire[]
}
interface ResourceGroup {
  readonly resource: OnWire & Held
  readonly scopes: Map<string, ScopeGroup>
}

export function flatten(batch: Logs): Logs {
  return rebuilt(batch, (_resource, _scope, record) => [String(record), ''])
}

/** Equal resources become one, in it equal scopes, in the order in which they come first. */
export function regroup(batch: Logs): Logs {
  return rebuilt(batch, (resource, scope) => [
    identity(resource),
    JSON.stringify([scope.name, scope.version, identity(scope)]),
  ])
}

function identity({ attributes, schemaUrl }: Resource | Scope): string {
  return `${schemaUrl} ${identityOf(attributes)}`
}

function rebuilt(
  batch: Logs,
  keysOf: (resource: Resource, scope: Scope, record: number) => readonly [resource: string, scope: string],
): Logs {
  const resources = new Map<string, ResourceGroup>()
  let count = 0
  for (const record of batch) {
    const { resource, scope } = record
    const [resourceKey, scopeKey] = keysOf(resource, scope, count++)
    let group = resources.get(resourceKey)
    if (group === undefined) resources.set(resourceKey, (group = { resource: onWire(resource), scopes: new Map() }))
    let inner = group.scopes.get(scopeKey)
    if (inner === undefined) group.scopes.set(scopeKey, (inner = { scope: onWire(scope), records: [] }))
    inner.records.push(record as unknown as OnWire)
  }
  const chunk = written((to) => messages(to, 10, [...resources.values()], writeResource))
  return fromChunks('logs', count === 0 ? [] : [chunk], count === 0 ? [] : [count], batch.origin)
}

function onWire(place: Resource | Scope): OnWire & Held {
  return place as unknown as OnWire & Held
}

function writeResource(to: Writer, { resource, scopes }: ResourceGroup): void {
  text(to, 26, resource.schemaUrl)
  messages(to, 18, [...scopes.values()], writeScope)
  writePlace(to, resource)
}

function writeScope(to: Writer, { scope, records }: ScopeGroup): void {
  text(to, 26, scope.schemaUrl)
  messages(to, 18, records, (_to, { b, start, end }) => to.bytes(b, start, end))
  writePlace(to, scope)
}

/** The Resource or the InstrumentationScope. */
function writePlace(to: Writer, { b, start, end }: OnWire): void {
  const before = to.size
  to.bytes(b, start, end)
  if (to.size > before) to.message(10, before)
}
