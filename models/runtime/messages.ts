/** What is said between those who want something computed and the thread that computes. */
import type { IsolationForest } from '../isolation-forest.ts'
import type { BackendName, BackendSettings } from './backend.ts'

/** A model as it is sent: by its kind, what makes it. */
export type Model = { readonly kind: 'isolation-forest'; readonly forest: IsolationForest }

export interface ThreadSettings extends Pick<BackendSettings, 'backend' | 'allowSoftwareGpu'> {
  /** Of the GPU that was lost: `auto` goes past it. */
  readonly except: readonly BackendName[]
}

/** Rows come and scores go as they lie in memory, without a copy. */
export type Ask =
  | { readonly kind: 'load'; readonly id: number; readonly model: Model }
  | { readonly kind: 'score'; readonly id: number; readonly rows: Float32Array<ArrayBuffer> }
  | { readonly kind: 'unload'; readonly id: number }
  | { readonly kind: 'memory' }

export interface Memory {
  readonly tensors: number
  readonly bytes: number
}

export interface Answers {
  readonly load: undefined
  readonly score: Float64Array<ArrayBuffer>
  readonly unload: undefined
  readonly memory: Memory
}

export interface ChosenBackend {
  readonly name: BackendName
  readonly device: string
  readonly refused: readonly { readonly name: BackendName; readonly reason: string }[]
  readonly startMs: number
}

/** From the thread: the first is `started` or `not started`. */
export type Said =
  | { readonly kind: 'started'; readonly backend: ChosenBackend }
  | { readonly kind: 'not started'; readonly why: string }
  | { readonly kind: 'answer'; readonly call: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly call: number; readonly error: string; readonly isCallers: boolean }
  | { readonly kind: 'lost'; readonly why: string }

export interface Call {
  readonly call: number
  readonly ask: Ask
}
