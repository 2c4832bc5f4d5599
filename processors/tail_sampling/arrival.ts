/** The spans of a request, trace by trace. */
import { chunkCounts } from '../../pipeline/data/batch.ts'
import { select } from '../../pipeline/data/select.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { groupTraces } from '../../pipeline/data/trace-groups.ts'
import { resourceLevel, Tree } from '../../pipeline/data/tree.ts'
import { find, uvarint } from '../../pipeline/data/wire.ts'
import type { HeldSpans, Part } from './held-spans.ts'
import type { Mark } from './mark.ts'

/** Of one trace. */
export class Spans {
  readonly traceId: string
  readonly count: number
  private readonly trees: readonly Tree[]
  private readonly items: readonly (readonly number[])[]

  constructor(traceId: string, trees: readonly Tree[], items: readonly (readonly number[])[]) {
    this.traceId = traceId
    this.trees = trees
    this.items = items
    let count = 0
    for (const of of items) count += of.length
    this.count = count
  }

  get hasRoot(): boolean {
    return this.trees.some(({ bytes, items: { start, end } }, t) =>
      this.items[t]!.some((i) => isRoot(bytes, start[i]!, end[i]!)),
    )
  }

  /** As upstream measures a trace: ResourceSpans without the framing of the request. */
  get sizeBytes(): number {
    let size = 0
    for (const { bytes } of this.chunks()) size += contentSize(bytes)
    return size
  }

  *chunks(): Iterable<{ readonly bytes: Uint8Array; readonly spans: number }> {
    for (const [t, tree] of this.trees.entries()) {
      const items = this.items[t]!
      yield { bytes: chunkOf(tree, items), spans: items.length }
    }
  }

  /** Copies them to where spans are held; the parts are linked. */
  hold(held: HeldSpans, origin: Traces['origin']): Part {
    let first: Part | undefined
    let last: Part | undefined
    for (let t = 0; t < this.trees.length; t++) {
      const tree = this.trees[t]!
      const items = this.items[t]!
      let part: Part
      if (items.length === tree.items.size) part = held.copy(tree.bytes, items.length, origin)
      else part = held.part(select(tree, items, 0, items.length, held.reserve).length, items.length, origin)
      if (last === undefined) first = part
      else last.next = part
      last = part
    }
    return first!
  }

  /** One for each resource, with where it stands in the request. */
  *byResource(): Iterable<{ readonly tree: Tree; readonly node: number; readonly spans: Spans }> {
    for (const [t, tree] of this.trees.entries())
      for (const [node, items] of Map.groupBy(this.items[t]!, (item) => tree.ancestor(item, resourceLevel)))
        yield { tree, node, spans: new Spans(this.traceId, [tree], [items]) }
  }
}

/** A request on its way in. It may have to wait for room in the middle. */
export class Arrival {
  readonly batch: Traces
  readonly traces: readonly Spans[]
  next = 0
  /** Spans of sampled traces that are no longer held. */
  readonly late: { readonly spans: Spans; readonly mark: Mark }[] = []
  lateSpans = 0
  notSampled = 0
  dropped = 0

  /** `isSplit`: each resource of a trace by itself, in the order in which they stand in the request. */
  constructor(batch: Traces, isSplit: boolean) {
    this.batch = batch
    const counts = chunkCounts(batch)
    const trees = batch.chunks.map((chunk, i) => new Tree('traces', chunk, counts[i]!))
    const all = groupTraces(trees).map(({ traceId, trees: of, items }) => new Spans(traceId, of, items))
    this.traces = isSplit ? splitByResource(trees, all) : all
  }

  addLate(spans: Spans, mark: Mark): void {
    this.late.push({ spans, mark })
    this.lateSpans += spans.count
  }
}

function splitByResource(trees: readonly Tree[], traces: readonly Spans[]): readonly Spans[] {
  const parts = traces.flatMap((spans) => [...spans.byResource()])
  const order = new Map(trees.map((tree, i) => [tree, i]))
  parts.sort((a, b) => order.get(a.tree)! - order.get(b.tree)! || a.node - b.node)
  return parts.map(({ spans }) => spans)
}

function chunkOf(tree: Tree, items: readonly number[]): Uint8Array {
  return items.length === tree.items.size ? tree.bytes : select(tree, items, 0, items.length)
}

const parentTag = 34

function isRoot(b: Uint8Array, start: number, end: number): boolean {
  const at = find(b, start, end, parentTag)
  if (at < 0) return true
  const length = uvarint(b, at)
  for (let i = 0; i < length; i++) if (b[at + 1 + i] !== 0) return false
  return true
}

function contentSize(chunk: Uint8Array): number {
  const { start, end, size } = new Tree('traces', chunk, 0).levels[resourceLevel]!
  let bytes = 0
  for (let i = 0; i < size; i++) bytes += end[i]! - start[i]!
  return bytes
}
