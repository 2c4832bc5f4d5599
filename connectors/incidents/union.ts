/** Disjoint sets of spots (Tarjan 1975, with path halving), in which what persons have put apart stays apart. */
import type { Spot } from './spot.ts'

export class Union {
  readonly #parent = new Map<Spot, Spot>()
  readonly #pin = new Map<Spot, string>()

  constructor(spots: readonly Spot[]) {
    const first = new Map<string, Spot>()
    for (const spot of spots) {
      this.#parent.set(spot, spot)
      if (spot.pin === undefined) continue
      this.#pin.set(spot, spot.pin)
      const known = first.get(spot.pin)
      if (known === undefined) first.set(spot.pin, spot)
      else this.join(known, spot)
    }
  }

  find(spot: Spot): Spot {
    let at = spot
    for (let parent = this.#parent.get(at)!; parent !== at; parent = this.#parent.get(at)!) {
      const above = this.#parent.get(parent)!
      this.#parent.set(at, above)
      at = above
    }
    return at
  }

  join(a: Spot, b: Spot): void {
    const [rootA, rootB] = [this.find(a), this.find(b)]
    if (rootA === rootB) return
    const [pinA, pinB] = [this.#pin.get(rootA), this.#pin.get(rootB)]
    if (pinA !== undefined && pinB !== undefined && pinA !== pinB) return
    this.#parent.set(rootB, rootA)
    const pin = pinA ?? pinB
    if (pin !== undefined) this.#pin.set(rootA, pin)
  }
}
