import type { Capability } from '../capability/capability.ts'
import type { AllReads } from '../data/origin.ts'
import type { Effects } from '../net/effects.ts'
import type { EngineView } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Labels, Meter } from '../telemetry/meter.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { OwnedClock } from './clock.ts'

/** What the engine lends every node. */
export interface Surroundings {
  readonly logger: Logger
  readonly view: EngineView
  readonly tracer: Tracer
  readonly random: () => number
  /** A clock of the node's own; `onFailure` hears what a timer's work throws. */
  clock(onFailure: (error: unknown) => void): OwnedClock
  /** How long a processor may take over one batch before its sender hears that it did not answer. */
  readonly handlerTimeoutMs: number
  /** How long a node that a reload replaces may take to let go of what it holds. */
  readonly swapTimeoutMs: number
  /** In a worker thread: several instances of a receiver listen on one port. */
  readonly sharesPorts?: boolean
  /** Absent = what acts on the outside world must not. */
  readonly effects?: Effects | undefined
  meter(labels: Labels): Meter & { close(): void }
  /** Finds what an extension offers; `user` is remembered, so that a reload of the extension restarts it too. */
  extension<T>(capability: Capability<T>, id: string | undefined, user: string): T
  /** What is read of the origin of batches from this node on. */
  reads(node: string): AllReads
  /** A component cannot go on, and says that the process should not either. */
  fatal(component: string, message: string): void
}
