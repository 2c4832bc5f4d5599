/**
 * Writes lines to a descriptor without ever waiting for it: one write at a time, a bounded rest in memory.
 * Not pino's own destination, whose last flush never ends on a broken pipe.
 */
import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'

/** Unwritten bytes. A single line larger than that is lost too. */
const maxHeldBytes = 16 * 1024 * 1024
const chunkBytes = 64 * 1024
const retryMs = 50
/** A write that takes this long is stuck: its reader is gone or asleep. */
const stuckMs = 1_000

interface LineWriterEvents {
  /** A line was lost, since too much waits already. */
  onDrop(): void
  /** A write failed; it is tried again with the next line. */
  onError(error: Error): void
}

export class LineWriter {
  private readonly fd: number
  private readonly events: LineWriterEvents
  private lines: string[] = []
  private heldBytes = 0
  /** What is being written, or what the last write left. */
  private chunk: Buffer = Buffer.alloc(0)
  private writingSince: number | undefined
  private retry: NodeJS.Timeout | undefined
  private ended: (() => void) | undefined

  constructor(fd: number, events: LineWriterEvents) {
    this.fd = fd
    this.events = events
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.ended || this.heldBytes + bytes > maxHeldBytes) {
      this.events.onDrop()
      return
    }
    this.lines.push(line)
    this.heldBytes += bytes
    if (this.writingSince === undefined && this.retry === undefined) this.next()
  }

  /** Writes what is held, for at most a second, and closes the descriptor. Later lines are lost. */
  end(): Promise<void> {
    if (this.ended) return Promise.resolve()
    return new Promise((resolve) => {
      const late = setTimeout(() => this.finish(), stuckMs)
      this.ended = () => {
        clearTimeout(late)
        resolve()
      }
      if (this.writingSince === undefined) this.next()
    })
  }

  /** When the process ends: what is held, unless the reader is stuck. */
  flushSync(): void {
    if (this.writingSince !== undefined && performance.now() - this.writingSince > stuckMs) return
    // What is being written arrives by itself.
    const held = this.writingSince === undefined ? [this.chunk] : []
    let rest = Buffer.concat([...held, Buffer.from(this.lines.join(''))])
    this.lines = []
    const deadline = performance.now() + stuckMs
    while (rest.length > 0 && performance.now() < deadline) {
      try {
        rest = rest.subarray(writeSync(this.fd, rest))
      } catch (error) {
        if (!isBusy(error)) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
      }
    }
  }

  private next(): void {
    clearTimeout(this.retry)
    this.retry = undefined
    if (this.chunk.length === 0) this.chunk = this.takeChunk()
    if (this.chunk.length === 0) {
      this.finish()
      return
    }
    this.writingSince = performance.now()
    write(this.fd, this.chunk, (error, written) => {
      this.writingSince = undefined
      if (!error) {
        this.heldBytes -= written
        this.chunk = this.chunk.subarray(written)
        this.next()
      } else if (isBusy(error)) {
        this.retry = setTimeout(() => this.next(), retryMs)
        this.retry.unref()
      } else {
        this.events.onError(error)
        this.finish()
      }
    })
  }

  private takeChunk(): Buffer {
    let count = 0
    let size = 0
    while (count < this.lines.length && size < chunkBytes) size += this.lines[count++]!.length
    return Buffer.from(this.lines.splice(0, count).join(''))
  }

  /** Nothing more can be written now; once it is ended, that is all. */
  private finish(): void {
    const { ended } = this
    if (!ended) return
    this.ended = () => {}
    clearTimeout(this.retry)
    // A descriptor that is written to must not be given to somebody else.
    if (this.writingSince === undefined && this.fd > 2) closeSync(this.fd)
    ended()
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY')
}

/** stdout or stderr such that a full pipe says "later" instead of blocking a thread, for ever if need be. */
export function openStandard(fd: 1 | 2): number {
  if (process.platform !== 'linux' || !fstatSync(fd).isFIFO()) return fd
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return fd
  }
}
