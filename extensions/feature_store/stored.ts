/** What the state store has of it: the names of the tables, and the rows. */
import type { StateChange } from '../../pipeline/capability/state-store.ts'
import type { Column } from './columns.ts'
import type { Edge } from './edges.ts'
import type { EntityHistory } from './entity-history.ts'
import { type Fold, stepSeconds } from './tiers.ts'

/** Of what the rows mean. A newer one reads all older ones. */
export const stateVersion = 1

export const tableNames = {
  columns: 'columns',
  entities: 'entities',
  journal: 'journal',
  drawn: 'drawn',
  events: 'events',
}

/** `at` is the number of the block. */
export function blockTable(tier: number): string {
  return `blocks_${stepSeconds[tier]}s`
}

/** Keys of rows may not be endless; there is no such entity of ours. */
export const maxIdLength = 1_000

export interface StoredEntity {
  readonly number: number
  readonly first: number
  readonly last: number
  /** Numbers of columns, in the order in which the entity got them. */
  readonly columns: readonly number[]
  /** Of rows that were revised, by row and window. */
  readonly revised?: readonly (readonly [number, number])[]
  readonly edge?: {
    readonly source: string
    readonly target: string
    readonly type: string
    readonly first: number
    readonly last: number
  }
}
export interface StoredColumn {
  readonly number: number
  readonly fold: Fold
  readonly tiers: readonly boolean[]
  readonly window: number
}

export function entityRow(history: EntityHistory, edge: Edge | undefined, revision: number): StateChange {
  const stored: StoredEntity = {
    number: history.number,
    first: history.firstSeconds,
    last: history.lastSeconds,
    columns: [...history.columnNumbers],
    ...(history.revised.size === 0 ? {} : { revised: [...history.revised] }),
    ...(edge === undefined
      ? {}
      : {
          edge: {
            source: edge.source,
            target: edge.target,
            type: edge.type,
            first: edge.firstSeconds,
            last: edge.lastSeconds,
          },
        }),
  }
  return put(tableNames.entities, history.id, 0, revision, json(stored))
}

export function columnRow({ text, number, fold, tiers, window }: Column): StateChange {
  return put(tableNames.columns, text, 0, 1, json({ number, fold, tiers, window } satisfies StoredColumn))
}

export function put(table: string, key: string, at: number, revision: number, value: Uint8Array): StateChange {
  return { kind: 'put', table, row: { key, at, revision, value } }
}

export function json(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(value)))
}

/** Throws for what is no JSON. */
export function parse<T>(value: Uint8Array): T {
  return JSON.parse(Buffer.from(value).toString('utf8')) as T
}
