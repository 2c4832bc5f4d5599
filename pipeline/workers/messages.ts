import type { ConfigTree } from '../config/tree.ts'
import type { PlainFamily } from '../telemetry/merge-families.ts'
import type { Crossing, CrossingAnswer } from './crossing.ts'

/** What the owner tells a worker. Each order is answered by `done` with the same number. */
export type ToWorker =
  | { readonly kind: 'run'; readonly order: number; readonly tree: ConfigTree }
  | { readonly kind: 'stop'; readonly order: number }
  | { readonly kind: 'answer'; readonly answer: CrossingAnswer }

export type ToOwner =
  | { readonly kind: 'done'; readonly order: number; readonly error?: string }
  | { readonly kind: 'crossing'; readonly crossing: Crossing }
  | { readonly kind: 'metrics'; readonly families: readonly PlainFamily[] }
  | { readonly kind: 'failed'; readonly component: string; readonly message: string }
