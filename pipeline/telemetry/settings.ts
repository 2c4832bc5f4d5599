import type { ClientTls } from '../net/tls.ts'

/** `service::telemetry`, checked. */
export interface ServiceTelemetry {
  readonly logs: LogSettings
  readonly metrics: MetricSettings
  readonly traces: TraceSettings
  /** Attributes of the engine itself: null drops a default one. */
  readonly resource: ReadonlyMap<string, string | null>
  /** What was accepted but is deprecated or without effect, to be logged at start. */
  readonly warnings: readonly string[]
}
export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly encoding: 'console' | 'json'
  readonly development: boolean
  readonly disable_caller: boolean
  readonly disable_stacktrace: boolean
  readonly disable_zap_resource: boolean
  readonly sampling: {
    readonly enabled: boolean
    readonly tick: number
    readonly initial: number
    readonly thereafter: number
  }
  /** `stderr`, `stdout` or files. */
  readonly output_paths: readonly string[]
  readonly error_output_paths: readonly string[]
  readonly initial_fields: Readonly<Record<string, unknown>>
  /** Where lines go as OTLP log records, beside the outputs. */
  readonly processors: readonly ItemProcessorSettings[]
}
export interface MetricSettings {
  readonly level: 'none' | 'basic' | 'normal' | 'detailed'
  /** Prometheus endpoints to open; empty = none. */
  readonly prometheus: readonly { readonly host: string; readonly port: number }[]
  readonly periodic: readonly PeriodicSettings[]
}

export interface TraceSettings {
  /** Empty = own spans are not sent. */
  readonly processors: readonly ItemProcessorSettings[]
  readonly sampler: SamplerSettings
  /** Whether spans join the trace that a request's `traceparent` names, and requests that go out name theirs. */
  readonly joinsRemote: boolean
}
/** Share of the traces that are recorded, by what is known of the parent. */
export interface SamplerSettings {
  readonly root: number
  readonly remoteSampled: number
  readonly remoteNotSampled: number
  readonly localSampled: number
  readonly localNotSampled: number
}
export interface PeriodicSettings {
  readonly exporter: ExporterSettings
  readonly intervalMs: number
  /** Of one export, its retries included. */
  readonly timeoutMs: number
}
export interface ItemProcessorSettings {
  readonly exporter: ExporterSettings
  readonly delayMs: number
  readonly exportTimeoutMs: number
  readonly maxQueueSize: number
  readonly maxBatchSize: number
}
export type ExporterSettings = { readonly to: 'console' } | ({ readonly to: 'otlp' } & OtlpSettings)
export interface OtlpSettings {
  readonly protocol: 'grpc' | 'http/protobuf' | 'http/json'
  /** `http:` or `https:`. Over HTTP, a path of `/` stands for the signal's own. */
  readonly url: URL
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly compression: 'gzip' | 'none'
  readonly timeoutMs: number
  readonly tls: ClientTls
  /** Of metrics. */
  readonly temporality: 'cumulative' | 'delta' | 'lowmemory'
}
