/** Finds the exceptions that spans recorded. */
import { readValue } from '../../pipeline/data/any-value.ts'
import { WireAttributes } from '../../pipeline/data/attributes.ts'
import { chunkCounts } from '../../pipeline/data/batch.ts'
import { type PreparedKey, prepared } from '../../pipeline/data/key.ts'
import { NamedResources } from '../../pipeline/data/named-resources.ts'
import { Places } from '../../pipeline/data/place.ts'
import { SpanEventView, SpanView } from '../../pipeline/data/span.ts'
import { SpanScan } from '../../pipeline/data/span-scan.ts'
import type { Scope, Span, SpanEvent, Traces, Value } from '../../pipeline/data/telemetry.ts'
import { resourceLevel, scopeLevel, Tree } from '../../pipeline/data/tree.ts'
import { cursor, find, uvarint } from '../../pipeline/data/wire.ts'
import type { Dimension } from './config.ts'

export interface Found {
  readonly service: string
  readonly scope: Scope
  readonly span: Span
  readonly event: SpanEvent
  /** Those that have a value. */
  readonly dimensions: readonly (readonly [name: string, value: Value])[]
  /** The same for the exceptions of one scope of one resource. */
  readonly group: object
}

const eventName = new TextEncoder().encode('exception')
const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const codes = ['UNSET', 'OK', 'ERROR']

export class Finder {
  private readonly dimensions: readonly { readonly key: PreparedKey; readonly default: string | undefined }[]
  private readonly scan: SpanScan

  constructor(dimensions: readonly Dimension[]) {
    this.dimensions = dimensions.map(({ name, default: value }) => ({ key: prepared(name), default: value }))
    this.scan = new SpanScan(
      dimensions.map(({ name }) => name),
      true,
    )
  }

  /** Calls `nameless` with how many spans have a resource without `service.name`. */
  *in(batch: Traces, nameless: (spans: number) => void): Iterable<Found> {
    const counts = chunkCounts(batch)
    for (const [i, chunk] of batch.chunks.entries())
      yield* this.inChunk(new Tree('traces', chunk, counts[i]!), nameless)
  }

  private *inChunk(tree: Tree, nameless: (spans: number) => void): Iterable<Found> {
    const { bytes: b, items } = tree
    const { firstChild } = tree.levels[resourceLevel]!
    const scopes = tree.levels[scopeLevel]!
    const places = new Places(tree)
    const named = new NamedResources(tree, nameless)
    while (named.next()) {
      const { index, start, end } = named
      const service = typeof named.service === 'string' ? named.service : ''
      const ofResource = new WireAttributes(b, start, end, 10)
      for (let s = firstChild[index]!; s < firstChild[index + 1]!; s++) {
        const group = {}
        for (let i = scopes.firstChild[s]!; i < scopes.firstChild[s + 1]!; i++) {
          const { scan } = this
          scan.read(b, items.start[i]!, items.end[i]!)
          for (let e = 0; e < scan.eventCount; e++) {
            const [from, to] = [scan.events[e * 2]!, scan.events[e * 2 + 1]!]
            if (!isException(b, from, to)) continue
            const place = places.at(s)
            const event = new SpanEventView(b, from, to)
            yield {
              service,
              scope: place.scope,
              span: new SpanView(b, items.start[i]!, items.end[i]!, place),
              event,
              dimensions: this.values(b, event, ofResource),
              group,
            }
          }
        }
      }
    }
  }

  private values(b: Uint8Array, event: SpanEvent, resource: WireAttributes): Found['dimensions'] {
    const { scan } = this
    return this.dimensions.flatMap(({ key, default: byDefault }, slot) => {
      const start = scan.valueStart[slot]!
      const value =
        start >= 0
          ? readValue(b, start, scan.valueEnd[slot]!)
          : (event.attributes.get(key) ?? resource.get(key) ?? byDefault)
      return value === undefined ? [] : [[key.name, value] as const]
    })
  }
}

/** What metrics and logs both say of an exception. */
export function described({ service, span }: Found): [name: string, value: Value][] {
  const kind = kinds[span.kind]
  const code = codes[span.status.code]
  return [
    ['service.name', service],
    ['span.name', span.name],
    ['span.kind', kind === undefined ? '' : `SPAN_KIND_${kind}`],
    ['status.code', code === undefined ? '' : `STATUS_CODE_${code}`],
  ]
}

function isException(b: Uint8Array, start: number, end: number): boolean {
  const at = find(b, start, end, 18)
  if (at < 0 || uvarint(b, at) !== eventName.length) return false
  for (let i = 0; i < eventName.length; i++) if (b[cursor + i] !== eventName[i]) return false
  return true
}
