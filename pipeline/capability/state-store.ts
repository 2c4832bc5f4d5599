/**
 * What a state store offers: tables of small rows that outlive the process. An owner's changes are committed together or not at all, and a row is
 * replaced only by a newer revision, so that whatever comes twice after a crash changes nothing.
 */

import { type Capability, capability } from './capability.ts'
import type { StorageOwner } from './storage.ts'

export interface StateRow {
  /** Whose row: an entity's id, an event's. At most 1,000 characters. */
  readonly key: string
  /** When, in the owner's unit, as a safe integer; 0 where there is one row a key. Key and time together name the row. */
  readonly at: number
  /** A safe integer. A put of a revision that is not greater than the row's changes nothing. */
  readonly revision: number
  readonly value: Uint8Array
}
export type StateChange =
  | { readonly kind: 'put'; readonly table: string; readonly row: StateRow }
  | { readonly kind: 'remove'; readonly table: string; readonly key: string; readonly at: number }
  /** Every row of the table, or of a key of it, whose time is smaller. */
  | { readonly kind: 'remove before'; readonly table: string; readonly key?: string; readonly before: number }

export interface StateQuery {
  readonly table: string
  /** Of this key only; in the order of time then. Without it in the order of time and key. */
  readonly key?: string
  /** `at` in [from, until). */
  readonly from?: number
  readonly until?: number
  readonly newestFirst?: boolean
}

/** Why a change was not made. */
export class StateStoreError extends Error {
  /** `full`: no room on the disk, or the limit of the store. `damaged`: what is there cannot be read. `closed`: it was shut down. */
  readonly reason: 'full' | 'damaged' | 'closed' | 'failed'

  constructor(message: string, reason: StateStoreError['reason'], options?: ErrorOptions) {
    super(message, options)
    this.name = 'StateStoreError'
    this.reason = reason
  }
}

export interface StateTables {
  /** The version of the rows' meaning that their owner gave when it last opened them; 0 = they are new. */
  readonly foundVersion: number
  /** Resolves when all of it is written, in the order of the calls. Rejects with `StateStoreError`; nothing of it is written then. */
  commit(changes: readonly StateChange[]): Promise<void>
  /** Some rows at a time. What is committed meanwhile may or may not be among them. */
  read(query: StateQuery): AsyncIterable<readonly StateRow[]>
  /** Resolves when what was committed is written, and others may open them. */
  close(): Promise<void>
}

export interface StateStore {
  /** `version`: of the meaning that the owner gives the rows. Rejects while they are open already, and where a newer version has written them. */
  open(owner: StorageOwner, version: number): Promise<StateTables>
}

export const stateStore: Capability<StateStore> = capability('state store')
