/** What is saved of a watch: all of it for a successor, or what a restart must not forget for a store. */
import type { StatedPState } from '../../models/stated-p.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import type { BlindnessState } from './blindness.ts'
import type { Waiting } from './outbox.ts'
import type { SensorState } from './sensor-health.ts'
import type { TeamState } from './team.ts'
import type { WatchedState } from './watched.ts'

export interface WatchState {
  readonly origin: Origin
  readonly at: number
  readonly decidedAt: number
  readonly entities: readonly WatchedState[]
  readonly sensors: readonly SensorState[]
  /** Where each tenant has budgets of its own. */
  readonly teams: readonly TeamState[]
  readonly blindness: BlindnessState
  /** By slot. */
  readonly hits: Uint32Array
  readonly evidence: Float64Array
  readonly stated: StatedPState
}

export interface State {
  readonly version: 1
  /** Where they are of all tenants; absent in what was saved when they never were. */
  readonly teams?: readonly TeamState[]
  readonly watches: readonly WatchState[]
  readonly waiting: readonly Waiting[]
}

/** Throws for what is no state of this version. */
export function checkState(state: unknown): State {
  const version = typeof state === 'object' && state !== null && 'version' in state ? state.version : undefined
  if (version !== 1) throw new Error(`state of version ${String(version)} is not known here`)
  return state as State
}
