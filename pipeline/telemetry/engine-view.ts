/** What an extension may see of the running engine: for health checks, zpages and the dashboard. Read-only, always current. */
import type { Kind, Stability } from '../component.ts'
import type { Signal } from '../data/telemetry.ts'

export type ComponentState = 'starting' | 'ok' | 'recoverable' | 'permanent' | 'fatal' | 'stopping' | 'stopped'

export interface ComponentView {
  readonly kind: Kind
  readonly id: string
  /** Of a processor. */
  readonly pipeline: string | undefined
  readonly state: ComponentState
  readonly message: string
  readonly sinceUnixNano: bigint
  readonly stability: Readonly<Partial<Record<string, Stability>>>
  /** The config it runs with, secrets redacted. */
  readonly config: unknown
}
export interface PipelineView {
  readonly id: string
  readonly signal: Signal
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}
export interface BuildInfo {
  /** `vigil` */
  readonly command: string
  readonly description: string
  readonly version: string
}
export interface EngineView {
  readonly build: BuildInfo
  readonly phase: 'starting' | 'ready' | 'stopping' | 'stopped'
  /** Since when it is ready; 0 before. */
  readonly readySinceUnixNano: bigint
  readonly startedUnixNano: bigint
  readonly components: readonly ComponentView[]
  readonly pipelines: readonly PipelineView[]
  readonly featureGates: readonly { id: string; enabled: boolean; stage: string; description: string }[]
}
