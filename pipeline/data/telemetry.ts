/**
 * What flows through a pipeline: immutable batches over OTLP bytes. Types only; `traces.ts`, `metrics.ts` and `logs.ts` implement them.
 *
 * A batch is owned by the garbage collector: keep it, share it, merge it. There is no clone, no release and no pool.
 */

export type Signal = 'traces' | 'metrics' | 'logs' | 'profiles'

export interface Batches {
  traces: Traces
  metrics: Metrics
  logs: Logs
  profiles: Profiles
}
export type Batch = Batches[Signal]

/** What a batch counts, by signal: the nouns of `otelcol_receiver_accepted_spans` and its kin. */
export const itemNoun = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
  profiles: 'profile_samples',
} as const satisfies Record<Signal, string>

/** int64 reads as number when safe, else bigint. On writing, an integral number or bigint is an int; `double(3)` forces a double. */
export type Value =
  | null
  | string
  | boolean
  | number
  | bigint
  | Double
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value }

/** A number that is written as a double even when it is integral. Reads give one only where a number would lose that. */
export interface Double {
  readonly double: number
}

/** An attribute name whose bytes are prepared once. Plain strings work too; they are interned. */
export interface Key {
  readonly name: string
}

export type ValueType = 'empty' | 'string' | 'bool' | 'int' | 'double' | 'bytes' | 'array' | 'map'

export interface Attributes {
  readonly size: number
  /** Searches the wire and decodes one value. */
  get(key: Key | string): Value | undefined
  has(key: Key | string): boolean
  type(key: Key | string): ValueType | undefined
  entries(): Iterable<[string, Value]>
}
export interface EditableAttributes extends Attributes {
  set(key: Key | string, value: Value): void
  delete(key: Key | string): boolean
}

/** The item as `edit` hands it out: what the read view has, writable. */
export type Editable<T> = {
  -readonly [K in keyof T]: T[K] extends Attributes ? EditableAttributes : T[K]
}

export interface Resource {
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly schemaUrl: string
}
export interface Scope {
  readonly name: string
  readonly version: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly schemaUrl: string
}
/** Where an item stands. */
export interface In {
  readonly resource: Resource
  readonly scope: Scope
}
interface Common {
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly flags: number
}
export interface Span extends Common {
  /** 32 lower-case hex digits, or empty. */
  readonly traceId: string
  /** 16 lower-case hex digits, or empty. */
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  readonly kind: number
  readonly startUnixNano: bigint
  readonly endUnixNano: bigint
  readonly status: SpanStatus
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  readonly droppedEventsCount: number
  readonly droppedLinksCount: number
}
export interface SpanStatus {
  readonly code: number
  readonly message: string
}
export interface SpanEvent {
  readonly name: string
  readonly timeUnixNano: bigint
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
}
export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly flags: number
}
export interface LogRecord extends Common {
  readonly body: Value
  readonly severityNumber: number
  readonly severityText: string
  readonly eventName: string
  readonly timeUnixNano: bigint
  readonly observedUnixNano: bigint
  readonly traceId: string
  readonly spanId: string
}
export type MetricType = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary' | 'empty'
export type Temporality = 'none' | 'delta' | 'cumulative'
export interface Metric {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly monotonic: boolean
  readonly type: MetricType
  readonly temporality: Temporality
  readonly metadata: Attributes
}
export interface Point extends Common {
  readonly metric: Metric
  readonly timeUnixNano: bigint
  readonly startUnixNano: bigint
  /** Of a gauge or a sum. */
  readonly value: number | bigint | Double | undefined
  /** Of a histogram, an exponential histogram or a summary. */
  readonly distribution: Distribution | undefined
  readonly exemplars: readonly Exemplar[]
}
export interface Exemplar {
  readonly timeUnixNano: bigint
  readonly value: number | bigint | Double | undefined
  readonly traceId: string
  readonly spanId: string
  readonly filteredAttributes: Attributes
}
export interface Distribution {
  readonly count: bigint
  readonly sum: number | undefined
  readonly min: number | undefined
  readonly max: number | undefined
  /** Explicit bounds of a histogram; empty otherwise. */
  readonly bounds: Float64Array
  /** Bucket counts of a histogram; empty otherwise. */
  readonly counts: BigUint64Array
  readonly exponential: Exponential | undefined
  /** Of a summary; empty otherwise. */
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[]
}
export interface Exponential {
  readonly scale: number
  readonly zeroCount: bigint
  readonly zeroThreshold: number
  readonly positive: ExponentialBuckets
  readonly negative: ExponentialBuckets
}
export interface ExponentialBuckets {
  readonly offset: number
  readonly counts: BigUint64Array
}

/** Who sent a batch. Batches merge only when the metadata that the pipeline reads is equal; the disk queue keeps it. */
export interface Origin {
  /** The peer's address, as host:port. */
  readonly address?: string
  /** How it came in, for the `transport` attribute of the receiver's metrics: `grpc`, `http`, ... */
  readonly transport?: string
  /** Client metadata (headers), names in lower case; empty unless the receiver has `include_metadata`. */
  readonly metadata: ReadonlyMap<string, readonly string[]>
  readonly auth?: unknown
  /** The request's W3C trace context, for the engine's own spans. */
  readonly traceparent?: string
}

