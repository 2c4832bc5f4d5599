/** Where the items go: resources, in them scopes, in them the bytes of items. Written as one chunk. */
import { messages, writeAttributes } from '../../pipeline/data/items.ts'
import type { In, Resource, Value } from '../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'
import { canonicalAttributes, canonicalMap } from './canonical.ts'

/** What the views of `pipeline/data` are: a message that stands in a chunk. */
export interface OnWire {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
}
/** An item that is put together of others: a metric of its points. */
export interface Composed {
  write(to: Writer): void
}

export interface ScopeGroup {
  readonly scope: OnWire
  readonly items: (OnWire | Composed)[]
  /** Metrics by name and type, where the items are such. */
  readonly composed: Map<string, Composed>
}
interface ResourceGroup {
  readonly attributes: Readonly<Record<string, Value>>
  readonly scopes: Map<string, ScopeGroup>
}

export class Groups {
  private readonly resources = new Map<string, ResourceGroup>()
  /** Of the resource that was met last: its own identity, and the groups it has led to. */
  private last: Resource | undefined
  private ofLast = new Map<string, ResourceGroup>()

  get size(): number {
    return this.resources.size
  }

  /** `moved` are the attributes that the item gives to its resource; equal `movedKey` = equal attributes. */
  scopeFor(item: In, moved: readonly [string, Value][], movedKey: string): ScopeGroup {
    if (item.resource !== this.last) {
      this.last = item.resource
      this.ofLast = new Map()
    }
    let group = this.ofLast.get(movedKey)
    if (group === undefined) {
      group = this.resourceFor(item.resource, moved)
      this.ofLast.set(movedKey, group)
    }
    const { scope } = item
    const key = JSON.stringify([scope.name, scope.version])
    let found = group.scopes.get(key)
    if (found === undefined) {
      found = { scope: scope as unknown as OnWire, items: [], composed: new Map() }
      group.scopes.set(key, found)
    }
    return found
  }

  write(): Uint8Array {
    return written((to) => messages(to, 10, [...this.resources.values()], writeResource))
  }

  private resourceFor(resource: Resource, moved: readonly [string, Value][]): ResourceGroup {
    const own = resource.attributes
    const attributes = new Map([...own.entries()].reverse())
    for (const [key, value] of moved) attributes.set(key, value)
    const key = moved.length === 0 ? canonicalAttributes(own) : canonicalMap([...attributes])
    let group = this.resources.get(key)
    if (group === undefined) {
      group = { attributes: Object.fromEntries(attributes), scopes: new Map() }
      this.resources.set(key, group)
    }
    return group
  }
}

function writeResource(to: Writer, { attributes, scopes }: ResourceGroup): void {
  messages(to, 18, [...scopes.values()], writeScope)
  const before = to.size
  writeAttributes(to, 10, attributes)
  if (to.size > before) to.message(10, before)
}

function writeScope(to: Writer, { scope, items }: ScopeGroup): void {
  messages(to, 18, items, writeItem)
  const before = to.size
  to.bytes(scope.b, scope.start, scope.end)
  if (to.size > before) to.message(10, before)
}

function writeItem(to: Writer, item: OnWire | Composed): void {
  if ('write' in item) item.write(to)
  else to.bytes(item.b, item.start, item.end)
}
