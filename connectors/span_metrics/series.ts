/** What is counted: series, and the resources that they belong to. */
import type { WireAttributes } from '../../pipeline/data/attributes.ts'
import type { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'

export const kinds = ['calls', 'durations', 'events'] as const
/** `durations` are part of `calls` where both have the same dimensions. */
export type SeriesKind = (typeof kinds)[number]

export interface SeriesExemplar {
  readonly traceId: string
  readonly spanId: string
  readonly value: number
}
/** What of a series is not in its row. */
export interface Series {
  /** Its place in the table, which may change at each sweep. */
  id: number
  readonly attributes: WireAttributes
  readonly startUnixNano: bigint
  /** Its first cumulative value is sent as 0, so that a backend sees it rise. */
  isFirst: boolean
  exponential: ExponentialHistogram | undefined
  /** Whether a snapshot that is not written yet has the histogram too, which must then stay as it is. */
  isShared: boolean
  exemplars: SeriesExemplar[]
  isLive: boolean
}

export interface ResourceSeries {
  /** Begins the keys of its series; never used again. */
  readonly number: number
  /** Equal for equal resources. */
  readonly identity: string
  readonly attributes: WireAttributes
  lastSeenMs: number
  readonly calls: Series[]
  readonly durations: Series[]
  readonly events: Series[]
}

/** Resources in the order in which they were last seen. What is beyond the limit is kept apart until it was sent once more. */
export class Resources {
  readonly kept = new Map<string, ResourceSeries>()
  readonly leaving = new Map<string, ResourceSeries>()
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  get(identity: string): ResourceSeries | undefined {
    const found = this.kept.get(identity) ?? this.leaving.get(identity)
    if (found === undefined) return undefined
    this.kept.delete(identity)
    this.leaving.delete(identity)
    this.add(found)
    return found
  }

  /** The answer is the resource that had to leave for it. */
  add(resource: ResourceSeries): ResourceSeries | undefined {
    this.kept.set(resource.identity, resource)
    if (this.kept.size <= this.limit) return undefined
    const [oldest] = this.kept.values()
    this.leave(oldest!)
    return oldest
  }

  leave(resource: ResourceSeries): void {
    this.kept.delete(resource.identity)
    this.leaving.set(resource.identity, resource)
  }

  *[Symbol.iterator](): Iterator<ResourceSeries> {
    yield* this.kept.values()
    yield* this.leaving.values()
  }
}
