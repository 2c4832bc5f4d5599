/** Where the simulated telemetry goes. */
import type { Batch, Signal } from '../../../pipeline/data/telemetry.ts'

export interface Sent {
  readonly items: Readonly<Partial<Record<Signal, number>>>
  readonly requests: number
  /** Items that nobody took in the end, and why. */
  readonly lost: number
  readonly errors: readonly string[]
}

export interface Sink {
  /** Never throws and never waits: `caughtUp` tells when there is too much under way. */
  send(batch: Batch): void
  /** Undefined = go on at once. */
  caughtUp(): Promise<void> | undefined
  /** Everything is out. */
  close(): Promise<Sent>
}
