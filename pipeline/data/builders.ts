/** New batches, item by item. `resource` and `scope` open a new one; what is added next stands in it. */

import { fromChunks, noOrigin } from './batch.ts'
import {
  type AttributeSource,
  type EventInit,
  type ExponentialPointInit,
  type HistogramPointInit,
  type LinkInit,
  type LogRecordInit,
  messages,
  type NumberPointInit,
  type SpanInit,
  type SummaryPointInit,
  text,
  varint,
  writeAttributes,
  writeEvent,
  writeExponentialPoint,
  writeHistogramPoint,
  writeLink,
  writeLogRecord,
  writeNumberPoint,
  writeSpan,
  writeSummaryPoint,
} from './items.ts'
import { temporalities } from './metric.ts'
import { SpanEventView, SpanLinkView } from './span.ts'
import type { Logs, Metrics, Origin, Signal, SpanEvent, SpanLink, Temporality, Traces } from './telemetry.ts'
import { type Writer, written } from './writer.ts'

interface ResourceOptions {
  readonly schemaUrl?: string
}
interface ScopeOptions {
  readonly version?: string
  readonly attributes?: AttributeSource
  readonly schemaUrl?: string
}
export interface MetricOptions {
  readonly unit?: string
  readonly description?: string
  readonly metadata?: AttributeSource
}
export interface TemporalOptions extends MetricOptions {
  /** Cumulative unless given. */
  readonly temporality?: Temporality
}
export interface SumOptions extends TemporalOptions {
  readonly monotonic?: boolean
}

interface ScopeGroup {
  readonly head: Uint8Array
  readonly schemaUrl: string | undefined
  /** Encoded spans, log records or metrics. */
  readonly items: Uint8Array[]
}
interface ResourceGroup {
  readonly head: Uint8Array
  readonly schemaUrl: string | undefined
  readonly scopes: ScopeGroup[]
}

abstract class Builder {
  protected count = 0
  private readonly origin: Origin
  private readonly resources: ResourceGroup[] = []
  private current: ScopeGroup | undefined

  constructor(origin: Origin = noOrigin) {
    this.origin = origin
  }

  resource(attributes: AttributeSource = {}, options: ResourceOptions = {}): this {
    const head = written((to) => writeAttributes(to, 10, attributes))
    this.resources.push({ head, schemaUrl: options.schemaUrl, scopes: [] })
    this.current = undefined
    return this
  }

  scope(name: string, options: ScopeOptions = {}): this {
    const head = written((to) => {
      writeAttributes(to, 26, options.attributes)
      text(to, 18, options.version)
      text(to, 10, name)
    })
    if (this.resources.length === 0) this.resource()
    this.current = { head, schemaUrl: options.schemaUrl, items: [] }
    this.resources.at(-1)!.scopes.push(this.current)
    return this
  }

  protected add(items: number, write: (to: Writer) => void): void {
    const bytes = written(write)
    if (this.current === undefined) this.scope('')
    this.current!.items.push(bytes)
    this.count += items
  }

  protected chunk(): Uint8Array {
    return written((to) => messages(to, 10, this.resources, writeResource))
  }

  protected batch<S extends Signal>(signal: S) {
    return fromChunks(signal, [this.chunk()], [this.count], this.origin)
  }
}

function writeResource(to: Writer, group: ResourceGroup): void {
  text(to, 26, group.schemaUrl)
  messages(to, 18, group.scopes, writeScope)
  writeHead(to, group.head)
}

function writeScope(to: Writer, group: ScopeGroup): void {
  text(to, 26, group.schemaUrl)
  messages(to, 18, group.items, (_to, item) => to.bytes(item))
  writeHead(to, group.head)
}

function writeHead(to: Writer, head: Uint8Array): void {
  if (head.length > 0) messages(to, 10, [head], (_to, bytes) => to.bytes(bytes))
}

export class TracesBuilder extends Builder {
  span(span: SpanInit): this {
    this.add(1, (to) => writeSpan(to, span))
    return this
  }
  build(): Traces {
    return this.batch('traces')
  }
}

