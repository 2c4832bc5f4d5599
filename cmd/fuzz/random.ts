/** sfc32 (Chris Doty-Humphrey, PractRand): 96 bits of state and a counter, so that each case of each target has a stream of its own. */
export class Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(seed: number, stream: number, salt: number) {
    this.#a = seed | 0
    this.#b = stream | 0
    this.#c = salt | 0
    for (let i = 0; i < 12; i++) this.word()
  }

  /** 32 bits. */
  word(): number {
    const sum = (this.#a + this.#b + this.#count++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }
  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.word() / 0x1_0000_0000) * n)
  }
  /** True once in n. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }
  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!
  }
  /** Mostly small, sometimes up to n - 1. */
  few(n: number): number {
    return this.below(this.below(n) + 1)
  }
}
