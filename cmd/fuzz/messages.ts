/** What a fuzzing thread is told, what it tells, and what it shares with the one that watches it. */
import type { TargetName } from './target.ts'

export interface Job {
  readonly target: TargetName
  readonly seed: number
  readonly firstCase: number
  readonly cases: number
  readonly folder: string
  /** `header` and the input of the case that runs. */
  readonly shared: SharedArrayBuffer
  /** Runs only this, again and again as told by `replays`, to see whether it hangs. */
  readonly only?: Uint8Array
}

/** Words at the beginning of the shared memory. */
export const header = { cases: 0, length: 1, stop: 2, accepted: 3, beats: 4, words: 5 } as const
/** Whole words of 8, whatever comes first. */
export const headerBytes: number = 32
export const sharedInputBytes: number = 1 << 20

export interface Find {
  readonly kind: 'failure' | 'slow' | 'memory'
  readonly message: string
  /** Equal for finds of one cause, as far as one can tell. */
  readonly signature: string
  readonly input: Uint8Array
}
export type Told = { readonly find: Find } | { readonly done: Done }
export interface Done {
  readonly cases: number
  readonly accepted: number
  readonly slowestMs: number
  readonly cpuMs: number
  readonly heapGrowthBytes: number
}
