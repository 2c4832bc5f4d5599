/** Names of rotated files, and which of them have to go. The naming is that of upstream (timberjack): `data-2022-09-14T05-02-14.173-size.json`. */
import { readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Rotation } from './config.ts'

const dayMs = 24 * 60 * 60 * 1_000
const maxNameAttempts = 1_000

interface Parts {
  readonly directory: string
  readonly prefix: string
  readonly extension: string
}

function partsOf(path: string): Parts {
  const name = basename(path)
  const dot = name.lastIndexOf('.')
  const end = dot < 0 ? name.length : dot
  return { directory: dirname(path), prefix: `${name.slice(0, end)}-`, extension: name.slice(end) }
}

/** Moves the file aside under a name that nothing has yet. */
export async function rotateAside(path: string, unixMs: number, localtime: boolean): Promise<void> {
  const { directory, prefix, extension } = partsOf(path)
  const time = formatTime(unixMs, localtime)
  for (let attempt = 0; attempt < maxNameAttempts; attempt++) {
    const target = join(directory, `${prefix}${time}-size${attempt === 0 ? '' : `_${attempt}`}${extension}`)
    if (await exists(target)) continue
    await rename(path, target)
    return
  }
  throw new Error(`no free name for the rotated ${path}: ${maxNameAttempts} of this millisecond are taken`)
}

/** Removes rotated files beyond `max_backups` and older than `max_days`; names without a reason are those of older Collectors. */
export async function removeOld(path: string, rotation: Rotation, nowUnixMs: number): Promise<void> {
  if (rotation.max_backups === 0 && rotation.max_days === 0) return
  const { directory, prefix, extension } = partsOf(path)
  const rotated: { readonly name: string; readonly unixMs: number }[] = []
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix) || !name.endsWith(extension)) continue
    const unixMs = parseTime(name.slice(prefix.length, name.length - extension.length), rotation.localtime)
    if (unixMs !== undefined) rotated.push({ name, unixMs })
  }
  rotated.sort((a, b) => b.unixMs - a.unixMs || (a.name < b.name ? 1 : -1))
  const oldestMs = rotation.max_days === 0 ? Number.NEGATIVE_INFINITY : nowUnixMs - rotation.max_days * dayMs
  for (const [place, { name, unixMs }] of rotated.entries()) {
    const isBeyond = rotation.max_backups > 0 && place >= rotation.max_backups
    if (isBeyond || unixMs < oldestMs) await unlink(join(directory, name))
  }
}

function formatTime(unixMs: number, localtime: boolean): string {
  const date = new Date(unixMs)
  const shifted = localtime ? new Date(unixMs - date.getTimezoneOffset() * 60_000) : date
  return shifted.toISOString().slice(0, 23).replaceAll(':', '-')
}

const named = /^(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)\.(\d{3})(?:-\w+)?$/

function parseTime(text: string, localtime: boolean): number | undefined {
  const match = named.exec(text)
  if (!match) return undefined
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, ms = 0] = match.slice(1, 8).map(Number)
  return localtime
    ? new Date(year, month - 1, day, hour, minute, second, ms).getTime()
    : Date.UTC(year, month - 1, day, hour, minute, second, ms)
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}
