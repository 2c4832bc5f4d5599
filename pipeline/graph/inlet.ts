import type { Batch } from '../data/telemetry.ts'

/**
 * What can take a batch: a processor, a sink, or a fan-out over several. Taking happens in two steps, so that a fan-out can hear
 * every refusal before anybody has the batch.
 */
export interface Inlet {
  /** Runs what stands before the next queue and reserves a place in it. Rejects with `Rejected` = refused, nothing was taken. */
  prepare(batch: Batch): Prepared | Promise<Prepared>
}

export interface Prepared {
  /** Whether `commit` cannot fail any more, because a queue has the place. */
  readonly certain: boolean
  /** Hands the batch over. At most one of `commit` and `release` is called, once. */
  commit(): void | Promise<void>
  /** Gives the place back. */
  release(): void
}

/** For a processor that held the batch or dropped all of it: there is nothing more to hand over. */
export const taken: Prepared = { certain: true, commit: () => {}, release: () => {} }

export async function deliver(inlet: Inlet, batch: Batch): Promise<void> {
  const prepared = await inlet.prepare(batch)
  await prepared.commit()
}