/** What every batch has, whatever its signal. */
export interface AnyTelemetry {
  readonly signal: Signal
  /** Spans, data points, log records or profile samples. */
  readonly count: number
  /** The sum of the chunks' lengths. */
  readonly byteLength: number
  /** Whether bytes are there; columns become bytes when somebody asks for them, which costs far more than the columns did. */
  readonly isEncoded: boolean
  readonly origin: Origin
  /** What keeping it really pins; memory limits count this. */
  readonly retainedBytes: number
  /** Each a valid `Export*ServiceRequest`, so that their concatenation is one too. Do not change them. */
  readonly chunks: readonly Uint8Array[]
}

export interface Telemetry<Self, Item, Plan, Columns> extends AnyTelemetry, Iterable<Item & In> {
  /** Itself when nothing goes. `empty` = whether resources and scopes go that came without items; those that lose all of theirs go anyhow. */
  filter(keep: (item: Item & In) => boolean, empty?: 'keep' | 'drop'): Self
  /** Splices what was set and copies the rest as byte ranges; itself when nothing was set. */
  edit(change: (item: Editable<Item> & In) => void): Self
  editResources(change: (resource: Editable<Resource>) => void): Self
  editScopes(change: (scope: Editable<Scope> & { readonly resource: Resource }) => void): Self
  groupBy(by: (item: Item & In) => string): Map<string, Self>
  /** In order, none larger than `maxItems`; itself when it fits. */
  slices(maxItems: number): Iterable<Self>
  /** Copies out: ten kept spans must not pin 4 MB. */
  compact(): Self
  withOrigin(origin: Origin): Self
  /** One scan, cached per plan, shared and read-only: copy before a transfer. */
  columns(plan: Plan): Columns
}
export interface Traces extends Telemetry<Traces, Span, RowPlan, SpanColumns> {
  readonly signal: 'traces'
  groupByTrace(): Iterable<{ traceId: string; spans: Traces }>
}
export interface Logs extends Telemetry<Logs, LogRecord, RowPlan, LogColumns> {
  readonly signal: 'logs'
}
export interface Metrics extends Telemetry<Metrics, Point, PointPlan, PointColumns> {
  readonly signal: 'metrics'
  editMetrics(change: (metric: Editable<Metric> & In) => void): Metrics
}
/**
 * Passed through unopened: counted and checked, not read. Each chunk has a dictionary of its own, so send chunks of profiles one by one:
 * their concatenation is not a request with the same meaning.
 */
export interface Profiles extends AnyTelemetry {
  readonly signal: 'profiles'
  slices(maxItems: number): Iterable<Profiles>
  compact(): Profiles
  withOrigin(origin: Origin): Profiles
}

/** Owned by the caller, so that ids are stable across batches and can index its state. Bounded: a full one answers 0 (overflow), counted. */
export interface Dictionary {
  readonly size: number
  readonly limit: number
  /** Texts that found the dictionary full. */
  readonly overflows: number
  id(text: string): number
  text(id: number): string
}
export interface RowPlan {
  readonly dictionary: Dictionary
  readonly attributes?: readonly Key[]
  readonly resource?: readonly Key[]
  /** Of spans: whether to read tracestates too. They may differ with each trace, and each takes its place in the dictionary. */
  readonly traceState?: boolean
}
export interface PointPlan extends RowPlan {
  /** Identity of resource, scope, metric and attributes. */
  readonly series: Dictionary
}
interface Rows {
  readonly length: number
  readonly timeLo: Uint32Array
  readonly timeHi: Uint32Array
  /**
   * Dictionary ids of that attribute's text, one a row; `absent` (0xffff_ffff, see dictionary.ts) where the item has none, 0 where the dictionary was full.
   * Only of keys that the plan names. A key named in both lists is the item's, or else its resource's.
   */
  attribute(key: Key): Uint32Array
}
export interface SpanColumns extends Rows {
  readonly name: Uint32Array
  readonly kind: Uint8Array
  readonly status: Uint8Array
  /** 0 for a span that ends before it starts, or never ended. */
  readonly durationNanos: Float64Array
  /** 4 words a row. */
  readonly traceId: Uint32Array
  /** 2 words a row. */
  readonly spanId: Uint32Array
  /** 2 words a row, zero for a root. */
  readonly parentId: Uint32Array
  /** Dictionary ids, `absent` where the span has none. Empty unless the plan asks for it. */
  readonly traceState: Uint32Array
}
/** The time of a record without one is the time at which it was observed. */
export interface LogColumns extends Rows {
  readonly severity: Uint8Array
  readonly bodyHash: Uint32Array
}
export interface PointColumns extends Rows {
  readonly series: Uint32Array
  /** Of a gauge or a sum; a distribution's sum, NaN where it has none. */
  readonly value: Float64Array
  /** An index into `pointTypes` of point-columns.ts. */
  readonly type: Uint8Array
}
