/** Which of the numbered items were acknowledged, and which arrived: two bits an item. */
export class Ledger {
  #acknowledged = new Uint8Array(1 << 20)
  #received = new Uint8Array(1 << 20)
  #next = 0
  acknowledgedCount = 0
  receivedCount = 0
  duplicates = 0

  get sent(): number {
    return this.#next
  }

  /** The first of `count` fresh numbers. */
  take(count: number): number {
    const from = this.#next
    this.#next += count
    while (this.#next > this.#acknowledged.length) {
      this.#acknowledged = doubled(this.#acknowledged)
      this.#received = doubled(this.#received)
    }
    return from
  }

  acknowledge(from: number, count: number): void {
    this.#acknowledged.fill(1, from, from + count)
    this.acknowledgedCount += count
  }

  receive(number: number): void {
    if (this.#received[number] === 1) this.duplicates++
    else this.receivedCount++
    this.#received[number] = 1
  }

  /** Acknowledged and never received. */
  lost(): number {
    let lost = 0
    for (let i = 0; i < this.#next; i++) if (this.#acknowledged[i] === 1 && this.#received[i] !== 1) lost++
    return lost
  }
}

function doubled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2)
  larger.set(bytes)
  return larger
}
