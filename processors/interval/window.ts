/** The last point of each stream, as it stood on the wire, under its metric, scope and resource; written out as one request. */
import { identityOf } from '../../pipeline/data/identity.ts'
import { messages, text, varint, writeAttributes } from '../../pipeline/data/items.ts'
import { dataTags, temporalities } from '../../pipeline/data/metric.ts'
import type { In, Metric, Point, Resource, Scope } from '../../pipeline/data/telemetry.ts'
import { wireIdentity } from '../../pipeline/data/wire-identity.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'
import { metricId } from '../../pipeline/streams/identity.ts'

/** What the views of `pipeline/data` are: a message that stands in a chunk. */
interface OnWire {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
}
interface HeldPoint {
  timeUnixNano: bigint
  bytes: Uint8Array
}
interface HeldMetric {
  readonly fields: Pick<Metric, 'name' | 'description' | 'unit' | 'type' | 'temporality' | 'monotonic'>
  /** Encoded. */
  readonly metadata: Uint8Array
  readonly points: Map<string, HeldPoint>
  /** Of the points' attributes. */
  readonly attributesTag: number
}
interface HeldScope {
  readonly head: Uint8Array
  readonly schemaUrl: string
  readonly metrics: Map<string, HeldMetric>
}
interface HeldResource {
  readonly head: Uint8Array
  readonly schemaUrl: string
  readonly scopes: Map<string, HeldScope>
}

export class Window {
  /** Points, which are streams. */
  size = 0
  private readonly resources = new Map<string, HeldResource>()
  /** Neighbours have the same resource, scope and metric. */
  private lastResource: Resource | undefined
  private lastScope: Scope | undefined
  private lastMetric: Metric | undefined
  private resource: HeldResource | undefined
  private scope: HeldScope | undefined
  private metric: HeldMetric | undefined

  /** `new`: the first point of its stream; `replaced`, `late`: of two points one is gone, the older one. `full`: not taken. */
  take(point: Point & In, mayGrow: boolean): 'new' | 'replaced' | 'late' | 'full' {
    const metric = this.metricOf(point, mayGrow)
    if (metric === undefined) return 'full'
    const { points, attributesTag } = metric
    const { b, start, end } = point as unknown as OnWire
    const stream = wireIdentity(b, start, end, attributesTag)
    const held = points.get(stream)
    const { timeUnixNano } = point
    if (held === undefined) {
      if (!mayGrow) return 'full'
      points.set(stream, { timeUnixNano, bytes: bytesOf(point) })
      this.size++
      return 'new'
    }
    if (timeUnixNano <= held.timeUnixNano) return 'late'
    held.timeUnixNano = timeUnixNano
    // Points of a stream mostly have one length.
    if (held.bytes.length === end - start) held.bytes.set(b.subarray(start, end))
    else held.bytes = bytesOf(point)
    return 'replaced'
  }

  /** Views of a batch must not be kept longer than the batch. */
  forgetViews(): void {
    this.lastResource = undefined
    this.lastScope = undefined
    this.lastMetric = undefined
  }

  /** An `ExportMetricsServiceRequest`. */
  write(): Uint8Array {
    return written((to) => messages(to, 10, [...this.resources.values()], writeResource))
  }

  /** undefined = there is none, and it may not be added. */
  private metricOf({ resource, scope, metric }: Point & In, mayGrow: boolean): HeldMetric | undefined {
    if (metric === this.lastMetric) return this.metric
    const scopes = this.resourceOf(resource, mayGrow)?.scopes
    const metrics = scopes && this.scopeOf(scope, scopes, mayGrow)?.metrics
    if (metrics === undefined) return undefined
    const id = metricId(metric)
    let held = metrics.get(id)
    if (held === undefined) {
      if (!mayGrow) return undefined
      const { name, description, unit, type, temporality, monotonic, metadata } = metric
      held = {
        fields: { name, description, unit, type, temporality, monotonic },
        metadata: written((to) => writeAttributes(to, 98, metadata)),
        points: new Map(),
        attributesTag: type === 'histogram' ? 74 : type === 'exponential_histogram' ? 10 : 58,
      }
      metrics.set(id, held)
    }
    this.lastMetric = metric
    this.metric = held
    return held
  }

  private resourceOf(resource: Resource, mayGrow: boolean): HeldResource | undefined {
    if (resource === this.lastResource) return this.resource
    const id = identityOf(resource.attributes)
    let held = this.resources.get(id)
    if (held === undefined) {
      if (!mayGrow) return undefined
      held = { head: bytesOf(resource), schemaUrl: resource.schemaUrl, scopes: new Map() }
      this.resources.set(id, held)
    }
    this.lastResource = resource
    this.lastScope = undefined
    this.resource = held
    return held
  }

  private scopeOf(scope: Scope, scopes: Map<string, HeldScope>, mayGrow: boolean): HeldScope | undefined {
    if (scope === this.lastScope) return this.scope
    const id = `${scope.name.length}:${scope.name}${scope.version.length}:${scope.version}${identityOf(scope.attributes)}`
    let held = scopes.get(id)
    if (held === undefined) {
      if (!mayGrow) return undefined
      held = { head: bytesOf(scope), schemaUrl: scope.schemaUrl, metrics: new Map() }
      scopes.set(id, held)
    }
    this.lastScope = scope
    this.scope = held
    return held
  }
}

/** A copy: a few points must not pin their request. */
function bytesOf(view: object): Uint8Array {
  const { b, start, end } = view as OnWire
  return b.slice(start, end)
}

function writeResource(to: Writer, { head, schemaUrl, scopes }: HeldResource): void {
  text(to, 26, schemaUrl)
  messages(to, 18, [...scopes.values()].filter(hasPoints), writeScope)
  writeHead(to, head)
}

function hasPoints({ metrics }: HeldScope): boolean {
  for (const { points } of metrics.values()) if (points.size > 0) return true
  return false
}

function writeScope(to: Writer, { head, schemaUrl, metrics }: HeldScope): void {
  text(to, 26, schemaUrl)
  const held = [...metrics.values()].filter(({ points }) => points.size > 0)
  messages(to, 18, held, writeMetric)
  writeHead(to, head)
}

function writeHead(to: Writer, head: Uint8Array): void {
  if (head.length === 0) return
  const before = to.size
  to.bytes(head)
  to.message(10, before)
}

function writeMetric(to: Writer, { fields, metadata, points }: HeldMetric): void {
  const { name, description, unit, type, temporality, monotonic } = fields
  to.bytes(metadata)
  const before = to.size
  if (monotonic) varint(to, 24, 1)
  if (temporality !== 'none') varint(to, 16, temporalities.indexOf(temporality))
  messages(to, 10, [...points.values()], (_to, { bytes }) => to.bytes(bytes))
  to.message(dataTags[type], before)
  text(to, 26, unit)
  text(to, 18, description)
  text(to, 10, name)
}
