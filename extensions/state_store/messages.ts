/** What the extension and the thread with the database say to each other. */
import type { StateChange, StateQuery, StateRow, StateStoreError } from '../../pipeline/capability/state-store.ts'

export interface DatabaseSettings {
  readonly path: string
  readonly maxBytes: number
}
/** Where a page of rows ended. */
export interface Cursor {
  readonly at: number
  readonly key: string
}
export type Ask =
  | { readonly kind: 'open'; readonly owner: string; readonly version: number }
  | { readonly kind: 'commit'; readonly owner: string; readonly changes: readonly StateChange[] }
  | { readonly kind: 'read'; readonly owner: string; readonly query: StateQuery; readonly after: Cursor | undefined }
  | { readonly kind: 'size' }
  | { readonly kind: 'close' }
export interface Page {
  readonly rows: readonly StateRow[]
  /** Undefined = there is no more. */
  readonly next: Cursor | undefined
}
export interface Answers {
  readonly open: { readonly foundVersion: number }
  readonly commit: undefined
  readonly read: Page
  readonly size: { readonly bytes: number }
  readonly close: undefined
}
export type Request = { readonly id: number; readonly ask: Ask }
export type Response =
  | { readonly id: number; readonly answer: Answers[Ask['kind']] }
  | { readonly id: number; readonly error: string; readonly reason: StateStoreError['reason'] }
/** What a start found. */
export interface Started {
  readonly started: true
  /** The file that could not be read, and where it is now. */
  readonly setAside?: { readonly path: string; readonly why: string }
}
export interface NotStarted {
  readonly started: false
  readonly why: string
}
