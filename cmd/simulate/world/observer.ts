/** What the world shows of itself as it runs; metrics are read from its entities instead. */
import type { Guard } from './guard.ts'
import type { Instance } from './instance.ts'
import type { Outcome } from './outcome.ts'
import type { Operation, Service, Topic } from './service.ts'

/** One request of a user with all that follows from it. */
export interface Trace {
  /** Four words. */
  readonly id: readonly [number, number, number, number]
  readonly isSampled: boolean
  /** It has come to an operation that `world.watched` names. */
  isTouched: boolean
  /** The first action that refused or cut off something on its way. */
  refusedBy: Guard | undefined
  /** Where nobody knows whose request it is, the world does: the trace of the user's request. */
  readonly origin: Trace | undefined
}

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer'

/** A span that has ended. Times are milliseconds of the world. */
export interface SpanRecord {
  readonly trace: Trace
  /** Two words. */
  readonly id: readonly [number, number]
  readonly parent: readonly [number, number] | undefined
  readonly kind: SpanKind
  readonly instance: Instance
  /** Of a server or consumer what it does; of a client or producer what it calls. */
  readonly operation: Operation
  readonly startMs: number
  endMs: number
  outcome: Outcome
  /** `error.type` where the outcome is not ok. */
  errorType: string
  /** Of a client: who answered, where that is known. */
  peer: Instance | undefined
  /** Of a client: 1 and more for a repeated attempt. */
  readonly attempt: number
  /** Of a statement: the rows that it read. */
  rowsExamined: number
  /** Of a client of a database: how long it waited for a connection. */
  poolWaitMs: number
  /** Of a consumer: where the message came from, and how long it lay there. */
  readonly topic: Topic | undefined
  readonly queuedMs: number
}

export type LogEvent =
  | { readonly kind: 'request'; readonly span: SpanRecord | undefined; readonly ms: number }
  | {
      readonly kind: 'failure'
      readonly span: SpanRecord | undefined
      readonly outcome: Outcome
      readonly errorType: string
    }
  | {
      readonly kind: 'call failed'
      readonly span: SpanRecord | undefined
      readonly outcome: Outcome
      readonly target: Operation
    }
  | { readonly kind: 'slow query'; readonly ms: number; readonly rows: number }
  | { readonly kind: 'life'; readonly what: Life; readonly detail: string }

export type Life = 'started' | 'stopping' | 'out of memory' | 'killed' | 'node lost' | 'certificate' | 'config' | 'flag'

export interface UserRequest {
  readonly operation: Operation
  readonly outcome: Outcome
  readonly ms: number
  readonly atMs: number
  /** Answered, and in time. */
  readonly isGood: boolean
  /** It needed what `world.watched` names. */
  readonly isTouched: boolean
  readonly refusedBy: Guard | undefined
}

export interface Observer {
  span(span: SpanRecord): void
  log(instance: Instance, operation: Operation | undefined, event: LogEvent): void
  /** What a user got. */
  request(request: UserRequest): void
  /** An instance ends in good order and says what it still has to say. */
  ended(instance: Instance): void
  /** Deploys, scalings and their kin, as a Kubernetes cluster or a delivery tool tells them. */
  change(what: ChangeEvent): void
}

export interface ChangeEvent {
  readonly kind: 'deploy' | 'scale' | 'restart' | 'flag' | 'config' | 'node' | 'ddl' | 'certificate' | 'cron'
  readonly service: Service | undefined
  /** Of kind node: its name. */
  readonly node: string | undefined
  readonly text: string
  readonly atMs: number
}
