/** How many exceptions there were, by what is said of them. */
import { asText, double } from '../../pipeline/data/any-value.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { type Counted, CountedSeries, type SavedSeries } from '../../pipeline/streams/counted-series.ts'
import { described, type Found } from './found.ts'

const noTrace = '0'.repeat(32)
/** On a point, where metrics are sent at intervals; a point that is sent at once has those of its batch. */
const maxExemplars = 100

interface Exemplar {
  readonly traceId: string
  readonly spanId: string
  readonly value: number
}
interface Series extends Counted {
  count: number
  exemplars: Exemplar[]
}
export type SavedCounts = SavedSeries<{ readonly count: number; readonly exemplars: readonly Exemplar[] }>
export interface CountsOptions {
  readonly maxSeries: number
  /** 0 = never. */
  readonly expirationMs: number
  readonly hasExemplars: boolean
  overflowed(): void
}

export class Counts {
  private readonly options: CountsOptions
  private readonly series: CountedSeries<Series>

  constructor(options: CountsOptions, startUnixNano: bigint) {
    this.options = options
    this.series = new CountedSeries(options, startUnixNano)
  }

  get size(): number {
    return this.series.size
  }

  add(found: Found, nowMs: number): void {
    const key = keyOf(found)
    const series =
      this.series.get(key) ??
      this.series.add(
        key,
        nowMs,
        () => Object.fromEntries([...described(found), ...found.dimensions]),
        (counted) => ({ ...counted, count: 0, exemplars: [] }),
      )
    series.count++
    series.lastSeenMs = nowMs
    const { traceId, spanId } = found.span
    if (!this.options.hasExemplars || this.series.isOverflow(series) || traceId === '' || traceId === noTrace) return
    if (series.exemplars.length < maxExemplars) series.exemplars.push({ traceId, spanId, value: series.count })
  }

  /** Forgets the series that nothing came to for long; the answer is how many. */
  expire(nowMs: number, nowUnixNano: bigint): number {
    const { expirationMs } = this.options
    if (expirationMs <= 0) return 0
    return this.series.expire((lastSeenMs) => nowMs - lastSeenMs >= expirationMs, nowUnixNano)
  }

  /** Undefined when there is nothing; takes the exemplars. */
  build(timeUnixNano: bigint): Metrics | undefined {
    if (this.series.size === 0) return undefined
    const points = Array.from(this.series.values(), ({ attributes, startUnixNano, count, exemplars }) => ({
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
    return this.series.save(nowMs, ({ count, exemplars }) => ({ count, exemplars }))
  }

  restore(saved: SavedCounts, nowMs: number): void {
    this.series.restore(saved, nowMs, (counted, { count, exemplars }) => ({
      ...counted,
      count,
      exemplars: [...exemplars],
    }))
  }
}

/** Equal where upstream's is, and not where a dimension that is missing moves the next one into its place. */
function keyOf({ service, span, dimensions }: Found): string {
  let key = `${service}\0${span.name}\0${span.kind}\0${span.status.code}`
  for (const [name, value] of dimensions) key += `\0${name}\0${asText(value)}`
  return key
}
