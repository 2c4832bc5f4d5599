/** How many bytes of free memory one owner keeps for its next messages. */
const maxFreeBytes = 8 * 1024 * 1024
const granule = 64 * 1024

/**
 * Memory for messages, used again. A fresh buffer of some megabytes for each request costs more than the copy into it: in the
 * garbage collector and in page faults.
 */
export class SpareMemory {
  readonly #free: Buffer[] = []
  #freeBytes = 0

  /** At least `length` bytes, with anything in them. */
  take(length: number): Buffer {
    const at = this.#free.findIndex((buffer) => buffer.length >= length)
    if (at < 0) return Buffer.allocUnsafeSlow(Math.ceil(length / granule) * granule)
    const [buffer] = this.#free.splice(at, 1)
    this.#freeBytes -= buffer!.length
    return buffer!
  }

  /** Only when nothing reads it any more. */
  give(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > maxFreeBytes) return
    this.#free.push(buffer)
    this.#freeBytes += buffer.length
  }
}
