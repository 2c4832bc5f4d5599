/** Metrics that got a resource of their own, as a batch. */
import { fromChunks } from '../../pipeline/data/batch.ts'
import { messages, varint, writeAttributes } from '../../pipeline/data/items.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { Metrics, Origin, Resource, Scope, Value } from '../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'

interface GroupedMetrics {
  readonly resource: Resource
  readonly scope: Scope
  readonly labels: Readonly<Record<string, string>>
  readonly metrics: readonly MetricRewrite[]
}

export class Grouped {
  private readonly groups: GroupedMetrics[] = []

  add(group: GroupedMetrics): void {
    this.groups.push(group)
  }

  get isEmpty(): boolean {
    return this.groups.length === 0
  }

  /** To be called while the metrics may still be read: inside of `rewriteMetrics` or right after it. */
  batch(origin: Origin): Metrics {
    const chunk = written((to) => messages(to, 10, this.groups, writeGroup))
    let points = 0
    for (const { metrics } of this.groups) for (const { pointCount } of metrics) points += pointCount
    return fromChunks('metrics', [chunk], [points], origin)
  }
}

function writeGroup(to: Writer, { resource, scope, labels, metrics }: GroupedMetrics): void {
  const before = to.size
  messages(to, 18, metrics, (_to, metric) => metric.write(to))
  writeScope(to, scope)
  to.message(18, before)
  const head = to.size
  varint(to, 16, resource.droppedAttributesCount)
  writeAttributes(to, 10, labelled(resource, labels))
  if (to.size > head) to.message(10, head)
}

function labelled({ attributes }: Resource, labels: Readonly<Record<string, string>>): Record<string, Value> {
  const all = new Map<string, Value>([...attributes.entries()].reverse())
  for (const [name, value] of Object.entries(labels)) all.set(name, value)
  return Object.fromEntries(all)
}

/** As it stands on the wire. */
function writeScope(to: Writer, scope: Scope): void {
  const { b, start, end } = scope as unknown as { readonly b: Uint8Array; readonly start: number; readonly end: number }
  if (end > start) messages(to, 10, [scope], () => to.bytes(b, start, end))
}
