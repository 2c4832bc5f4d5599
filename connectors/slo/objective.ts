/** An objective as this connector works with it, wherever it was written. */

/** Which attribute values a point or its resource must have. */
export interface Condition {
  readonly key: string
  /** One of these texts. */
  readonly oneOf?: readonly string[]
  readonly matches?: RegExp
  /** The key is there, or is not. */
  readonly exists?: boolean
}

/** A metric of the stream, and what of it counts. */
export interface Source {
  readonly metric: string
  readonly attributes: readonly Condition[]
  readonly resource: readonly Condition[]
  /** Of a distribution: only values up to this, or above it, in the metric's unit. */
  readonly atMost?: number
  readonly above?: number
}

export type Operator = 'lte' | 'lt' | 'gte' | 'gt'

export type Indicator =
  | { readonly kind: 'bad'; readonly total: Source; readonly bad: Source; readonly seen?: Source }
  | { readonly kind: 'good'; readonly total: Source; readonly good: Source }
  /** Each value is good or bad. */
  | {
      readonly kind: 'threshold'
      readonly source: Source
      readonly op: Operator
      readonly value: number
      readonly seen?: Source
    }

/** Which entities an objective is about: each that fits is counted on its own. */
export interface Scope {
  readonly service: string
  readonly operation?: string
  readonly namespace?: string
  readonly environment?: string
  readonly cluster?: string
}

export interface Objective {
  /** Unique. */
  readonly name: string
  readonly scope: Scope
  /** Share that must be good. */
  readonly target: number
  readonly windowSeconds: number
  readonly indicator: Indicator
  /** Counts slices of time instead of occurrences. */
  readonly slices?: Slices
  /** What the bad ones did, for people: `failed`, `took more than 300 ms`. */
  readonly badWords: string
  /** What is counted: `request`, `reading`. */
  readonly noun: string
}

export interface Slices {
  readonly seconds: number
  /** Share of a slice that must be good for the slice to be good. */
  readonly target: number
}

/** What was counted belongs to a name and an indicator: the target may change and it stays right. */
export function objectiveKey({ name, scope, indicator, slices }: Objective): string {
  return JSON.stringify([name, scope, indicator, slices], (_key, value: unknown) =>
    value instanceof RegExp ? value.source : value,
  )
}

/** Share that may be bad. People write decimal shares: of 99.9 % it is 0.001 and not 0.00099999999999989. */
export function allowedShare({ target }: Pick<Objective, 'target'>): number {
  return Number((1 - target).toPrecision(12))
}
