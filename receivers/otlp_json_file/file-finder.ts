/** Which files there are, and which of them is one that was read before under another name. */
import { type FileHandle, glob, open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Clock } from '../../pipeline/component.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import type { Settings } from './config.ts'
import { bytesBefore, type Mark, TailedFile } from './tailed-file.ts'

/** What a careless pattern may cost. */
const maxFiles = 10_000
/** Files that are gone may come back under another name that is included. */
const maxRemembered = 10_000

export class FileFinder {
  readonly files = new Map<string, TailedFile>()
  /** Marks of files that are closed and of the instance before this one; the newest last. */
  #remembered: Mark[] = []
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #logger: Logger
  #hasLooked = false
  #hasWarned = false

  constructor(settings: Settings, clock: Clock, logger: Logger) {
    this.#settings = settings
    this.#clock = clock
    this.#logger = logger
  }

  remember(mark: Mark): void {
    if (mark.fingerprint.length === 0) return
    this.#remembered.push(mark)
    if (this.#remembered.length > maxRemembered) this.#remembered.shift()
  }

  /** Of all files that are known, for `save`. */
  marks(): readonly Mark[] {
    return [...this.#remembered, ...this.files.values()].filter(({ fingerprint }) => fingerprint.length > 0)
  }

  async look(): Promise<void> {
    const seen = new Set<string>()
    for (const path of await this.#paths()) {
      try {
        const found = await this.#lookAt(path)
        if (found !== undefined) seen.add(found)
      } catch (error) {
        // Removed between the look into the folder and at the file.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
        this.#logger.warn('A file cannot be read.', { path, error: String(error) })
      }
    }
    for (const [identity, file] of this.files) file.isGone = !seen.has(identity)
    this.#hasLooked = true
  }

  async forget(file: TailedFile): Promise<void> {
    this.files.delete(file.identity)
    const { fingerprint, offset, tail, line } = file
    this.remember({ fingerprint, offset, tail, line })
    await file.close()
  }

  async #paths(): Promise<readonly string[]> {
    const include = this.#settings.include.map((pattern) => resolve(pattern))
    const exclude = this.#settings.exclude.map((pattern) => resolve(pattern))
    const found = new Set<string>()
    for await (const path of glob(include)) if (found.add(path).size >= maxFiles) break
    if (found.size >= maxFiles && !this.#hasWarned) {
      this.#hasWarned = true
      this.#logger.warn('More files match than are read; make `include` narrower.', { limit: maxFiles })
    }
    if (exclude.length > 0 && found.size > 0) for await (const path of glob(exclude)) found.delete(path)
    return [...found].sort()
  }

  /** The identity of the file that is read there now. */
  async #lookAt(path: string): Promise<string | undefined> {
    const info = await stat(path)
    if (!info.isFile()) return undefined
    const identity = `${info.dev}:${info.ino}`
    const known = this.files.get(identity)
    if (known !== undefined) {
      known.path = path
      const now = `${info.size}:${info.mtimeMs}`
      if (known.seen !== now) await this.#compare(known, info.size)
      known.seen = now
      return identity
    }
    const { exclude_older_than: oldMs } = this.#settings
    if (oldMs > 0 && Number(this.#clock.nowUnixNano() / 1_000_000n) - info.mtimeMs > oldMs) return undefined
    const handle = await open(path, 'r')
    const file = new TailedFile(path, identity, await this.#markOf(handle, info.size), handle)
    this.files.set(identity, file)
    if (this.files.size > this.#settings.max_concurrent_files) await file.close()
    return identity
  }

  /** A file that was emptied and written again, or another one on the same inode, is read from its beginning. */
  async #compare(file: TailedFile, size: number): Promise<void> {
    const handle = await file.open()
    const fingerprint = await this.#fingerprintOf(handle)
    const isSame = size >= file.offset && (await isContinued(handle, fingerprint, file))
    if (isSame) file.fingerprint = fingerprint
    else file.restart(fingerprint)
  }

  async #markOf(handle: FileHandle, size: number): Promise<Mark> {
    const fingerprint = await this.#fingerprintOf(handle)
    const known = fingerprint.length > 0 ? await this.#known(handle, fingerprint, size) : undefined
    if (known !== undefined) return known
    const isSkipped = this.#settings.start_at === 'end' && !this.#hasLooked && !this.#settings.replay_file
    if (!isSkipped || size === 0) return { fingerprint, offset: 0, tail: Buffer.alloc(0), line: 1 }
    return { fingerprint, offset: size, tail: await bytesBefore(handle, size), line: undefined }
  }

  /** The file was moved, or a rotation has copied it; of several the one that was read furthest. */
  async #known(handle: FileHandle, fingerprint: Buffer, size: number): Promise<Mark | undefined> {
    let best: Mark | undefined
    for (const mark of [...this.#remembered, ...this.files.values()]) {
      if (mark.fingerprint.length === 0 || mark.offset > size || mark.offset < (best?.offset ?? 0)) continue
      if (await isContinued(handle, fingerprint, mark)) best = mark
    }
    return best && { fingerprint, offset: best.offset, tail: best.tail, line: best.line }
  }

  async #fingerprintOf(handle: FileHandle): Promise<Buffer> {
    const buffer = Buffer.alloc(this.#settings.fingerprint_size)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    return Buffer.from(buffer.subarray(0, bytesRead))
  }
}

function startsWith(text: Buffer, start: Buffer): boolean {
  return text.length >= start.length && text.subarray(0, start.length).equals(start)
}

/** Whether a file is the one of a mark: it begins alike, and what was read last stands at its place. */
async function isContinued(handle: FileHandle, fingerprint: Buffer, mark: Mark): Promise<boolean> {
  return startsWith(fingerprint, mark.fingerprint) && (await bytesBefore(handle, mark.offset)).equals(mark.tail)
}
