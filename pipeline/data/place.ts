/** Where an item stands: its resource and its scope, read when somebody asks and shared by all items of the scope. */
import { WireAttributes } from './attributes.ts'
import { messageEnd, messageField, textField, varintField } from './field.ts'
import { readOnly } from './read-only.ts'
import type { Attributes, In, Resource, Scope } from './telemetry.ts'
import { resourceLevel, scopeLevel, type Tree } from './tree.ts'

export class ResourceView implements Resource {
  readonly b: Uint8Array
  /** Of the ResourceSpans, ResourceMetrics, ... that holds the Resource. */
  readonly holderStart: number
  readonly holderEnd: number
  readonly start: number
  readonly end: number

  constructor(b: Uint8Array, holderStart: number, holderEnd: number) {
    this.b = b
    this.holderStart = holderStart
    this.holderEnd = holderEnd
    this.start = messageField(b, holderStart, holderEnd, 10)
    this.end = messageEnd
  }

  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 10)
  }
  get droppedAttributesCount(): number {
    return varintField(this.b, this.start, this.end, 16)
  }
  get schemaUrl(): string {
    return textField(this.b, this.holderStart, this.holderEnd, 26)
  }
}
readOnly(ResourceView, 'resource', 'batch.editResources((resource) => ...)')

export class ScopeView implements Scope {
  readonly b: Uint8Array
  readonly holderStart: number
  readonly holderEnd: number
  readonly start: number
  readonly end: number

  constructor(b: Uint8Array, holderStart: number, holderEnd: number) {
    this.b = b
    this.holderStart = holderStart
    this.holderEnd = holderEnd
    this.start = messageField(b, holderStart, holderEnd, 10)
    this.end = messageEnd
  }

  get name(): string {
    return textField(this.b, this.start, this.end, 10)
  }
  get version(): string {
    return textField(this.b, this.start, this.end, 18)
  }
  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 26)
  }
  get droppedAttributesCount(): number {
    return varintField(this.b, this.start, this.end, 32)
  }
  get schemaUrl(): string {
    return textField(this.b, this.holderStart, this.holderEnd, 26)
  }
}
readOnly(ScopeView, 'scope', 'batch.editScopes((scope) => ...)')

class Place implements In {
  private readonly places: Places
  private readonly node: number
  private view: Scope | undefined

  constructor(places: Places, node: number) {
    this.places = places
    this.node = node
  }

  get resource(): Resource {
    return this.places.resource(this.places.tree.levels[scopeLevel]!.parent[this.node]!)
  }
  get scope(): Scope {
    if (this.view === undefined) {
      const { start, end } = this.places.tree.levels[scopeLevel]!
      this.view = new ScopeView(this.places.tree.bytes, start[this.node]!, end[this.node]!)
    }
    return this.view
  }
}

/** The places of one chunk. */
export class Places {
  readonly tree: Tree
  private readonly resources: (Resource | undefined)[] = []
  private readonly scopes: (In | undefined)[] = []

  constructor(tree: Tree) {
    this.tree = tree
  }

  resource(node: number): Resource {
    const { start, end } = this.tree.levels[resourceLevel]!
    return (this.resources[node] ??= new ResourceView(this.tree.bytes, start[node]!, end[node]!))
  }

  /** Of the scope with this number. */
  at(node: number): In {
    return (this.scopes[node] ??= new Place(this, node))
  }
}
