/** How many exceptions there were, by what is said of them. */
import { asText, double } from '../../pipeline/data/any-value.ts'
import { WireAttributes } from '../../pipeline/data/attributes.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { writeAttributes } from '../../pipeline/data/items.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { written } from '../../pipeline/data/writer.ts'
import { described, type Found } from './found.ts'

const overflowKey = 'otel.metric.overflow'
const noTrace = '0'.repeat(32)
/** On a point, where metrics are sent at intervals; a point that is sent at once has those of its batch. */
const maxExemplars = 100

interface Exemplar {
  readonly traceId: string
  readonly spanId: string
  readonly value: number
}
interface Series {
  readonly attributes: WireAttributes
  readonly startUnixNano: bigint
  count: number
  lastSeenMs: number
  exemplars: Exemplar[]
}
export interface SavedCounts {
  readonly startUnixNano: bigint
  readonly series: readonly (readonly [
    key: string,
    values: {
      readonly attributes: Uint8Array
      readonly startUnixNano: bigint
      readonly count: number
      readonly idleMs: number
      readonly exemplars: readonly Exemplar[]
    },
  ])[]
}
export interface CountsOptions {
  readonly maxSeries: number
  /** 0 = never. */
  readonly expirationMs: number
  readonly hasExemplars: boolean
  overflowed(): void
}

export class Counts {
  private readonly options: CountsOptions
  private readonly series = new Map<string, Series>()
  /** No series that is not there counts anything since then. */
  private startUnixNano: bigint

  constructor(options: CountsOptions, startUnixNano: bigint) {
    this.options = options
    this.startUnixNano = startUnixNano
  }

  get size(): number {
    return this.series.size
  }

  add(found: Found, nowMs: number): void {
    const key = keyOf(found)
    let series = this.series.get(key)
    const isOverflow = series === undefined && this.series.size >= this.options.maxSeries
    if (isOverflow) {
      this.options.overflowed()
      series = this.series.get(overflowKey)
    }
    if (series === undefined) {
      const attributes = isOverflow
        ? { [overflowKey]: true }
        : Object.fromEntries([...described(found), ...found.dimensions])
      series = {
        attributes: prepare(attributes),
        startUnixNano: this.startUnixNano,
        count: 0,
        lastSeenMs: nowMs,
        exemplars: [],
      }
      this.series.set(isOverflow ? overflowKey : key, series)
    }
    series.count++
    series.lastSeenMs = nowMs
    const { traceId, spanId } = found.span
    if (!this.options.hasExemplars || isOverflow || traceId === '' || traceId === noTrace) return
    if (series.exemplars.length < maxExemplars) series.exemplars.push({ traceId, spanId, value: series.count })
  }

  /** Forgets the series that nothing came to for long; the answer is how many. */
  expire(nowMs: number, nowUnixNano: bigint): number {
    const { expirationMs } = this.options
    if (expirationMs <= 0) return 0
    const before = this.series.size
    for (const [key, { lastSeenMs }] of this.series) if (nowMs - lastSeenMs >= expirationMs) this.series.delete(key)
    // One that comes back counts from zero, which its start must say.
    if (this.series.size < before) this.startUnixNano = nowUnixNano
    return before - this.series.size
  }

  /** Undefined when there is nothing; takes the exemplars. */
  build(timeUnixNano: bigint): Metrics | undefined {
    if (this.series.size === 0) return undefined
    const points = [...this.series.values()].map(({ attributes, startUnixNano, count, exemplars }) => ({
      attributes,
      startUnixNano,
      timeUnixNano,
      value: count,
      exemplars: exemplars.map(({ traceId, spanId, value }) => ({
        traceId,
        spanId,
        value: double(value),
        timeUnixNano,
      })),
    }))
    for (const series of this.series.values()) if (series.exemplars.length > 0) series.exemplars = []
    return newMetrics().resource().scope('exceptionsconnector').sum('exceptions', points, { monotonic: true }).build()
  }

  save(nowMs: number): SavedCounts {
    return {
      startUnixNano: this.startUnixNano,
      series: [...this.series].map(([key, { attributes, startUnixNano, count, lastSeenMs, exemplars }]) => [
        key,
        {
          attributes: written((to) => attributes.copy(to, 10)),
          startUnixNano,
          count,
          idleMs: nowMs - lastSeenMs,
          exemplars,
        },
      ]),
    }
  }

  restore({ startUnixNano, series }: SavedCounts, nowMs: number): void {
    this.startUnixNano = startUnixNano
    for (const [key, { attributes, startUnixNano, count, idleMs, exemplars }] of series)
      this.series.set(key, {
        attributes: viewOf(attributes),
        startUnixNano,
        count,
        lastSeenMs: nowMs - idleMs,
        exemplars: [...exemplars],
      })
  }
}

/** Equal where upstream's is, and not where a dimension that is missing moves the next one into its place. */
function keyOf({ service, span, dimensions }: Found): string {
  let key = `${service}\0${span.name}\0${span.kind}\0${span.status.code}`
  for (const [name, value] of dimensions) key += `\0${name}\0${asText(value)}`
  return key
}

function prepare(attributes: { readonly [name: string]: Value }): WireAttributes {
  return viewOf(written((to) => writeAttributes(to, 10, attributes)))
}

function viewOf(bytes: Uint8Array): WireAttributes {
  return new WireAttributes(bytes, 0, bytes.length, 10)
}
