/**
 * The engine's own spans: one for each batch that a receiver brings, one for each export. Spans are tied to batches, not to call stacks, so a
 * queue in between loses nothing and nothing is paid while it is off: ask `isOn` before anything else.
 */
import type { Batch, Value } from '../data/telemetry.ts'
import type { SamplerSettings } from './settings.ts'
import { newId, type OwnSpan, parseTraceparent, preciseNowMs, type SpanContext } from './span.ts'
import { SpanRing } from './span-ring.ts'

type Attributes = Readonly<Record<string, Value>>
export interface TracerSettings {
  /** Who gets the sampled spans when they end. */
  readonly sinks: readonly { add(span: OwnSpan): void }[]
  readonly sampler: SamplerSettings
  readonly joinsRemote: boolean
}

const maxLinks = 128
const maxEvents = 128

export class Tracer {
  /** Whether somebody wants spans. */
  isOn = false
  readonly ring = new SpanRing()
  #settings: TracerSettings | undefined
  #watchers = 0
  readonly #spans = new WeakMap<Batch, OwnSpan>()

  /** A reload may change them; spans that run end under the new ones. */
  configure(settings: TracerSettings): void {
    this.#settings = settings
    this.#turn()
  }

  /** Keeps the last spans in `ring` until the answer is called. */
  watch(): () => void {
    this.#watchers++
    this.#turn()
    let isWatching = true
    return () => {
      if (!isWatching) return
      isWatching = false
      this.#watchers--
      if (this.#watchers === 0) this.ring.clear()
      this.#turn()
    }
  }

  /** The span of a batch that comes in; what is made of the batch later belongs to it. */
  received(name: string, batch: Batch, attributes: Attributes): OwnSpan {
    const { origin } = batch
    const header = this.#settings?.joinsRemote
      ? (origin.traceparent ?? origin.metadata.get('traceparent')?.[0])
      : undefined
    const span = this.#start(name, header === undefined ? undefined : parseTraceparent(header), [], attributes)
    this.#spans.set(batch, span)
    return span
  }

  /** The span of work on a batch, or on one merged from `parts`. */
  work(name: string, batch: Batch, parts: readonly Batch[], attributes: Attributes): OwnSpan {
    const own = this.#spans.get(batch)
    if (own !== undefined) return this.#start(name, own, [], attributes)
    const links = new Set<OwnSpan>()
    for (const part of parts) {
      const span = this.#spans.get(part)
      if (span !== undefined) links.add(span)
      if (links.size === maxLinks) break
    }
    const [only] = links
    // Of one request only: then it is as if nothing had been merged.
    return links.size === 1
      ? this.#start(name, only, [], attributes)
      : this.#start(name, undefined, [...links], attributes)
  }

  /** For the request that the span is about; undefined unless `propagators` has `tracecontext`. */
  traceparentOf({ traceId, spanId, isSampled }: OwnSpan): string | undefined {
    return this.#settings?.joinsRemote ? `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}` : undefined
  }

  /** `next` was made of `batch`. */
  follow(batch: Batch, next: Batch): void {
    if (batch === next) return
    const span = this.#spans.get(batch)
    if (span !== undefined) this.#spans.set(next, span)
  }

  event(batch: Batch, name: string, attributes: Attributes): void {
    const span = this.#spans.get(batch)
    if (span === undefined || span.endMs !== 0 || span.events.length >= maxEvents) return
    span.events.push({ name, atMs: preciseNowMs(), attributes })
  }

  end(span: OwnSpan, attributes: Attributes, error?: unknown): void {
    span.attributes = { ...span.attributes, ...attributes }
    if (error !== undefined) span.error = error instanceof Error ? error.message : 'failed'
    // Never 0: that says that it runs.
    span.endMs = Math.max(preciseNowMs(), span.startMs)
    if (this.#watchers > 0) this.ring.ended(span)
    if (span.isSampled) for (const sink of this.#settings?.sinks ?? []) sink.add(span)
  }

  #start(
    name: string,
    parent: SpanContext | undefined,
    links: readonly SpanContext[],
    attributes: Attributes,
  ): OwnSpan {
    const traceId = parent?.traceId ?? newId(16)
    const span: OwnSpan = {
      traceId,
      spanId: newId(8),
      isSampled: this.#isSampled(traceId, parent),
      isRemote: false,
      name,
      parent,
      links,
      startMs: preciseNowMs(),
      endMs: 0,
      attributes,
      events: [],
      error: undefined,
    }
    if (this.#watchers > 0) this.ring.started(span)
    return span
  }

  #isSampled(traceId: string, parent: SpanContext | undefined): boolean {
    if (this.#settings === undefined) return false
    const { sampler } = this.#settings
    if (parent === undefined) return isBelow(traceId, sampler.root)
    if (parent.isRemote) return isBelow(traceId, parent.isSampled ? sampler.remoteSampled : sampler.remoteNotSampled)
    return isBelow(traceId, parent.isSampled ? sampler.localSampled : sampler.localNotSampled)
  }

  #turn(): void {
    this.isOn = this.#watchers > 0 || (this.#settings?.sinks.length ?? 0) > 0
  }
}

/** By the random half of the id, as every SDK does, so that all who see a trace choose the same. */
function isBelow(traceId: string, ratio: number): boolean {
  return ratio >= 1 || (ratio > 0 && Number.parseInt(traceId.slice(16, 29), 16) / 2 ** 52 < ratio)
}
