/**
 * One file. A message is accepted when the operating system has it: what comes while a write runs goes into the next one together, so that
 * no timer is needed and nothing accepted waits in memory.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Clock, Rejected } from '../../pipeline/component.ts'
import type { Rotation } from './config.ts'
import { removeOld, rotateAside } from './rotated-files.ts'

/** What may wait for a slow disk; more is refused, so that the sender waits. */
const maxWaitingBytes = 64 << 20
/** Buffers that one system call takes. */
const maxBuffersPerWrite = 512
const defaultMegabytes = 100
/** Errors that the same path gives again, however often it is tried. */
const lasting = new Set(['EISDIR', 'ENAMETOOLONG', 'ENOTDIR', 'EINVAL', 'ELOOP', 'ERR_INVALID_ARG_VALUE'])

export interface FileSettings {
  readonly path: string
  readonly append: boolean
  readonly rotation: Rotation | undefined
  readonly clock: Clock
  /** What did not work and cost no data. */
  readonly warn: (message: string, fields: object) => void
}

interface Waiting {
  readonly parts: readonly Uint8Array[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class FileWriter {
  private readonly settings: FileSettings
  private readonly maxBytes: number
  private handle: FileHandle | undefined
  /** Behind the last whole message. */
  private size = 0
  /** Pipes and devices have no place to write to. */
  private isSeekable = true
  private waiting: Waiting[] = []
  private waitingBytes = 0
  private draining: Promise<void> | undefined
  private isClosed = false

  constructor(settings: FileSettings) {
    this.settings = settings
    const megabytes = settings.rotation?.max_megabytes ?? 0
    this.maxBytes = settings.rotation ? (megabytes || defaultMegabytes) * 1024 * 1024 : Number.POSITIVE_INFINITY
  }

  /** Opens the file, so that a path that cannot be written is known early. */
  async open(): Promise<void> {
    const { rotation } = this.settings
    if (rotation) await this.removeOld(rotation)
    await this.openFile()
  }

  /** Resolves when the message is in the file as a whole. */
  write(parts: readonly Uint8Array[]): Promise<void> {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    const { path } = this.settings
    // Opening it again would empty it.
    if (this.isClosed) return Promise.reject(new Rejected(`file: ${path} is closed`, { retryable: true }))
    if (bytes > this.maxBytes) {
      const problem = `file: a batch of ${bytes} bytes is larger than rotation::max_megabytes allows for ${path}`
      return Promise.reject(new Rejected(`${problem}; raise it or send smaller batches`, { retryable: false }))
    }
    if (this.waitingBytes > 0 && this.waitingBytes + bytes > maxWaitingBytes) {
      return Promise.reject(
        new Rejected(`file: ${this.waitingBytes} bytes wait for ${path} already`, { retryable: true }),
      )
    }
    this.waitingBytes += bytes
    return new Promise((resolve, reject) => {
      this.waiting.push({ parts, bytes, resolve, reject })
      this.draining ??= this.drain()
    })
  }

  /** Writes what waits, then closes. */
  async close(): Promise<void> {
    this.isClosed = true
    await this.draining
    const { handle } = this
    this.handle = undefined
    await handle?.close()
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.nextGroup()
      try {
        await this.writeGroup(group)
        for (const { resolve } of group) resolve()
      } catch (cause) {
        const refusal = refusalOf(this.settings.path, cause)
        for (const { reject } of group) reject(refusal)
      }
      for (const { bytes } of group) this.waitingBytes -= bytes
    }
    this.draining = undefined
  }

  /** What fits into the current file, or into a new one. */
  private nextGroup(): Waiting[] {
    let bytes = 0
    let buffers = 0
    let count = 0
    const room = this.maxBytes - this.size
    for (const message of this.waiting) {
      const isFirst = count === 0
      if (!isFirst && (bytes + message.bytes > room || buffers + message.parts.length > maxBuffersPerWrite)) break
      bytes += message.bytes
      buffers += message.parts.length
      count++
    }
    return this.waiting.splice(0, count)
  }

  private async writeGroup(group: readonly Waiting[]): Promise<void> {
    const bytes = group.reduce((sum, message) => sum + message.bytes, 0)
    // A rotation that failed halfway left no file open.
    if (this.handle === undefined) await this.openFile()
    if (this.size > 0 && this.size + bytes > this.maxBytes) await this.rotate()
    try {
      await this.writeAll(group.flatMap(({ parts }) => parts))
      this.size += bytes
    } catch (cause) {
      // Half a message would spoil the file for its readers.
      if (this.isSeekable) await this.handle?.truncate(this.size).catch(() => {})
      throw cause
    }
  }

  private async writeAll(buffers: readonly Uint8Array[]): Promise<void> {
    let rest = buffers.filter((buffer) => buffer.length > 0)
    let place = this.size
    while (rest.length > 0) {
      const some = rest.slice(0, maxBuffersPerWrite)
      const { bytesWritten } = await this.handle!.writev(some, this.isSeekable ? place : undefined)
      place += bytesWritten
      let taken = bytesWritten
      while (rest.length > 0 && taken >= rest[0]!.length) {
        taken -= rest[0]!.length
        rest = rest.slice(1)
      }
      if (taken > 0) rest = [rest[0]!.subarray(taken), ...rest.slice(1)]
    }
  }

  private async openFile(): Promise<void> {
    const { path, append, rotation } = this.settings
    const isKept = append || rotation !== undefined
    const flags = constants.O_WRONLY | constants.O_CREAT | (isKept ? constants.O_APPEND : constants.O_TRUNC)
    const handle = await open(path, flags, 0o644)
    const found = await handle.stat()
    this.handle = handle
    this.isSeekable = found.isFile()
    this.size = found.isFile() ? found.size : 0
  }

  private async rotate(): Promise<void> {
    const { path, clock, rotation } = this.settings
    await this.handle?.close()
    this.handle = undefined
    await rotateAside(path, unixMsOf(clock), rotation?.localtime ?? false)
    await this.openFile()
    if (rotation) await this.removeOld(rotation)
  }

  private async removeOld(rotation: Rotation): Promise<void> {
    const { path, clock, warn } = this.settings
    try {
      await removeOld(path, rotation, unixMsOf(clock))
    } catch (cause) {
      warn('Did not remove old rotated files.', { path, error: String(cause) })
    }
  }
}

export function refusalOf(path: string, cause: unknown): Rejected {
  const { code, message } = cause as NodeJS.ErrnoException
  return new Rejected(`file: writing to ${path}: ${message}`, { retryable: !lasting.has(code ?? ''), cause })
}

function unixMsOf(clock: Clock): number {
  return Number(clock.nowUnixNano() / 1_000_000n)
}
