/** The different records of one group of senders, by resource, scope and identity, each with how often it came. */
import { identityOf as attributesIdentity } from '../../pipeline/data/identity.ts'
import { messages } from '../../pipeline/data/items.ts'
import { commonOrigin } from '../../pipeline/data/origin.ts'
import type { In, LogRecord, Origin, Resource, Scope } from '../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'
import type { WriteRecord } from './finished-record.ts'
import { type IdentityOf, rawIdentity } from './identity.ts'

/** What the views of `pipeline/data` are: a message that stands in a chunk. */
interface OnWire {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
}
export interface Entry {
  /** The first of them. */
  readonly record: Uint8Array
  readonly firstUnixNano: bigint
  lastUnixNano: bigint
  count: number
  /** By how many byte forms it is known. */
  forms: number
}
interface InScope {
  readonly scope: Uint8Array
  readonly entries: Map<string, Entry>
  readonly byForm: Map<string, Entry>
}
interface InResource {
  readonly resource: Uint8Array
  readonly scopes: Map<string, InScope>
}
export interface SavedCollected {
  readonly origin: Origin
  readonly resources: readonly { key: string; resource: Uint8Array; scopes: readonly SavedScope[] }[]
}
interface SavedScope {
  readonly key: string
  readonly scope: Uint8Array
  readonly entries: readonly [string, Entry][]
}

/** About what an entry takes in memory beside its bytes and texts. */
const entryBytes = 256
/** A record whose bytes differ each time, though nothing that matters does, is not remembered in more forms. */
const maxForms = 4

export class Collected {
  private common: Origin
  private readonly resources = new Map<string, InResource>()
  private lastResource: Resource | undefined
  private lastScope: Scope | undefined
  private place: InScope | undefined
  size = 0
  bytes = 0

  constructor(origin: Origin) {
    this.common = origin
  }

  get origin(): Origin {
    return this.common
  }

  /** Another batch comes: what its sender told counts only as far as all told it. */
  join(origin: Origin): void {
    if (origin !== this.common) this.common = commonOrigin([this.common, origin])
    this.lastResource = undefined
    this.lastScope = undefined
  }

  /** Whether it was there already. */
  add(record: LogRecord & In, identity: IdentityOf, nowUnixNano: bigint): boolean {
    const place = this.placeOf(record)
    const onWire = record as unknown as OnWire
    const form = rawIdentity(onWire)
    let entry = place.byForm.get(form)
    let isNew = false
    if (entry === undefined) {
      const key = identity(record)
      entry = place.entries.get(key)
      if (entry === undefined) {
        isNew = true
        entry = { record: bytesOf(onWire), firstUnixNano: nowUnixNano, lastUnixNano: nowUnixNano, count: 0, forms: 0 }
        place.entries.set(key, entry)
        this.size++
        this.bytes += entryBytes + entry.record.length + key.length
      }
      if (entry.forms < maxForms) {
        entry.forms++
        place.byForm.set(form, entry)
        this.bytes += form.length + 64
      }
    }
    entry.count++
    entry.lastUnixNano = nowUnixNano
    return !isNew
  }

  /** All of it, in pieces of at most `records` records. */
  *pieces(records: number): Iterable<Piece> {
    let piece = new Piece()
    for (const { resource, scopes } of this.resources.values())
      for (const { scope, entries } of scopes.values()) {
        piece.open(resource, scope)
        for (const entry of entries.values()) {
          if (piece.entries.length === records) {
            yield piece
            piece = new Piece()
            piece.open(resource, scope)
          }
          piece.add(entry)
        }
      }
    if (piece.entries.length > 0) yield piece
  }

  save(): SavedCollected {
    const scopesOf = ({ scopes }: InResource) =>
      [...scopes].map(([key, { scope, entries }]) => ({ key, scope, entries: [...entries] }))
    const resources = [...this.resources].map(([key, of]) => ({ key, resource: of.resource, scopes: scopesOf(of) }))
    return { origin: this.common, resources }
  }

  static restored({ origin, resources }: SavedCollected): Collected {
    const collected = new Collected(origin)
    for (const { key, resource, scopes } of resources) {
      const inResource: InResource = { resource, scopes: new Map() }
      collected.resources.set(key, inResource)
      for (const { key: scopeKey, scope, entries } of scopes) {
        const restored = entries.map(([id, entry]) => [id, { ...entry, forms: 0 }] as const)
        inResource.scopes.set(scopeKey, { scope, entries: new Map(restored), byForm: new Map() })
        collected.size += entries.length
        for (const [id, { record }] of entries) collected.bytes += entryBytes + record.length + id.length
      }
    }
    return collected
  }

  private placeOf({ resource, scope }: In): InScope {
    if (this.place !== undefined && resource === this.lastResource && scope === this.lastScope) return this.place
    this.lastResource = resource
    this.lastScope = scope
    const resourceKey = attributesIdentity(resource.attributes)
    let inResource = this.resources.get(resourceKey)
    if (inResource === undefined) {
      inResource = { resource: bytesOf(resource as unknown as OnWire), scopes: new Map() }
      this.resources.set(resourceKey, inResource)
      this.bytes += entryBytes + resourceKey.length + inResource.resource.length
    }
    const scopeKey = `${JSON.stringify([scope.name, scope.version])}${attributesIdentity(scope.attributes)}`
    let place = inResource.scopes.get(scopeKey)
    if (place === undefined) {
      place = { scope: bytesOf(scope as unknown as OnWire), entries: new Map(), byForm: new Map() }
      inResource.scopes.set(scopeKey, place)
      this.bytes += entryBytes + scopeKey.length + place.scope.length
    }
    this.place = place
    return place
  }
}

/** Some of the records, as they stand together in a request. */
export class Piece {
  /** In the order of `chunk`. */
  readonly entries: Entry[] = []
  private readonly resources: { readonly resource: Uint8Array; readonly scopes: Place[] }[] = []

  open(resource: Uint8Array, scope: Uint8Array): void {
    let last = this.resources.at(-1)
    if (last?.resource !== resource) this.resources.push((last = { resource, scopes: [] }))
    last.scopes.push({ scope, entries: [] })
  }

  /** To the place that was opened last. */
  add(entry: Entry): void {
    this.entries.push(entry)
    this.resources.at(-1)!.scopes.at(-1)!.entries.push(entry)
  }

  /** One record for each; `write` writes its fields. */
  chunk(write: WriteRecord): Uint8Array {
    return written((to) =>
      messages(to, 10, this.resources, (_to, { resource, scopes }) => {
        messages(to, 18, scopes, (_, { scope, entries }) => {
          messages(to, 18, entries, write)
          writeHead(to, scope)
        })
        writeHead(to, resource)
      }),
    )
  }
}

interface Place {
  readonly scope: Uint8Array
  readonly entries: Entry[]
}

/** A copy: a few records of a large batch must not pin all of it. */
function bytesOf({ b, start, end }: OnWire): Uint8Array {
  return b.slice(start, end)
}

function writeHead(to: Writer, head: Uint8Array): void {
  if (head.length > 0) messages(to, 10, [head], (_to, bytes) => to.bytes(bytes))
}
