/** Which share of whose requests needs an entity: counted, so that nobody guesses. */
import type { Entity } from '../vocabulary/entity.ts'
import { capability } from './capability.ts'

export interface CrossedShare {
  /** One by which requests come in from outside. */
  readonly operation: Entity
  /** Of its requests, those that crossed the entity: 0 to 1. */
  readonly share: number
  readonly requestsPerSecond: number
}

export interface Crossings {
  /**
   * Of the requests before that event time, since trouble changes which way requests go; of those after it where too few were counted before. Those with most affected
   * requests first; empty for what nothing is known of. Cheap: from memory.
   */
  sharesOf(entityId: string, beforeUnixNano: bigint): readonly CrossedShare[]
}

export const crossings = capability<Crossings>('crossings')
