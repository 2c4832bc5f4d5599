/** `service::telemetry`, checked. */
export interface ServiceTelemetry {
  readonly logs: LogSettings
  readonly metrics: MetricSettings
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
}
export interface MetricSettings {
  readonly level: 'none' | 'basic' | 'normal' | 'detailed'
  /** Prometheus endpoints to open; empty = none. */
  readonly prometheus: readonly { readonly host: string; readonly port: number }[]
}
