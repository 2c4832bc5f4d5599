/** What a flight recorder offers: the last minutes of telemetry as it came in, read by trace, entity and time. */
import type { Batch, Logs, Metrics, Traces } from '../data/telemetry.ts'
import type { Entity } from '../vocabulary/entity.ts'
import { type Capability, capability } from './capability.ts'

export interface RecordedRange {
  /** Event time; spans count that overlap [from, until]. Without it, all there is. */
  readonly fromUnixNano?: bigint
  readonly untilUnixNano?: bigint
  /** OTLP bytes of the answer, about; the newest come first. Default 32 MiB. */
  readonly maxBytes?: number
}
export interface RecordedQuery extends RecordedRange {
  /** 32 hexadecimal digits each. */
  readonly traceIds?: readonly string[]
  /** What is of the entity, or of its service where it is a part of one, or calls it: `crosses` of pipeline/vocabulary/crossing.ts. */
  readonly entity?: Entity
}
export interface CrossingQuery extends RecordedRange {
  readonly entity: Entity
  /** The newest so many. */
  readonly maxTraces: number
}

/** Answers are batches without origin. What was recorded more than a moment ago is in them, unless it has been overwritten. */
export interface FlightRecorder {
  traces(query: RecordedQuery): Promise<Traces>
  /** All there is of the traces that crossed an entity in the range, also what is outside of it. */
  tracesThrough(query: CrossingQuery): Promise<Traces>
  logs(query: RecordedQuery): Promise<Logs>
  /** By entity and time. */
  metrics(query: RecordedQuery): Promise<Metrics>
  /** Spans of database queries that took long, which are kept for longer. */
  slowStatements(query: RecordedQuery): Promise<Traces>
}

/** The writing side, which the exporter of the same name uses. Never waits, never throws; what cannot be kept is counted. */
export interface Recording {
  record(batch: Batch): void
}

export const flightRecorder: Capability<FlightRecorder> = capability('flight recorder')
export const recording: Capability<Recording> = capability('recording')
