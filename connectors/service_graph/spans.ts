/** Finds the spans that are ends of an edge, and what they say of it. */
import { asText, readKeyed, readValue } from '../../pipeline/data/any-value.ts'
import { findAttribute, foundEnd } from '../../pipeline/data/attributes.ts'
import { chunkCounts } from '../../pipeline/data/batch.ts'
import { type PreparedKey, prepared } from '../../pipeline/data/key.ts'
import { NamedResources } from '../../pipeline/data/named-resources.ts'
import { SpanScan } from '../../pipeline/data/span-scan.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { Tree } from '../../pipeline/data/tree.ts'
import { text } from '../../pipeline/data/wire.ts'
import type { Weight } from '../../pipeline/sampling/weight.ts'
import type { Edge } from './edge.ts'

const [server, client, producer, consumer] = [2, 3, 4, 5]
const statusError = 2
const noId = Buffer.alloc(8).toString('latin1')

export interface SpanReading {
  readonly dimensions: readonly string[]
  readonly peerAttributes: readonly string[]
  readonly databaseAttributes: readonly string[]
  readonly weight: Weight | undefined
  /** A span that is one end of the edge `key`. */
  upsert(key: string, update: (edge: Edge) => void): void
  /** Spans of a resource without `service.name`, which belong to no node. */
  nameless(spans: number): void
}

/** Whether the key of an edge has no id of a client's span: the server's is a root. */
export function isRoot(key: string): boolean {
  return key.endsWith(noId)
}

export class SpanReader {
  private readonly reading: SpanReading
  private readonly names: readonly string[]
  private readonly keys: readonly PreparedKey[]
  private readonly scan: SpanScan
  private readonly slots: { readonly dimensions: number[]; readonly peers: number[]; readonly databases: number[] }
  /** Of the attribute in each slot, in the resource at hand. */
  private ofResource: readonly (string | undefined)[] = []
  private service = ''
  private b: Uint8Array = new Uint8Array()
  private readonly asClient = (edge: Edge) => this.updateClient(edge)
  private readonly asServer = (edge: Edge) => this.updateServer(edge)

  constructor(reading: SpanReading) {
    this.reading = reading
    const { dimensions, peerAttributes, databaseAttributes } = reading
    this.names = [...new Set([...dimensions, ...peerAttributes, ...databaseAttributes])]
    this.keys = this.names.map((name) => prepared(name))
    this.scan = new SpanScan(this.names, false)
    const slotsOf = (names: readonly string[]) => names.map((name) => this.names.indexOf(name))
    this.slots = {
      dimensions: slotsOf(dimensions),
      peers: slotsOf(peerAttributes),
      databases: slotsOf(databaseAttributes),
    }
  }

  read(batch: Traces): void {
    const counts = chunkCounts(batch)
    for (const [i, chunk] of batch.chunks.entries()) this.readChunk(new Tree('traces', chunk, counts[i]!))
  }

  private readChunk(tree: Tree): void {
    const b = tree.bytes
    this.b = b
    const { items } = tree
    const named = new NamedResources(tree, (spans) => this.reading.nameless(spans))
    while (named.next()) {
      const { start, end, firstSpan, lastSpan } = named
      this.service = asText(named.service)
      this.ofResource = this.keys.map((key) => textOf(b, start, end, key))
      for (let i = firstSpan; i < lastSpan; i++) this.readSpan(items.start[i]!, items.end[i]!)
    }
  }

  private readSpan(start: number, end: number): void {
    const { b, scan, reading } = this
    scan.read(b, start, end)
    const { kind } = scan
    if (kind !== client && kind !== server && kind !== producer && kind !== consumer) return
    if (reading.weight !== undefined) {
      if (scan.stateEnd > scan.stateStart) reading.weight.of(text(b, scan.stateStart, scan.stateEnd))
      else reading.weight.none()
    }
    const isClient = kind === client || kind === producer
    const key = idText(b, scan.traceIdAt, 16) + idText(b, isClient ? scan.spanIdAt : scan.parentIdAt, 8)
    reading.upsert(key, isClient ? this.asClient : this.asServer)
  }

  private updateClient(edge: Edge): void {
    const { slots } = this
    this.update(edge, producer)
    edge.client = this.service
    edge.clientSeconds = this.scan.durationNanos / 1e9
    edge.clientDimensions = this.dimensions(edge.clientDimensions)
    for (const slot of slots.peers) {
      const peer = this.ofSpan(slot)
      if (peer === undefined) continue
      edge.peer = peer
      break
    }
    // A database sends no spans: what the client says is all there will be.
    for (const slot of slots.databases) {
      const name = this.ofResource[slot] ?? this.ofSpan(slot)
      if (name === undefined) continue
      edge.connectionType = 'database'
      edge.server = name
      edge.serverSeconds = edge.clientSeconds
      break
    }
  }

  private updateServer(edge: Edge): void {
    this.update(edge, consumer)
    edge.server = this.service
    edge.serverSeconds = this.scan.durationNanos / 1e9
    edge.serverDimensions = this.dimensions(edge.serverDimensions)
  }

  private update(edge: Edge, messaging: number): void {
    const { scan, reading } = this
    edge.connectionType = scan.kind === messaging ? 'messaging_system' : ''
    edge.failed ||= scan.status === statusError
    if (reading.weight !== undefined) edge.weight = Math.max(edge.weight, reading.weight.count)
  }

  /** What an earlier span of the same end said stays where this one says nothing. */
  private dimensions(before: readonly (string | undefined)[]): readonly (string | undefined)[] {
    return this.slots.dimensions.map((slot, i) => this.ofResource[slot] ?? this.ofSpan(slot) ?? before[i])
  }

  private ofSpan(slot: number): string | undefined {
    const start = this.scan.valueStart[slot]!
    return start < 0 ? undefined : asText(readValue(this.b, start, this.scan.valueEnd[slot]!))
  }
}

/** Of an attribute of the Resource message in [start, end). */
function textOf(b: Uint8Array, start: number, end: number, key: PreparedKey): string | undefined {
  const at = findAttribute(b, start, end, 10, key)
  return at < 0 ? undefined : asText(readKeyed(b, at, foundEnd))
}

/** One character a byte: shorter than hexadecimal, and as good a key. */
function idText(b: Uint8Array, at: number, length: number): string {
  return at < 0 ? '\0'.repeat(length) : latin1Slice.call(b, at, at + length)
}
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice: (this: Uint8Array, start: number, end: number) => string
}
