/** Counts spans when they come, and whole traces when they are complete. */
import type { Context } from '../../pipeline/component.ts'
import type { Origin, SpanColumns, Traces } from '../../pipeline/data/telemetry.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'
import { type Cell, Ledger, Measure } from './cell.ts'
import type { Config, Kind } from './config.ts'
import type { Crossing } from './crossings.ts'
import { Entities, type EntitySeries, type Sender } from './entities.ts'
import { Peers } from './peers.ts'
import { RowReader } from './rows.ts'
import { edgeBetween, type Shape, Shapes } from './shape.ts'
import { TraceReader } from './trace.ts'
import { hashOf, WaitingTraces } from './waiting.ts'

const paneNanos = paneSeconds * 1e9
/** The last one whose end is a time that OTLP can say. */
const lastPane = Math.floor(2 ** 64 / paneNanos) - 1
/** Counts that wait, over all entities: more are sent at once. */
const maxPending = 200_000
/** Senders that are kept apart at a time. */
const maxSenders = 10_000

/** What is counted of one sender, with whose it is decided. */
export interface Counted {
  readonly sender: Sender
  readonly cells: readonly (readonly [EntitySeries, Cell])[]
  readonly crossings: readonly Crossing[]
}

export class TraceFeatures {
  readonly entities: Entities
  readonly peers: Peers
  readonly shapes: Shapes
  readonly waiting: WaitingTraces
  readonly rows: RowReader
  readonly traces: TraceReader
  private readonly context: Context
  private readonly settings: Config
  private readonly ledger = new Ledger()
  private readonly measure = new Measure()
  private senders = new Map<string, { readonly sender: Sender; readonly index: number }>()
  private nextSender = 0
  /** Spans of entities for which there was no room, by kind. */
  readonly overflowed: Record<Kind, number>

  constructor(settings: Config, context: Context, onExpired: (count: number) => void) {
    this.settings = settings
    this.context = context
    const { limits } = settings
    this.entities = new Entities(
      {
        limits,
        maxOperationsPerService: settings.max_operations_per_service,
        maxQueriesPerDatabase: settings.max_queries_per_database,
        expirationMs: settings.entity_expiration,
      },
      onExpired,
    )
    this.peers = new Peers(2 * (limits.external + limits.service))
    this.shapes = new Shapes(this.entities, this.peers)
    this.rows = new RowReader(this.entities, this.shapes)
    this.waiting = new WaitingTraces(
      {
        waitMs: settings.wait,
        maxTraces: settings.max_traces,
        maxSpans: settings.max_spans,
        maxSpansPerTrace: settings.max_spans_per_trace,
        maxBytes: settings.max_bytes,
      },
      context.clock.nowMs(),
      (trace) => this.traces.read(trace, context.clock.nowMs()),
    )
    this.traces = new TraceReader(this.waiting.spans, this.ledger, this.entities, settings.max_crossed)
    this.overflowed = Object.fromEntries(Object.keys(limits).map((kind) => [kind, 0])) as Record<Kind, number>
  }

  /** So much waits that it should be sent now. */
  get isFull(): boolean {
    return this.ledger.size >= maxPending
  }

  add(batch: Traces): void {
    const nowMs = this.context.clock.nowMs()
    this.ledger.nowMs = nowMs
    const { sender, index } = this.senderOf(batch.origin)
    const { rows } = this
    const columns = rows.open(batch, sender, index)
    let nameless = 0
    for (let row = 0; row < columns.length; row++) {
      const shape = rows.shape(row, nowMs)
      if (shape === undefined) nameless++
      else this.addSpan(columns, row, shape, index, nowMs)
    }
    if (nameless > 0) this.context.dropped(nameless, 'no_service_name', 'intended')
  }

  /** Completes the traces that are due; false when it should be called again. */
  tick(isOver: () => boolean): boolean {
    const nowMs = this.context.clock.nowMs()
    this.ledger.nowMs = nowMs
    return this.waiting.tick(nowMs, isOver)
  }

  /** Forgets what was silent for long. */
  sweep(): void {
    const nowMs = this.context.clock.nowMs()
    this.peers.sweep(nowMs - this.settings.entity_expiration)
    if (this.entities.sweep(nowMs, false)) this.rows.forget()
    if (this.senders.size > maxSenders / 2) {
      this.senders = new Map()
      this.rows.forget()
    }
  }

  /** Completes every trace, whether or not more of it may come. */
  drain(): void {
    this.waiting.drain(this.context.clock.nowMs())
  }

