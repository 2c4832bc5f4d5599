/** What goes on over a reload: traces that are not complete, who answers at which address, and what was counted and not sent. */
import { deserialize, serialize } from 'node:v8'
import type { Clock } from '../../pipeline/component.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import type { TraceFeatures } from './features.ts'
import { type Place, placeOf, type Shape, type SpanTexts } from './shape.ts'
import { writeMetrics } from './write.ts'

interface SavedShape {
  readonly place: number
  readonly kind: number
  readonly isRoot: boolean
  readonly texts: SpanTexts
}
interface SavedTrace {
  /** The words of its id, and the number of its origin. */
  readonly words: Uint32Array
  readonly isLate: boolean
  readonly baseLo: number
  readonly baseHi: number
  readonly shapes: Uint32Array
  readonly ids: Uint32Array
  /** `perSpan` each. */
  readonly numbers: Float64Array
}
interface SavedPeer {
  readonly origin: number
  readonly external: Entity & { readonly kind: 'external' }
  readonly service: Entity
  readonly isShared: boolean
}
interface State {
  readonly version: 1
  readonly origins: readonly Origin[]
  readonly places: readonly { readonly origin: number; readonly texts: readonly string[] }[]
  readonly shapes: readonly SavedShape[]
  readonly traces: readonly SavedTrace[]
  /** Words as those of a trace, one after another, of traces that are gone. */
  readonly gone: Uint32Array
  readonly peers: readonly SavedPeer[]
  readonly metrics: readonly SavedBatch<'metrics'>[]
}

/** Start, duration, weight, the same as a whole number, pane, failed. */
const perSpan = 6

/** Numbers things in the order in which they are met. */
class Numbered<T> {
  readonly list: T[] = []
  private readonly numbers = new Map<unknown, number>()

  of(identity: unknown, make: () => T): number {
    let number = this.numbers.get(identity)
    if (number === undefined) {
      number = this.list.length
      this.numbers.set(identity, number)
      this.list.push(make())
    }
    return number
  }
}

export async function saveState(features: TraceFeatures, clock: Clock): Promise<Uint8Array> {
  const origins = new Numbered<Origin>()
  const places = new Numbered<State['places'][number]>()
  const shapes = new Numbered<SavedShape>()
  const originOf = ({ key, origin }: Place['sender']) => origins.of(key, () => origin)
  const placeNumber = (place: Place) => places.of(place, () => ({ origin: originOf(place.sender), texts: place.texts }))
  const shapeNumber = (shape: Shape) => {
    const { place, kind, isRoot, texts } = shape
    return shapes.of(shape, () => ({ place: placeNumber(place), kind, isRoot, texts }))
  }
  const { spans } = features.waiting
  const traces: SavedTrace[] = []
  const gone: number[] = []
  for (const { words, count, isLate, first, baseLo, baseHi } of features.waiting.entries()) {
    const sender = count > 0 ? spans.shapes[first]!.place.sender : features.senderAt(words[4]!)
    if (sender === undefined) continue
    words[4] = originOf(sender)
    if (count === 0) {
      gone.push(...words)
      continue
    }
    const [ids, numbers] = [new Uint32Array(count * 4), new Float64Array(count * perSpan)]
    const ofShapes = new Uint32Array(count)
    for (let i = 0, span = first; i < count; i++, span = spans.next[span]!) {
      ofShapes[i] = shapeNumber(spans.shapes[span]!)
      ids.set(spans.ids.subarray(span * 4, span * 4 + 4), i * 4)
      const at = i * perSpan
      numbers[at] = spans.start[span]!
      numbers[at + 1] = spans.duration[span]!
      numbers[at + 2] = spans.weight[span]!
      numbers[at + 3] = spans.times[span]!
      numbers[at + 4] = spans.pane[span]!
      numbers[at + 5] = spans.failed[span]!
    }
    traces.push({ words, isLate, baseLo, baseHi, shapes: ofShapes, ids, numbers })
  }
  const peers: SavedPeer[] = []
  for (const { sender, external, answeredBy, isShared } of features.peers.values())
    if (answeredBy?.entity !== undefined)
      peers.push({ origin: originOf(sender), external, service: answeredBy.entity, isShared })
  const metrics: SavedBatch<'metrics'>[] = []
  for (const counted of features.take()) metrics.push(saved(await writeMetrics(counted, new Slices(clock))))
  return serialize({
    version: 1,
    origins: origins.list,
    places: places.list,
    shapes: shapes.list,
    traces,
    gone: Uint32Array.from(gone),
    peers,
    metrics,
  } satisfies State)
}

/** The answer is what the predecessor had not sent. */
export function restoreState(bytes: Uint8Array, features: TraceFeatures, clock: Clock): readonly Metrics[] {
  const { version, origins, places, shapes, traces, gone, peers, metrics } = deserialize(bytes) as Partial<State>
  if (version !== 1 || !origins || !places || !shapes || !traces || !gone || !peers || !metrics)
    throw new Error(`state of version ${String(version)} is not known here`)
  const nowMs = clock.nowMs()
  const senders = origins.map((origin) => features.senderOf(origin))
  const newPlaces = places.map(({ origin, texts }, i) =>
    placeOf(senders[origin]!.sender, texts, -1 - i, features.entities, nowMs),
  )
  const newShapes = shapes.map(({ place, kind, isRoot, texts }) =>
    features.shapes.of(newPlaces[place]!, kind, isRoot, texts, nowMs),
  )
  for (const { origin, external, service, isShared } of peers) {
    const { sender } = senders[origin]!
    const peer = features.peers.find(sender, external, nowMs)
    if (peer === undefined) break
    peer.answered(features.entities.find(sender, { ...service, kind: 'service' }, nowMs))
    if (isShared) peer.isShared = true
  }
  const senderOf = (words: Uint32Array) => senders[words[4]!]!.index
  for (let at = 0; at < gone.length; at += 5) {
    const words = gone.slice(at, at + 5)
    features.waiting.remember(words, 0, senderOf(words), nowMs)
  }
  for (const trace of traces) restoreTrace(trace, senderOf(trace.words), newShapes, features, nowMs)
  return metrics.map((batch) => batchOf(batch))
}

function restoreTrace(
  { words, isLate, baseLo, baseHi, shapes, ids, numbers }: SavedTrace,
  sender: number,
  newShapes: readonly Shape[],
  { waiting }: TraceFeatures,
  nowMs: number,
): void {
  if (isLate) waiting.remember(words, 0, sender, nowMs)
  const { spans } = waiting
  for (const [i, shape] of shapes.entries()) {
    const span = waiting.add(words, 0, sender, baseLo, baseHi, nowMs)
    spans.shapes[span] = newShapes[shape]!
    spans.ids.set(ids.subarray(i * 4, i * 4 + 4), span * 4)
    const [start, duration, weight, times, pane, failed] = numbers.subarray(i * perSpan, (i + 1) * perSpan)
    // Since the same first span as before.
    spans.start[span] = start!
    spans.duration[span] = duration!
    spans.weight[span] = weight!
    spans.times[span] = times!
    spans.pane[span] = pane!
    spans.failed[span] = failed!
  }
}
