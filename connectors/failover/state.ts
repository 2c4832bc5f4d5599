/** What survives a reload: the level that data goes to, and what waits in the queue. */
import { deserialize, serialize } from 'node:v8'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'

export interface State {
  /** By their names, since a level may have another number after the reload. */
  readonly pipelines: readonly string[]
  readonly waiting: readonly Batch[]
}

interface Saved {
  readonly version: 1
  readonly pipelines: readonly string[]
  readonly waiting: readonly SavedBatch[]
}

export function encode({ pipelines, waiting }: State): Uint8Array {
  return serialize({ version: 1, pipelines, waiting: waiting.map((batch) => saved(batch)) } satisfies Saved)
}

export function decode(bytes: Uint8Array): State {
  const state = deserialize(bytes) as Saved
  if (state.version !== 1) throw new Error(`failover state of version ${String(state.version)}, wanted 1`)
  return { pipelines: state.pipelines, waiting: state.waiting.map((batch) => batchOf(batch)) }
}
