/** The cumulative series of what a connector counts: at most so many, and one more for all that finds no room. */
import type { WireAttributes } from '../data/attributes.ts'
import type { AttributeSource } from '../data/items.ts'
import { prepareAttributes, preparedBytes, preparedOf } from '../data/prepared-attributes.ts'

const overflowKey = 'otel.metric.overflow'

export interface Counted {
  attributes: WireAttributes
  readonly startUnixNano: bigint
  lastSeenMs: number
}
interface SavedCounted {
  readonly attributes: Uint8Array
  readonly startUnixNano: bigint
  readonly idleMs: number
}
/** `V` is what is counted. */
export interface SavedSeries<V> {
  readonly startUnixNano: bigint
  readonly series: readonly (readonly [key: string, values: SavedCounted & V])[]
}

export class CountedSeries<S extends Counted> {
  private readonly byKey = new Map<string, S>()
  private readonly maxSeries: number
  private readonly overflowed: () => void
  /** No series that is not there counts anything since then. */
  private startUnixNano: bigint

  /** `overflowed` hears of each count that finds no room. */
  constructor(limits: { readonly maxSeries: number; overflowed(): void }, startUnixNano: bigint) {
    this.maxSeries = limits.maxSeries
    this.overflowed = () => limits.overflowed()
    this.startUnixNano = startUnixNano
  }

  get size(): number {
    return this.byKey.size
  }

  get(key: string): S | undefined {
    return this.byKey.get(key)
  }

  values(): Iterable<S> {
    return this.byKey.values()
  }

  isOverflow(series: S): boolean {
    return series === this.byKey.get(overflowKey)
  }

  /** For a key that is not there: a new series, or where there is no room, that for what overflowed. */
  add(key: string, nowMs: number, attributes: () => AttributeSource, create: (counted: Counted) => S): S {
    const isFull = this.byKey.size >= this.maxSeries
    if (isFull) {
      this.overflowed()
      const overflow = this.byKey.get(overflowKey)
      if (overflow !== undefined) return overflow
    }
    const series = create({
      attributes: prepareAttributes(isFull ? { [overflowKey]: true } : attributes()),
      startUnixNano: this.startUnixNano,
      lastSeenMs: nowMs,
    })
    this.byKey.set(isFull ? overflowKey : key, series)
    return series
  }

  /** Forgets the series that nothing came to for long; the answer is how many. */
  expire(isStale: (lastSeenMs: number) => boolean, nowUnixNano: bigint): number {
    const before = this.byKey.size
    for (const [key, { lastSeenMs }] of this.byKey) if (isStale(lastSeenMs)) this.byKey.delete(key)
    // One that comes back counts from zero, which its start must say.
    if (this.byKey.size < before) this.startUnixNano = nowUnixNano
    return before - this.byKey.size
  }

  save<V>(nowMs: number, values: (series: S) => V): SavedSeries<V> {
    return {
      startUnixNano: this.startUnixNano,
      series: Array.from(this.byKey, ([key, series]) => {
        const { attributes, startUnixNano, lastSeenMs } = series
        const counted = { attributes: preparedBytes(attributes), startUnixNano, idleMs: nowMs - lastSeenMs }
        return [key, { ...values(series), ...counted }]
      }),
    }
  }

  restore<V>(
    { startUnixNano, series }: SavedSeries<V>,
    nowMs: number,
    create: (counted: Counted, values: V) => S,
  ): void {
    this.startUnixNano = startUnixNano
    for (const [key, values] of series) {
      const { attributes, startUnixNano, idleMs } = values
      const counted = { attributes: preparedOf(attributes), startUnixNano, lastSeenMs: nowMs - idleMs }
      this.byKey.set(key, create(counted, values))
    }
  }
}
