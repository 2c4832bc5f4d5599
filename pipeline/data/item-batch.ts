/** What traces, logs and metrics have in common: a list of immutable chunks and the operations that make new lists of them. */

import { editable, ResourceDraft, ScopeDraft } from './draft.ts'
import type { Draft } from './edit.ts'
import { Session, seal, sealHeld } from './edit.ts'
import { Places } from './place.ts'
import { select } from './select.ts'
import { Splices } from './splice.ts'
import type { AnyTelemetry, Editable, In, Origin, Resource, Scope, Signal, Telemetry } from './telemetry.ts'
import { resourceLevel, scopeLevel, Tree } from './tree.ts'
import { allocate } from './wire.ts'

/** The items of one chunk, by number, as read views or as drafts. */
export type Opener<T> = (item: number) => T

/** Chunks that are made only when somebody asks for bytes. */
export type Chunks = readonly Uint8Array[] | (() => readonly Uint8Array[])

/** Compacting makes one chunk of many, up to this size. */
const mergeBytes = 32 * 1024 * 1024

export abstract class ItemBatch<Self extends AnyTelemetry, Item, Plan extends object, Columns>
  implements Telemetry<Self, Item, Plan, Columns>
{
  abstract readonly signal: Signal
  readonly count: number
  readonly origin: Origin
  private source: Chunks
  private readonly counts: readonly number[]
  private bytes: number | undefined
  private retained: number | undefined
  private scans: WeakMap<Plan, Columns> | undefined

  constructor(chunks: Chunks, counts: readonly number[], origin: Origin) {
    this.source = chunks
    this.counts = counts
    this.origin = origin
    let count = 0
    for (const items of counts) count += items
    this.count = count
  }

  protected abstract make(chunks: Chunks, counts: readonly number[], origin: Origin): Self
  protected abstract views(tree: Tree): Opener<Item & In>
  protected abstract drafts(tree: Tree, session: Session): Opener<Draft>
  protected abstract scan(plan: Plan): Columns

  get chunks(): readonly Uint8Array[] {
    if (typeof this.source === 'function') this.source = this.source()
    return this.source
  }

  get byteLength(): number {
    if (this.bytes === undefined) {
      let bytes = 0
      for (const chunk of this.chunks) bytes += chunk.length
      this.bytes = bytes
    }
    return this.bytes
  }

  get isEncoded(): boolean {
    return typeof this.source !== 'function'
  }

  get retainedBytes(): number {
    this.retained ??= retained(this.chunks)
    return this.retained
  }

  *[Symbol.iterator](): Iterator<Item & In> {
    for (const tree of this.trees()) {
      const open = this.views(tree)
      for (let i = 0; i < tree.items.size; i++) yield open(i)
    }
  }

  filter(keep: (item: Item & In) => boolean, empty: 'keep' | 'drop' = 'keep'): Self {
    return this.rewrite((tree, count) => {
      const open = this.views(tree)
      const kept = new Int32Array(count)
      let n = 0
      for (let i = 0; i < count; i++) if (keep(open(i))) kept[n++] = i
      if (n === count && (empty === 'keep' || !tree.hasEmpty)) return undefined
      return { bytes: n === 0 ? undefined : select(tree, kept, 0, n), count: n }
    })
  }

  edit(change: (item: Editable<Item> & In) => void): Self {
    return this.editing((tree, session) => {
      const open = this.drafts(tree, session)
      const splices = new Splices(tree, tree.levels.length - 1)
      for (let i = 0; i < tree.items.size; i++) {
        const draft = open(i)
        change(editable<Item>(draft))
        seal(draft, i, splices)
      }
      return splices
    })
  }

  editResources(change: (resource: Editable<Resource>) => void): Self {
    return this.editing((tree, session) => {
      const { start, end, size } = tree.levels[resourceLevel]!
      const splices = new Splices(tree, resourceLevel)
      for (let i = 0; i < size; i++) {
        const draft = new ResourceDraft(tree.bytes, start[i]!, end[i]!, session)
        change(editable<Resource>(draft))
        sealHeld(draft, start[i]!, end[i]!, i, splices)
      }
      return splices
    })
  }

  editScopes(change: (scope: Editable<Scope> & { readonly resource: Resource }) => void): Self {
    return this.editing((tree, session) => {
      const places = new Places(tree)
      const { start, end, parent, size } = tree.levels[scopeLevel]!
      const splices = new Splices(tree, scopeLevel)
      for (let i = 0; i < size; i++) {
        const resource = places.resource(parent[i]!)
        const draft = new ScopeDraft(tree.bytes, start[i]!, end[i]!, resource, session)
        change(editable<Scope>(draft))
        sealHeld(draft, start[i]!, end[i]!, i, splices)
      }
      return splices
    })
  }

  groupBy(by: (item: Item & In) => string): Map<string, Self> {
    const groups = new Map<string, Group>()
    for (const tree of this.trees()) {
      const open = this.views(tree)
      for (let i = 0; i < tree.items.size; i++) {
        const name = by(open(i))
        let group = groups.get(name)
        if (group === undefined) groups.set(name, (group = new Group()))
        group.add(tree, i)
      }
    }
    if (groups.size === 1) return new Map([[groups.keys().next().value!, this.self()]])
    return new Map([...groups].map(([name, group]) => [name, this.ofGroup(group)]))
  }

  *slices(maxItems: number): Iterable<Self> {
    if (!Number.isInteger(maxItems) || maxItems < 1) throw new RangeError(`slices of ${maxItems} items: use 1 or more`)
    if (this.count <= maxItems) {
      yield this.self()
      return
    }
    let chunks: Uint8Array[] = []
    let counts: number[] = []
    let room = maxItems
    for (const [c, chunk] of this.chunks.entries()) {
      const items = this.counts[c]!
      let from = 0
      let tree: Tree | undefined
      let all: Int32Array | undefined
      while (from < items) {
        if (room === 0) {
          yield this.make(chunks, counts, this.origin)
          chunks = []
          counts = []
          room = maxItems
        }
        const to = Math.min(items, from + room)
        if (from === 0 && to === items) chunks.push(chunk)
        else {
          tree ??= new Tree(this.signal, chunk, items)
          all ??= Int32Array.from({ length: items }, (_, i) => i)
          chunks.push(select(tree, all, from, to))
        }
        counts.push(to - from)
        room -= to - from
        from = to
      }
    }
    if (counts.length > 0) yield this.make(chunks, counts, this.origin)
  }

  compact(): Self {
    const { chunks, byteLength } = this
    if (this.retainedBytes <= byteLength) return this.self()
    if (byteLength > mergeBytes) {
      return this.make(
        chunks.map((chunk) => chunk.slice()),
        this.counts,
        this.origin,
      )
    }
    const all = allocate(byteLength)
    let at = 0
    for (const chunk of chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return this.make([all], [this.count], this.origin)
  }

  withOrigin(origin: Origin): Self {
    return origin === this.origin ? this.self() : this.make(this.source, this.counts, origin)
  }

  columns(plan: Plan): Columns {
    this.scans ??= new WeakMap()
    let columns = this.scans.get(plan)
    if (columns === undefined) {
      columns = this.scan(plan)
      this.scans.set(plan, columns)
    }
    return columns
  }

  /** Items of each chunk. */
  get chunkCounts(): readonly number[] {
    return this.counts
  }

  protected *trees(): Iterable<Tree> {
    for (const [c, chunk] of this.chunks.entries()) yield new Tree(this.signal, chunk, this.counts[c]!)
  }

  /** Its bytes are made when somebody asks for them: a trace that sampling drops is never copied. Until then it pins the chunks it is from. */
  protected ofGroup({ trees, items }: Group): Self {
    const chunks = () =>
      trees.map((tree, c) =>
        items[c]!.length === tree.items.size ? tree.bytes : select(tree, items[c]!, 0, items[c]!.length),
      )
    return this.make(
      chunks,
      items.map((of) => of.length),
      this.origin,
    )
  }

  /** Runs `change` over every chunk; what it wrote while running is spliced in, and its handles are closed. */
  protected editing(change: (tree: Tree, session: Session) => Splices): Self {
    const session = new Session()
    try {
      return this.rewrite((tree, count) => {
        const splices = change(tree, session)
        return splices.size === 0 ? undefined : { bytes: splices.write(), count }
      })
    } finally {
      session.close()
    }
  }

  /** `change` answers undefined for a chunk that stays, and bytes undefined for one that goes. */
  private rewrite(
    change: (tree: Tree, count: number) => { bytes: Uint8Array | undefined; count: number } | undefined,
  ): Self {
    let changed = false
    const chunks: Uint8Array[] = []
    const counts: number[] = []
    for (const [c, chunk] of this.chunks.entries()) {
      const tree = new Tree(this.signal, chunk, this.counts[c]!)
      const count = tree.items.size
      const now = change(tree, count)
      if (now !== undefined) changed = true
      const bytes = now === undefined ? chunk : now.bytes
      if (bytes === undefined) continue
      chunks.push(bytes)
      counts.push(now === undefined ? count : now.count)
    }
    return changed ? this.make(chunks, counts, this.origin) : this.self()
  }

  private self(): Self {
    return this as unknown as Self
  }
}

/** Items that belong together, chunk by chunk. */
export class Group {
  readonly trees: Tree[] = []
  readonly items: number[][] = []

  add(tree: Tree, item: number): void {
    if (this.trees.at(-1) !== tree) {
      this.trees.push(tree)
      this.items.push([item])
    } else this.items.at(-1)!.push(item)
  }
}

/** Several chunks may be parts of one buffer, which is pinned once. */
export function retained(chunks: readonly Uint8Array[]): number {
  const buffers = new Set<ArrayBufferLike>()
  let bytes = 0
  for (const { buffer } of chunks) {
    if (buffers.has(buffer)) continue
    buffers.add(buffer)
    bytes += buffer.byteLength
  }
  return bytes
}
