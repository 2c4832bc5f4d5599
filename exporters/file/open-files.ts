/** The files of `group_by`: as many open as allowed, the least recently used one closed for the next. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type FileSettings, FileWriter } from './file-writer.ts'

/** Paths of this run that are remembered; beyond that, no file is emptied any more. */
const maxRemembered = 100_000

interface Entry {
  readonly writer: FileWriter
  readonly opened: Promise<void>
  users: number
}

export class OpenFiles {
  private readonly settings: Omit<FileSettings, 'path'>
  private readonly limit: number
  private readonly mode: number
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry>()
  /** Those that found every file in use; no more than batches on their way. */
  private readonly waiters: (() => void)[] = []
  private readonly closing = new Map<string, Promise<void>>()
  /** A file of this run that was closed for another one must not be emptied when it comes back. */
  private readonly remembered = new Set<string>()

  constructor(settings: Omit<FileSettings, 'path'>, limit: number, mode: number) {
    this.settings = settings
    this.limit = limit
    this.mode = mode
  }

  async write(path: string, messages: readonly (readonly Uint8Array[])[]): Promise<void> {
    const entry = await this.entry(path)
    try {
      await entry.opened
      await Promise.all(messages.map((parts) => entry.writer.write(parts)))
    } catch (cause) {
      if (this.entries.get(path) === entry && (await hasFailed(entry.opened))) this.entries.delete(path)
      throw cause
    } finally {
      entry.users--
      for (const wake of this.waiters.splice(0)) wake()
    }
  }

  /** Writes what waits and closes every file. */
  async close(): Promise<void> {
    for (const path of this.entries.keys()) void this.evict(path)
    await Promise.all(this.closing.values())
  }

  private async entry(path: string): Promise<Entry> {
    for (;;) {
      const known = this.entries.get(path)
      if (known) {
        this.entries.delete(path)
        this.entries.set(path, known)
        known.users++
        return known
      }
      const closing = this.closing.get(path)
      if (closing) await closing
      else if (this.entries.size < this.limit) break
      else {
        const idle = [...this.entries].find(([, { users }]) => users === 0)?.[0]
        if (idle !== undefined) await this.evict(idle)
        else await new Promise<void>((resolve) => this.waiters.push(resolve))
      }
    }
    const isKept = this.remembered.has(path) || this.remembered.size >= maxRemembered
    const writer = new FileWriter({ ...this.settings, path, append: this.settings.append || isKept })
    const entry = { writer, opened: this.open(path, writer), users: 1 }
    // Awaited by whoever writes; here it must only not count as unheard.
    entry.opened.catch(() => {})
    this.entries.set(path, entry)
    return entry
  }

  private async open(path: string, writer: FileWriter): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: this.mode })
    await writer.open()
    if (this.remembered.size < maxRemembered) this.remembered.add(path)
  }

  private evict(path: string): Promise<void> {
    const entry = this.entries.get(path)
    this.entries.delete(path)
    if (entry === undefined) return Promise.resolve()
    const closed = entry.writer
      .close()
      .catch((cause: unknown) => this.settings.warn('Failed to close file', { path, error: String(cause) }))
      .finally(() => this.closing.delete(path))
    this.closing.set(path, closed)
    return closed
  }
}

async function hasFailed(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  )
}
