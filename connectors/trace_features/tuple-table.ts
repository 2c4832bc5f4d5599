/** Finds things by a few whole numbers: open addressing, no text made. */
export class TupleTable<T> {
  private readonly width: number
  private readonly things: T[] = []
  private slots = new Int32Array(1_024)
  private tuples: Uint32Array

  /** Of tuples of `width` numbers. */
  constructor(width: number) {
    this.width = width
    this.tuples = new Uint32Array(512 * width)
  }

  get size(): number {
    return this.things.length
  }

  find(tuple: Uint32Array): T | undefined {
    const { slots, tuples, width } = this
    const mask = slots.length - 1
    let slot = this.hash(tuple, 0) & mask
    for (let next = slots[slot]!; next !== 0; slot = (slot + 1) & mask, next = slots[slot]!) {
      const at = (next - 1) * width
      let i = 0
      while (i < width && tuples[at + i] === tuple[i]) i++
      if (i === width) return this.things[next - 1]
    }
    return undefined
  }

  /** Of a tuple that is not there. */
  add(tuple: Uint32Array, thing: T): void {
    const { width } = this
    const index = this.things.push(thing) - 1
    if ((index + 1) * width > this.tuples.length) {
      const larger = new Uint32Array(this.tuples.length * 2)
      larger.set(this.tuples)
      this.tuples = larger
    }
    this.tuples.set(tuple, index * width)
    if (this.things.length * 2 > this.slots.length) {
      this.slots = new Int32Array(this.slots.length * 2)
      for (let i = 0; i <= index; i++) this.place(i)
    } else this.place(index)
  }

  private place(index: number): void {
    const { slots, tuples, width } = this
    const mask = slots.length - 1
    let slot = this.hash(tuples, index * width) & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = index + 1
  }

  private hash(words: Uint32Array, from: number): number {
    let hash = 0x9e37_79b1
    for (let i = from; i < from + this.width; i++) {
      hash = Math.imul(hash ^ words[i]!, 0x85eb_ca6b)
      hash ^= hash >>> 13
    }
    return hash ^ (hash >>> 16)
  }
}
