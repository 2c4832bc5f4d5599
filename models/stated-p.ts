/**
 * Are p-values what they say? Of quiet entities a share of p has a p-value of p or less, so their own distribution tells by how much those that are stated
 * are too small. Pooled over entities: what is wrong with the model of a class shows in a day there, in months of one entity.
 */

/** Classes of -ln p: 0.1 % steps where p is large would be noise, tenfold steps where it is small too coarse. */
const width = 0.1
/** p below this are the business of tails, not of shares. */
const leastP = 1e-6
const classes = Math.ceil(-Math.log(leastP) / width) + 1
/** Fewer p-values than this prove nothing. */
const enough = 1_000

export interface StatedPState {
  readonly counts: Float64Array
}

export class StatedP {
  readonly #counts = new Float64Array(classes)
  readonly #shares = new Float64Array(classes)
  /** How many p-values are remembered before older ones fade. */
  readonly #memory: number
  #total = 0
  #nextReview = enough

  constructor(memory = 1_000_000) {
    this.#memory = memory
  }

  /** Takes the p-value of a window of an entity that is not known to be in trouble. O(1), but for a look at 140 classes as the number grows by a tenth. */
  learn(p: number): void {
    this.#counts[classOf(p)]! += 1
    if (++this.#total >= this.#nextReview) this.#review()
  }

  /** What p is worth: itself, or the share of p-values that were as small, where that is more. NaN for NaN. */
  corrected(p: number): number {
    const share = this.#shares[classOf(p)] ?? 0
    return p >= leastP && share > p ? share : p
  }

  save(): StatedPState {
    return { counts: this.#counts }
  }

  restore({ counts }: StatedPState): void {
    for (let i = 0; i < classes; i++) this.#counts[i] = counts[i] ?? 0
    this.#total = this.#counts.reduce((sum, count) => sum + count, 0)
    if (this.#total >= enough) this.#review()
  }

  #review(): void {
    const fading = this.#total > this.#memory ? 0.5 : 1
    let [total, beyond] = [0, 0]
    for (let i = 0; i < classes; i++) {
      this.#counts[i]! *= fading
      total += this.#counts[i]!
    }
    for (let i = classes - 1; i >= 0; i--) {
      const here = this.#counts[i]!
      // In the middle of the class; a class of few says little, and then what is stated counts.
      const share = (beyond + here / 2) / total
      beyond += here
      this.#shares[i] = beyond >= fewest ? share : 0
    }
    this.#total = total
    this.#nextReview = total * 1.1 + 1
  }
}

/** p-values as small or smaller that there must be. */
const fewest = 10

function classOf(p: number): number {
  return Math.min(classes - 1, Math.max(0, Math.floor(-Math.log(Math.max(p, leastP)) / width)))
}
