/** The hash of a sequence of words, and of the same sequence with variables at some places. Two polynomials of 32 bits: one would collide. */

/** Stands for the word that varies. */
export const star = 0x2545f491
const base1 = 0x01000193
const base2 = 0x85ebca6b
const most = 256
const powers1 = powersOf(base1)
const powers2 = powersOf(base2)

export class WordHash {
  h1 = 0
  h2 = 0

  /** Hashes the first `n` words. */
  of(words: Int32Array, n: number): void {
    let h1 = n
    let h2 = n
    for (let i = 0; i < n; i++) {
      h1 = (Math.imul(h1, base1) + words[i]!) | 0
      h2 = (Math.imul(h2, base2) + words[i]!) | 0
    }
    this.h1 = h1
    this.h2 = h2
  }

  /** 16 hex digits. */
  id(): string {
    return hex(this.h1) + hex(this.h2)
  }

  /** Of the words that were hashed last, with stars at places `i` and `j`; -1 for none. O(1). */
  keyWithStars(words: Int32Array, n: number, i: number, j: number): number {
    let { h1, h2 } = this
    if (i >= 0) {
      const d = (star - words[i]!) | 0
      h1 = (h1 + Math.imul(d, powers1[n - 1 - i]!)) | 0
      h2 = (h2 + Math.imul(d, powers2[n - 1 - i]!)) | 0
    }
    if (j >= 0) {
      const d = (star - words[j]!) | 0
      h1 = (h1 + Math.imul(d, powers1[n - 1 - j]!)) | 0
      h2 = (h2 + Math.imul(d, powers2[n - 1 - j]!)) | 0
    }
    return keyOf(h1, h2)
  }

  /** The same with two stars as a whole number below `hashCells`. */
  cellWithStars(words: Int32Array, n: number, i: number, j: number): number {
    const d = (star - words[i]!) | 0
    const e = (star - words[j]!) | 0
    const h1 = this.h1 + Math.imul(d, powers1[n - 1 - i]!) + Math.imul(e, powers1[n - 1 - j]!)
    const h2 = this.h2 + Math.imul(d, powers2[n - 1 - i]!) + Math.imul(e, powers2[n - 1 - j]!)
    return ((h1 | 0) ^ Math.imul(h2 | 0, 0x9e3779b1)) >>> 12
  }
}

/** How many cells `cellWithStars` tells apart. */
export const hashCells = 1 << 20

/** 53 of the 64 bits, as a number that a Map takes. */
export function keyOf(h1: number, h2: number): number {
  return (h1 >>> 0) * 0x20_0000 + (h2 >>> 11)
}

function powersOf(base: number): Int32Array {
  const powers = new Int32Array(most)
  powers[0] = 1
  for (let i = 1; i < most; i++) powers[i] = Math.imul(powers[i - 1]!, base)
  return powers
}

function hex(x: number): string {
  return (x >>> 0).toString(16).padStart(8, '0')
}
