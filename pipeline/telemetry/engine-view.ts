/** What an extension may see of the running engine: for health checks, zpages and the dashboard. Read-only, always current. */
import type { Kind, Stability } from '../component.ts'
import type { Signal } from '../data/telemetry.ts'
import type { SpanRing } from './span-ring.ts'

export type ComponentState = 'starting' | 'ok' | 'recoverable' | 'permanent' | 'fatal' | 'stopping' | 'stopped'

/** What went over an edge since its component runs. */
export interface FlowView {
  readonly batches: number
  readonly items: number
  readonly bytes: number
  /** Sent away by what follows, or by the component itself. */
  readonly refusedItems: number
}
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
  /** What came in and what went out, by signal. */
  readonly taken: Readonly<Partial<Record<Signal, FlowView>>>
  readonly given: Readonly<Partial<Record<Signal, FlowView>>>
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
  /** `service.instance.id` of the engine's own telemetry: another one at each start of the process. */
  readonly instanceId: string
  readonly phase: 'starting' | 'ready' | 'stopping' | 'stopped'
  /** Hears each later phase, until the answer is called. */
  onPhase(listener: (phase: EngineView['phase']) => void): () => void
  /** Since when it is ready; 0 before. */
  readonly readySinceUnixNano: bigint
  readonly startedUnixNano: bigint
  readonly components: readonly ComponentView[]
  readonly pipelines: readonly PipelineView[]
  /** The engine's own spans: `watch` keeps the last of them in `ring` until its answer is called. */
  readonly spans: { readonly ring: Pick<SpanRing, 'summaries'>; watch(): () => void }
  readonly featureGates: readonly { id: string; enabled: boolean; stage: string; description: string }[]
}
