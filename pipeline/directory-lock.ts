import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage } from './error-message.ts'

/** What this process has locked: a reload opens the new instance before the old one is gone. */
const held = new Map<string, { count: number; readonly database: DatabaseSync }>()

/**
 * Keeps other processes out of `directory`. The lock is SQLite's lock on a file, which is the kernel's: it ends with the process, however
 * that ends, so none is ever stale. Node has no call of its own for such locks. Throws when another process has it for longer than `timeoutMs`.
 */
export function lockDirectory(directory: string, timeoutMs: number): () => void {
  const path = realpathSync(directory)
  const before = held.get(path)
  if (before !== undefined) before.count++
  else held.set(path, { count: 1, database: lock(join(path, '.lock'), directory, timeoutMs) })
  let isHeld = true
  return () => {
    const own = held.get(path)
    if (!isHeld || own === undefined) return
    isHeld = false
    if (--own.count > 0) return
    held.delete(path)
    own.database.close()
  }
}

function lock(file: string, directory: string, timeoutMs: number): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: Math.max(0, Math.trunc(timeoutMs)) })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database.close()
    const isTaken = (cause as { errcode?: number }).errcode === 5
    throw new Error(
      isTaken
        ? `the directory ${directory} is in use by another process: give each process a directory of its own`
        : `the directory ${directory} cannot be locked: ${errorMessage(cause)}`,
      { cause },
    )
  }
}