export class LogsBuilder extends Builder {
  record(record: LogRecordInit): this {
    this.add(1, (to) => writeLogRecord(to, record))
    return this
  }
  build(): Logs {
    return this.batch('logs')
  }
}

/** Points as a metric has them on the wire, so that a metric of very many can be written in steps, with other work in between. */
export class EncodedPoints<P> {
  readonly parts: Uint8Array[] = []
  count = 0
  private readonly write: (to: Writer, point: P) => void

  private constructor(write: (to: Writer, point: P) => void) {
    this.write = write
  }

  static ofNumbers(): EncodedPoints<NumberPointInit> {
    return new EncodedPoints(writeNumberPoint)
  }
  static ofHistograms(): EncodedPoints<HistogramPointInit> {
    return new EncodedPoints(writeHistogramPoint)
  }
  static ofExponentialHistograms(): EncodedPoints<ExponentialPointInit> {
    return new EncodedPoints(writeExponentialPoint)
  }

  add(points: readonly P[]): void {
    this.parts.push(written((to) => messages(to, 10, points, this.write)))
    this.count += points.length
  }
}

/** A list, or what `EncodedPoints` made of one. */
type Points<P> = readonly P[] | EncodedPoints<P>

export class MetricsBuilder extends Builder {
  gauge(name: string, points: readonly NumberPointInit[], options: MetricOptions = {}): this {
    return this.metric(name, options, 42, points, writeNumberPoint)
  }
  sum(name: string, points: Points<NumberPointInit>, options: SumOptions = {}): this {
    return this.metric(name, options, 58, points, writeNumberPoint, (to) => {
      varint(to, 24, options.monotonic ? 1 : 0)
      writeTemporality(to, options)
    })
  }
  histogram(name: string, points: Points<HistogramPointInit>, options: TemporalOptions = {}): this {
    return this.metric(name, options, 74, points, writeHistogramPoint, (to) => writeTemporality(to, options))
  }
  exponentialHistogram(name: string, points: Points<ExponentialPointInit>, options: TemporalOptions = {}): this {
    return this.metric(name, options, 82, points, writeExponentialPoint, (to) => writeTemporality(to, options))
  }
  summary(name: string, points: readonly SummaryPointInit[], options: MetricOptions = {}): this {
    return this.metric(name, options, 90, points, writeSummaryPoint)
  }
  build(): Metrics {
    return this.batch('metrics')
  }

  private metric<P>(
    name: string,
    options: MetricOptions,
    tag: number,
    points: Points<P>,
    writePoint: (to: Writer, point: P) => void,
    writeRest?: (to: Writer) => void,
  ): this {
    this.add(points instanceof EncodedPoints ? points.count : points.length, (to) => {
      writeAttributes(to, 98, options.metadata)
      const before = to.size
      writeRest?.(to)
      if (points instanceof EncodedPoints) for (const part of points.parts.toReversed()) to.bytes(part)
      else messages(to, 10, points, writePoint)
      to.message(tag, before)
      text(to, 26, options.unit)
      text(to, 18, options.description)
      text(to, 10, name)
    })
    return this
  }
}

function writeTemporality(to: Writer, { temporality = 'cumulative' }: TemporalOptions): void {
  varint(to, 16, temporalities.indexOf(temporality))
}

export function newTraces(origin?: Origin): TracesBuilder {
  return new TracesBuilder(origin)
}
export function newLogs(origin?: Origin): LogsBuilder {
  return new LogsBuilder(origin)
}
export function newMetrics(origin?: Origin): MetricsBuilder {
  return new MetricsBuilder(origin)
}

/** An event to put into `span.events` inside `edit`, or into a new span. */
export function spanEvent(event: EventInit): SpanEvent {
  const bytes = written((to) => writeEvent(to, event))
  return new SpanEventView(bytes, 0, bytes.length)
}
/** A link to put into `span.links` inside `edit`, or into a new span. */
export function spanLink(link: LinkInit): SpanLink {
  const bytes = written((to) => writeLink(to, link))
  return new SpanLinkView(bytes, 0, bytes.length)
}