  /** Everything that was counted since the last time, by sender; calls that nobody answered are now somebody's. */
  take(): readonly Counted[] {
    const nowMs = this.context.clock.nowMs()
    const { cells, crossings } = this.ledger.take()
    const bySender = new Map<Sender, { sender: Sender; cells: [EntitySeries, Cell][]; crossings: Crossing[] }>()
    const of = (sender: Sender) => {
      let counted = bySender.get(sender)
      if (counted === undefined) bySender.set(sender, (counted = { sender, cells: [], crossings: [] }))
      return counted
    }
    for (const cell of cells) {
      if ('kind' in cell.of) {
        of(cell.of.sender).cells.push([cell.of, cell])
        continue
      }
      const { caller, peer } = cell.of
      const target = peer.service ?? this.entities.find(peer.sender, peer.external, nowMs)
      const into = of(caller.sender).cells
      into.push([edgeBetween(this.entities, caller, target, 'call', nowMs), cell])
      if (peer.service === undefined) into.push([target, cell])
    }
    for (const crossing of crossings) of(crossing.of.operation.sender).crossings.push(crossing)
    return [...bySender.values()]
  }

  /** Undefined for one that was forgotten. */
  senderAt(index: number): Sender | undefined {
    for (const known of this.senders.values()) if (known.index === index) return known.sender
    return undefined
  }

  senderOf(origin: Origin): { readonly sender: Sender; readonly index: number } {
    const key = this.context.originKey(origin)
    let known = this.senders.get(key)
    if (known === undefined) {
      if (this.senders.size >= maxSenders) this.senders = new Map()
      known = { sender: { key, origin }, index: this.nextSender++ }
      this.senders.set(key, known)
    }
    return known
  }

  private addSpan(columns: SpanColumns, row: number, shape: Shape, sender: number, nowMs: number): void {
    const { traceId, spanId, parentId, timeLo, timeHi, durationNanos } = columns
    const lo = timeLo[row]!
    const hi = timeHi[row]!
    const nanos = durationNanos[row]!
    const pane = paneAt(hi, lo, nanos)
    const weight = this.rows.weight(row)
    const failed = this.rows.failed(row)
    const times = weight === 1 ? 1 : wholeOf(weight, hashOf(traceId, row * 4, 0))
    const { counted } = shape
    if (counted.length > 0) {
      this.measure.set(nanos, times)
      for (let i = 0; i < counted.length; i++) {
        const series = counted[i]!
        series.cells.at(pane, this.ledger).count(weight, failed, this.measure)
        if (series.isOverflow) this.overflowed[series.kind]++
      }
    }
    const id = row * 4
    if (traceId[id] === 0 && traceId[id + 1] === 0 && traceId[id + 2] === 0 && traceId[id + 3] === 0) return
    const { waiting } = this
    const { spans } = waiting
    const span = waiting.add(traceId, id, sender, lo, hi, nowMs)
    spans.shapes[span] = shape
    spans.ids[span * 4] = spanId[row * 2]!
    spans.ids[span * 4 + 1] = spanId[row * 2 + 1]!
    spans.ids[span * 4 + 2] = parentId[row * 2]!
    spans.ids[span * 4 + 3] = parentId[row * 2 + 1]!
    spans.duration[span] = nanos
    spans.weight[span] = weight
    spans.times[span] = times
    spans.pane[span] = pane
    spans.failed[span] = failed ? 1 : 0
  }
}

/** The pane in which a span ended, exactly: its start in halves of nanoseconds and its duration. */
function paneAt(hi: number, lo: number, nanos: number): number {
  let pane = Math.floor((hi * 0x1_0000_0000 + lo + nanos) / paneNanos)
  // The time as one number is not exact; the begin of a pane is.
  const begin = pane * paneNanos
  const beginHi = Math.floor(begin / 0x1_0000_0000)
  const into = (hi - beginHi) * 0x1_0000_0000 + (lo - (begin - beginHi * 0x1_0000_0000)) + nanos
  if (into < 0) pane--
  else if (into >= paneNanos) pane++
  return Math.min(pane, lastPane)
}

/** A whole number that is `weight` on average, the same for all spans of a trace, wherever they are counted. */
function wholeOf(weight: number, hash: number): number {
  const whole = Math.floor(weight)
  return (hash >>> 0) / 0x1_0000_0000 < weight - whole ? whole + 1 : whole
}
