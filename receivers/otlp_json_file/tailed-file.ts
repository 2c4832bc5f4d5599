/** One file: what identifies it, how far it was read, and the reading of its next lines. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Batch } from '../../pipeline/data/telemetry.ts'

export interface Mark {
  /** The first bytes of the file, as many as it had when last looked at. */
  fingerprint: Buffer
  /** Where the first line begins that was not accepted. */
  offset: number
  /** The bytes before `offset`: files of one writer often begin alike, and differ here. */
  tail: Buffer
  /** Number of that line; undefined when reading did not begin at the beginning. */
  line: number | undefined
}

interface Limits {
  readonly maxLineBytes: number
  readonly flushMs: number
  readonly nowMs: number
}
export type Taken = 'next' | 'stop'
export interface LineTaker {
  /** `stop` = the line was refused and comes again. */
  take(line: Buffer): Promise<Taken>
  tooLong(): void
}

const firstBufferBytes = 65_536
const tailBytes = 64
const newline = 10

export class TailedFile implements Mark {
  path: string
  readonly identity: string
  fingerprint: Buffer
  offset: number
  tail: Buffer
  line: number | undefined
  handle: FileHandle | undefined
  /** No path leads to it any more: it was moved out of sight or removed. */
  isGone = false
  /** Of the line at `offset`: what was not accepted yet. */
  pending: Batch | undefined
  /** The same of a line that is no longer in the file. */
  owed: Batch | undefined
  notBeforeMs = 0
  /** When something was last read from it. */
  changedMs = 0
  /** As it was when its beginning was last compared. */
  seen = ''
  /** The end of a line that is too long is looked for. */
  #isSkipping = false
  #restBytes = 0
  #restSinceMs = 0

  constructor(path: string, identity: string, mark: Mark, handle: FileHandle) {
    this.path = path
    this.identity = identity
    this.fingerprint = mark.fingerprint
    this.offset = mark.offset
    this.tail = mark.tail
    this.line = mark.line
    this.handle = handle
  }

  async open(): Promise<FileHandle> {
    this.handle ??= await open(this.path, 'r')
    return this.handle
  }

  async close(): Promise<void> {
    const { handle } = this
    this.handle = undefined
    await handle?.close()
  }

  restart(fingerprint: Buffer): void {
    this.owed ??= this.pending
    this.pending = undefined
    this.fingerprint = fingerprint
    this.offset = 0
    this.tail = Buffer.alloc(0)
    this.line = 1
    this.#isSkipping = false
    this.#restBytes = 0
  }

  /** Reads on to the end of the file, or until a line is refused. True = the end was reached and nothing is left over. */
  async read(taker: LineTaker, limits: Limits): Promise<boolean> {
    const handle = await this.open()
    const before = this.offset
    try {
      return await this.#read(handle, taker, limits)
    } finally {
      if (this.offset !== before) {
        this.changedMs = limits.nowMs
        this.tail = await bytesBefore(handle, this.offset)
      }
    }
  }

  async #read(handle: FileHandle, taker: LineTaker, limits: Limits): Promise<boolean> {
    let buffer: Buffer = Buffer.allocUnsafe(firstBufferBytes)
    let start = 0
    let end = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, end, buffer.length - end, this.offset + end - start)
      if (bytesRead === 0) break
      let searchFrom = end
      end += bytesRead
      for (
        let at = buffer.indexOf(newline, searchFrom);
        at >= 0 && at < end;
        at = buffer.indexOf(newline, searchFrom)
      ) {
        if ((await this.#take(buffer.subarray(start, at), taker, limits)) === 'stop') return false
        this.#advance(at + 1 - start)
        if (this.line !== undefined) this.line++
        start = at + 1
        searchFrom = start
      }
      if (end - start > limits.maxLineBytes) {
        if (!this.#isSkipping) taker.tooLong()
        this.#isSkipping = true
        this.#advance(end - start)
        start = end
      }
      buffer = roomAfter(buffer, start, end)
      end -= start
      start = 0
    }
    return this.#rest(buffer.subarray(start, end), taker, limits)
  }

  #advance(bytes: number): void {
    this.offset += bytes
    this.#restBytes = 0
  }

  async #take(line: Buffer, taker: LineTaker, { maxLineBytes }: Limits): Promise<Taken> {
    const isRest = this.#isSkipping
    this.#isSkipping = false
    if (!isRest && line.length <= maxLineBytes) return taker.take(line)
    if (!isRest) taker.tooLong()
    return 'next'
  }

  /** A last line without its end is either still being written or all there is. */
  async #rest(rest: Buffer, taker: LineTaker, { flushMs, nowMs }: Limits): Promise<boolean> {
    if (rest.length === 0) return true
    if (rest.length !== this.#restBytes) {
      this.#restBytes = rest.length
      this.#restSinceMs = nowMs
      this.changedMs = nowMs
      return false
    }
    // Half a line is no JSON: it would be skipped here and its other half later.
    if (flushMs === 0 || nowMs - this.#restSinceMs < flushMs || this.#isSkipping || !isWhole(rest)) return false
    if ((await taker.take(rest)) === 'stop') return false
    this.#advance(rest.length)
    return true
  }
}

/** The last bytes before a place in a file. */
export async function bytesBefore(handle: FileHandle, offset: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.min(tailBytes, offset))
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset - buffer.length)
  return Buffer.from(buffer.subarray(0, bytesRead))
}

function isWhole(text: Buffer): boolean {
  if (text.at(-1) !== 0x7d) return false
  try {
    JSON.parse(text.toString('utf8'))
    return true
  } catch {
    return false
  }
}

/** What is not consumed at the front of a buffer that has room behind it. */
function roomAfter(buffer: Buffer, start: number, end: number): Buffer {
  const size = end - start
  const next = size > buffer.length / 2 ? Buffer.allocUnsafe(buffer.length * 2) : buffer
  buffer.copy(next, 0, start, end)
  return next
}
