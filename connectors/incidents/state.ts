/** What is saved: for a successor at a reload, and for a store. */
import type { Origin } from '../../pipeline/data/telemetry.ts'
import type { BookState } from './book.ts'
import type { KeptChange } from './changes.ts'
import type { Announced } from './maintenance.ts'
import type { Waiting } from './outbox.ts'
import type { PeopleState } from './people.ts'

export interface State {
  readonly version: 1
  readonly books: readonly { readonly origin: Origin; readonly book: BookState }[]
  readonly people: PeopleState
  readonly maintenance: readonly Announced[]
  readonly changes: readonly KeptChange[]
  readonly waiting: readonly Waiting[]
}

/** Throws for what is no state of this version. */
export function checkState(state: unknown): State {
  const version = typeof state === 'object' && state !== null && 'version' in state ? state.version : undefined
  if (version !== 1) throw new Error(`state of version ${String(version)} is not known here`)
  return state as State
}
