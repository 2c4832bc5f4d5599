/** File names that say whose data it is, and can be read back. */
import type { StorageOwner } from '../../pipeline/capability/storage.ts'
import type { Kind } from '../../pipeline/component.ts'

const journalSuffix = '.queue'
/** Leaves room for the suffixes in the 255 bytes that file systems allow. */
const maxNameBytes = 240

export function journalName(owner: StorageOwner): string {
  return `${nameOf(owner)}${journalSuffix}`
}
export function storeName(owner: StorageOwner): string {
  return `${nameOf(owner)}.kv`
}

/** Undefined for what is no journal. */
export function ownerOf(name: string): StorageOwner | undefined {
  const parts = name.endsWith(journalSuffix) ? name.slice(0, -journalSuffix.length).split('.') : []
  const [kind, id, own] = parts
  if (kind === undefined || id === undefined || own === undefined || parts.length !== 3) return undefined
  return { kind: kind as Kind, id: readBack(id), name: readBack(own) }
}

function nameOf({ kind, id, name }: StorageOwner): string {
  const text = `${kind}.${writeSafe(id)}.${writeSafe(name)}`
  if (text.length > maxNameBytes) throw new Error(`the id ${id} is too long to name a file after it`)
  return text
}

/** As upstream: what is not safe in every file system is `~` and its hex code. */
function writeSafe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/gu, (char) => `~${char.codePointAt(0)?.toString(16)}~`)
}
function readBack(text: string): string {
  return text.replaceAll(/~([0-9a-f]+)~/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
}
