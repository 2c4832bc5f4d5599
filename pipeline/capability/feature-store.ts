/**
 * What a feature store offers: what was measured and said of each entity, the graph between them, and events. Reads are asynchronous and as of a
 * time: an answer never contains what came after it. Times are event times.
 */
import type { Logs, Metrics } from '../data/telemetry.ts'
import type { Entity, EntityKind } from '../vocabulary/entity.ts'
import type { Envelope, EventName } from '../vocabulary/event.ts'
import { type Capability, capability } from './capability.ts'

export interface EntityFilter {
  readonly kinds?: readonly EntityKind[]
  /** Of the service, or the service that they are a part of. */
  readonly service?: string
  readonly namespace?: string
  readonly environment?: string
  readonly cluster?: string
  /** Only those that something came of at this time or later. */
  readonly seenSinceUnixNano?: bigint
  /** Only those that were known by then. */
  readonly asOfUnixNano?: bigint
}
export interface KnownEntity {
  /** `entityId` */
  readonly id: string
  readonly entity: Entity
  readonly firstSeenUnixNano: bigint
  readonly lastSeenUnixNano: bigint
  /** Names of what there is of it, as `HistoryQuery.columns` takes them. */
  readonly columns: readonly string[]
}

/** Seconds between two rows. Each is kept for longer than the one before, with windows at least as long as its step. */
export type HistoryStep = 10 | 60 | 300

export interface HistoryQuery {
  /** `entityId`s; unknown ones have no values. */
  readonly entities: readonly string[]
  /**
   * Metric names with their attributes in order, `featureText` for features: `vigil.latency{quantile=0.99,window=1m}`,
   * `vigil.anomaly.p_value{detector=fused}`, and of edges the panes `vigil.trace.requests`, `.errors`, `.sampled` (sums over the row) and
   * `.duration` (the sum of the durations in s).
   */
  readonly columns: readonly string[]
  /** Rows whose time is in (from, until]. */
  readonly fromUnixNano: bigint
  readonly untilUnixNano: bigint
  /** Without it: the finest that all columns have and that is kept since `from`. */
  readonly step?: HistoryStep
}
export interface History {
  readonly step: HistoryStep
  /** The time of row 0: the end of its window. Row i is `i * step` later. */
  readonly firstUnixNano: bigint
  readonly rows: number
  /** `values[entity][column]`, in the order of the query; NaN = no value. Float32, so 7 significant digits. The caller's own. */
  readonly values: readonly (readonly Float32Array[])[]
}

export interface GraphQuery {
  readonly asOfUnixNano: bigint
  /** Over how long before it rates are counted, in s; default 300. */
  readonly windowSeconds?: number
}
/** Edges as columns. */
export interface Graph {
  readonly asOfUnixNano: bigint
  /** `entityId`s */
  readonly nodes: readonly string[]
  /** Indexes of `nodes`. */
  readonly source: Uint32Array
  readonly target: Uint32Array
  /** `call`, `messaging`, `database`, `cache`; `causal` for those that a user has drawn. */
  readonly types: readonly string[]
  /** The edge's own `entityId`, for its history; empty for drawn ones. */
  readonly edges: readonly string[]
  /** In the window before `asOf`; 0 where there were none. */
  readonly requestsPerSecond: Float64Array
  /** NaN without requests. */
  readonly errorRatio: Float64Array
  /** NaN without requests. */
  readonly meanSeconds: Float64Array
  /** Unix seconds; `lastSeen` is as of the time of the query. */
  readonly firstSeen: Float64Array
  readonly lastSeen: Float64Array
}

export interface EventQuery {
  readonly names?: readonly EventName[]
  readonly entities?: readonly string[]
  /** Decided (`observed_time`) in [from, until]; until is what the answer is as of. */
  readonly fromUnixNano?: bigint
  readonly untilUnixNano?: bigint
  /** The newest so many; default and at most 10,000. */
  readonly limit?: number
}
export interface StoredEvent {
  readonly name: EventName
  readonly entityId: string
  readonly envelope: Envelope
  /** The one record, for `readAnomaly` and its kin. */
  readonly logs: Logs
}

export interface FeatureStore {
  entities(filter?: EntityFilter): Promise<readonly KnownEntity[]>
  /** Throws RangeError for more than 20 million values. */
  history(query: HistoryQuery): Promise<History>
  graph(query: GraphQuery): Promise<Graph>
  /** Oldest first. */
  events(query?: EventQuery): Promise<readonly StoredEvent[]>
}

/** The writing side, which the exporter of the same name uses. Never throws; what cannot be kept is counted. */
export interface FeatureSink {
  /** Resolves when it is taken; at once for small batches. */
  metrics(batch: Metrics): Promise<void> | undefined
  logs(batch: Logs): void
}

export const featureStore: Capability<FeatureStore> = capability('feature store')
export const featureSink: Capability<FeatureSink> = capability('feature sink')
