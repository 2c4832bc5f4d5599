/** What one source says of one entity or team. */
import type { CatalogEntry, Tier } from '../../pipeline/capability/service-catalog.ts'
import type { EntityKind } from '../../pipeline/vocabulary/entity.ts'

export interface CatalogRecord {
  readonly kind: EntityKind
  readonly name: string
  /** Only there; undefined = everywhere. */
  readonly environment?: string
  readonly entry: CatalogEntry
  /** Where it stands, for people. */
  readonly where: string
}

export interface Team {
  readonly name: string
  readonly contacts: Readonly<{ [channel: string]: string }>
  readonly where: string
}

export interface Said {
  readonly records: readonly CatalogRecord[]
  readonly teams: readonly Team[]
  /** `file:line:col path: what is wrong, what would be right` */
  readonly problems: readonly string[]
}

/** 1 to 4, `tier-1`, `T2`, `P1`; undefined for anything else. */
export function readTier(value: unknown): Tier | undefined {
  const digit = /^(?:tier|t|p|priority)?[ _-]*([1-4])$/i.exec(String(value).trim())?.[1]
  return digit === undefined ? undefined : (Number(digit) as Tier)
}

/** What the first says, and where it says nothing what the second does; lists and contacts of both. */
export function merged(first: CatalogEntry, second: CatalogEntry): CatalogEntry {
  const contacts = { ...second.contacts, ...first.contacts }
  const slos = [...new Set([...(first.slos ?? []), ...(second.slos ?? [])])]
  const aliases = [...new Set([...(first.aliases ?? []), ...(second.aliases ?? [])])]
  return {
    ...second,
    ...first,
    ...(Object.keys(contacts).length === 0 ? {} : { contacts }),
    ...(slos.length === 0 ? {} : { slos }),
    ...(aliases.length === 0 ? {} : { aliases }),
  }
}

/** Without what is undefined, so that it does not hide what another source says. */
export function entryOf(fields: { readonly [K in keyof CatalogEntry]: CatalogEntry[K] | undefined }): CatalogEntry {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
