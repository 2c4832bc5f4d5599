/** Answers questions to a ring: reads the records that may have what is asked for, and takes out of them what is. */
import type { CrossingQuery, RecordedQuery } from '../../pipeline/capability/flight-recorder.ts'
import type { Clock } from '../../pipeline/component.ts'
import { concat, fromChunks, noOrigin } from '../../pipeline/data/batch.ts'
import type { Batches, In, LogRecord, Point, Span, Traces } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { type Crossing, crosses } from '../../pipeline/vocabulary/crossing.ts'
import type { RecordedSignal } from './record.ts'
import type { Ring } from './ring.ts'
import { markOf } from './scan.ts'
import type { Recorded } from './segment.ts'

const defaultMaxBytes = 32 * 1024 * 1024
const nanosPerMs = 1_000_000n

type Item = (Span | LogRecord | Point) & In

export async function read<S extends RecordedSignal>(
  ring: Ring,
  signal: S,
  query: RecordedQuery,
  clock: Clock,
): Promise<Batches[S]> {
  const { traceIds, entity, maxBytes = defaultMaxBytes } = query
  const ids = traceIds === undefined ? undefined : new Set(traceIds)
  const marks = traceIds === undefined ? undefined : Uint32Array.from(traceIds, markOf).sort()
  const crossing = entity === undefined ? undefined : crosses(entity)
  const isWanted = (item: Item) =>
    (ids === undefined || ids.has((item as Span).traceId)) &&
    isWithin(item, query) &&
    (crossing === undefined || crossing.matches(item))
  const found: Batches[S][] = []
  let bytes = 0
  const slices = new Slices(clock)
  for (const [segment, record] of ring.records((one) => mayHave(one, signal, query, marks, crossing))) {
    const body = await segment.read(record)
    if (body === undefined) continue
    const batch = fromChunks(signal, [body], [record.items])
    const part = batch.filter(isWanted as never, 'drop').compact() as Batches[S]
    if (part.count > 0) found.push(part)
    bytes += part.byteLength
    if (bytes >= maxBytes) break
    if (slices.isOver) await slices.pause()
  }
  return concat(signal, found.toReversed(), noOrigin)
}

/** All of the traces that crossed an entity, the newest of them first if not all have room. */
export async function readThrough(ring: Ring, query: CrossingQuery, clock: Clock): Promise<Traces> {
  const { entity, maxTraces, maxBytes = defaultMaxBytes } = query
  const crossing = crosses(entity)
  const ids = new Set<string>()
  const slices = new Slices(clock)
  for (const [segment, record] of ring.records((one) => mayHave(one, 'traces', query, undefined, crossing))) {
    if (ids.size >= maxTraces) break
    const body = await segment.read(record)
    if (body === undefined) continue
    for (const span of fromChunks('traces', [body], [record.items])) {
      if (!isWithin(span, query) || !crossing.matches(span)) continue
      if (ids.size < maxTraces && span.traceId !== '') ids.add(span.traceId)
    }
    if (slices.isOver) await slices.pause()
  }
  if (ids.size === 0) return concat('traces', [], noOrigin)
  return read(ring, 'traces', { traceIds: [...ids], maxBytes }, clock)
}

function mayHave(
  record: Recorded,
  signal: RecordedSignal,
  { fromUnixNano, untilUnixNano }: RecordedQuery,
  marks: Uint32Array | undefined,
  crossing: Crossing | undefined,
): boolean {
  if (record.signal !== signal) return false
  if (fromUnixNano !== undefined && record.untilMs < Number(fromUnixNano / nanosPerMs)) return false
  if (untilUnixNano !== undefined && record.fromMs > Number(untilUnixNano / nanosPerMs) + 1) return false
  if (crossing?.service !== undefined && !record.services.has(crossing.service)) return false
  return marks === undefined || haveCommon(record.marks, marks)
}

/** Both sorted: looks the fewer ones up in the others. */
function haveCommon(a: Uint32Array, b: Uint32Array): boolean {
  const [few, many] = a.length < b.length ? [a, b] : [b, a]
  for (let i = 0; i < few.length; i++) {
    let low = 0
    let high = many.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (many[middle]! < few[i]!) low = middle + 1
      else high = middle
    }
    if (many[low] === few[i]) return true
  }
  return false
}

function isWithin(item: Item, { fromUnixNano, untilUnixNano }: RecordedQuery): boolean {
  if (fromUnixNano === undefined && untilUnixNano === undefined) return true
  const span = item as Partial<Span>
  const end = span.endUnixNano ?? timeOf(item)
  const start = span.endUnixNano === undefined ? end : (span.startUnixNano ?? end)
  return (fromUnixNano === undefined || end >= fromUnixNano) && (untilUnixNano === undefined || start <= untilUnixNano)
}

function timeOf(item: Item): bigint {
  const { timeUnixNano, observedUnixNano } = item as LogRecord
  return timeUnixNano === 0n ? (observedUnixNano ?? 0n) : timeUnixNano
}
