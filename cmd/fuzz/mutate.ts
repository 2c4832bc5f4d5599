/** Damage at the level of bytes, as AFL's havoc stage does it: stacked flips, interesting numbers, moved blocks, tokens and splices. */
import type { Random } from './random.ts'

const numbers8 = [0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 129, 191, 192, 254, 255]
const numbers32 = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, 0x7fff, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff,
]
const maxBlock = 64

/** Works in one buffer of its own; the answer is a copy. */
export class Mutator {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #length = 0

  constructor(maxBytes: number) {
    this.#bytes = new Uint8Array(maxBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  mutate(input: Uint8Array, random: Random, tokens: readonly Uint8Array[], others: readonly Uint8Array[]): Uint8Array {
    const length = Math.min(input.length, this.#bytes.length)
    this.#bytes.set(length === input.length ? input : input.subarray(0, length))
    this.#length = length
    for (let steps = 1 << random.few(5); steps > 0; steps--) this.#step(random, tokens, others)
    return this.#bytes.slice(0, this.#length)
  }

  #step(random: Random, tokens: readonly Uint8Array[], others: readonly Uint8Array[]): void {
    const bytes = this.#bytes
    const length = this.#length
    const at = random.below(length + 1)
    if (length === 0) {
      this.#insert(0, random.pick(tokens))
      return
    }
    const inside = Math.min(at, length - 1)
    const block = Math.min(1 + random.few(maxBlock), length - inside)
    switch (random.below(14)) {
      case 0:
        bytes[inside]! ^= 1 << random.below(8)
        return
      case 1:
        bytes[inside] = random.word()
        return
      case 2:
        bytes[inside] = random.pick(numbers8)
        return
      case 3:
        bytes[inside]! += random.below(33) - 16
        return
      case 4:
        if (inside + 4 <= length) this.#view.setUint32(inside, random.pick(numbers32), random.oneIn(2))
        return
      case 5:
        this.#remove(inside, block)
        return
      case 6:
        this.#insert(at, bytes.slice(inside, inside + block))
        return
      case 7:
        this.#insert(at, random.pick(tokens))
        return
      case 8: {
        const token = random.pick(tokens)
        bytes.set(token.subarray(0, length - inside), inside)
        return
      }
      case 9:
        bytes.copyWithin(random.below(length - block + 1), inside, inside + block)
        return
      case 10:
        if (random.oneIn(4)) this.#length = at
        return
      case 11: {
        // The same thing over and over: nesting, repeated headers, lists.
        const piece = bytes.slice(inside, inside + block)
        for (let times = 1 << random.below(6); times > 0; times--) this.#insert(inside, piece)
        return
      }
      case 12: {
        const piece = new Uint8Array(1 + random.few(16))
        for (let i = 0; i < piece.length; i++) piece[i] = random.word()
        this.#insert(at, piece)
        return
      }
      default: {
        const other = random.pick(others)
        if (other === undefined || other.length === 0) return
        const from = random.below(other.length)
        const piece = other.subarray(from, from + 1 + random.below(other.length - from))
        if (random.oneIn(2)) this.#length = at
        this.#insert(Math.min(at, this.#length), piece)
      }
    }
  }

  #insert(at: number, piece: Uint8Array | undefined): void {
    if (piece === undefined) return
    const room = this.#bytes.length - this.#length
    const added = piece.length <= room ? piece : piece.subarray(0, room)
    this.#bytes.copyWithin(at + added.length, at, this.#length)
    this.#bytes.set(added, at)
    this.#length += added.length
  }

  #remove(at: number, count: number): void {
    this.#bytes.copyWithin(at, at + count, this.#length)
    this.#length -= count
  }
}
