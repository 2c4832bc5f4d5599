/** What recorded traces and logs show of the nodes: where the time went, whose own errors they are, what no longer follows what. */

import type { LogLines } from '../../models/root-cause/log-patterns.ts'
import { surpriseOfZ, twoRatiosZ } from '../../models/root-cause/two-samples.ts'
import type { Clock } from '../../pipeline/component.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { Slices } from '../../pipeline/slices.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { resourceEntities } from '../../pipeline/vocabulary/span-entities.ts'
import type { RecordedSpans } from './recorded-spans.ts'
import type { Surroundings } from './surroundings.ts'

export interface OwnErrors {
  readonly node: number
  readonly surprise: number
  readonly effect: number
  /** Shares of its spans. */
  readonly before: number
  readonly after: number
  /** A span that failed by itself. */
  readonly traceId: string
  readonly spanId: string
}

interface Counted {
  readonly total: Float64Array
  readonly own: Float64Array
  readonly example: Int32Array
}

/** Spans that failed while nothing that they called had: of services and of stores. A node with spans before and after is always in it. */
export function ownErrors(normal: RecordedSpans, fault: RecordedSpans, nodes: number): readonly OwnErrors[] {
  const before = countOwn(normal, nodes)
  const after = countOwn(fault, nodes)
  const found: OwnErrors[] = []
  for (let node = 0; node < nodes; node++) {
    const [n, m] = [before.total[node]!, after.total[node]!]
    if (n === 0 || m === 0) continue
    const z = twoRatiosZ(before.own[node]!, n, after.own[node]!, m)
    const [share, now] = [before.own[node]! / n, after.own[node]! / m]
    const example = after.example[node]!
    found.push({
      node,
      surprise: z > 0 ? surpriseOfZ(z) : 0,
      effect: Math.max(0, now - share),
      before: share,
      after: now,
      traceId: example < 0 ? '' : fault.traceIds[example]!,
      spanId: example < 0 ? '' : fault.spanIds[example]!,
    })
  }
  return found
}

/** By trace, not by span: a request that fails in a loop has failed once. */
function countOwn({ spans, service, hasFailed }: RecordedSpans, nodes: number): Counted {
  const n = service.length
  const calleeFailed = new Uint8Array(n)
  for (let row = 0; row < n; row++)
    if (hasFailed[row] === 1 && spans.parent[row]! >= 0) calleeFailed[spans.parent[row]!] = 1
  const seen = new Map<number, boolean>()
  const total = new Float64Array(nodes)
  const own = new Float64Array(nodes)
  const example = new Int32Array(nodes).fill(-1)
  for (let row = 0; row < n; row++) {
    const node = service[row]!
    if (node < 0) continue
    const key = spans.trace[row]! * nodes + node
    const isOwn = hasFailed[row] === 1 && calleeFailed[row] === 0
    const known = seen.get(key)
    if (known === undefined) total[node]!++
    if (isOwn && known !== true) {
      own[node]!++
      example[node] = row
    }
    seen.set(key, known === true || isOwn)
  }
  return { total, own, example }
}

/** Template numbers that stay the same between the windows of one diagnosis. */
export class TemplateNumbers {
  readonly texts: string[] = []
  readonly #numbers = new Map<string, number>()

  of(id: string, text: string): number {
    let number = this.#numbers.get(id)
    if (number === undefined) this.#numbers.set(id, (number = this.texts.push(text) - 1))
    return number
  }
}

/** Lines that carry a template, in (from, until]; those of a recorded span know it. */
export async function recordedLines(
  logs: Logs,
  { rowOfSpan, spans }: RecordedSpans,
  around: Surroundings,
  templates: TemplateNumbers,
  range: { readonly from: bigint; readonly until: bigint },
  clock: Clock,
): Promise<LogLines> {
  const slices = new Slices(clock)
  const span: number[] = []
  const node: number[] = []
  const template: number[] = []
  const time: number[] = []
  const homes = new WeakMap<object, number>()
  for (const record of logs) {
    if (slices.isOver) await slices.pause()
    const at = record.timeUnixNano === 0n ? record.observedUnixNano : record.timeUnixNano
    if (at <= range.from || at > range.until) continue
    const id = record.attributes.get('log.template.id')
    if (id === undefined) continue
    let home = homes.get(record.resource)
    if (home === undefined) {
      const { of } = resourceEntities(record.resource)
      home = of === undefined ? -1 : around.numberOf(entityId(of))
      homes.set(record.resource, home)
    }
    const row = record.spanId === '' ? -1 : (rowOfSpan.get(`${record.traceId}${record.spanId}`) ?? -1)
    span.push(row)
    node.push(row < 0 ? home : spans.node[row]!)
    template.push(templates.of(asText(id), asText(record.attributes.get('log.template') ?? '')))
    time.push(Number(at) / 1e9)
  }
  return {
    span: Int32Array.from(span),
    node: Int32Array.from(node),
    template: Int32Array.from(template),
    time: Float64Array.from(time),
  }
}
