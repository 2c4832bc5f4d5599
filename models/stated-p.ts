/**
 * Are p-values what they say? Of quiet entities a share of p has a p-value of p or less, so their own distribution tells by how much those that are stated
 * are too small. Pooled over entities: what is wrong with the model of a class shows in a day there, in months of one entity.
 *
 * The same for what followed what: a quarter of an hour that is strange is as strange a minute later. Given the p-value before it, one says only what is new,
 * so that rules that want independent ones (`run-rules.ts`) may take several in a row.
 */

/** Classes of -ln p: 0.1 % steps where p is large would be noise, tenfold steps where it is small too coarse. */
const width = 0.1
/** p below this are the business of tails, not of shares. */
const leastP = 1e-6
const classes = Math.ceil(-Math.log(leastP) / width) + 1
/** Fewer p-values than this prove nothing. */
const enough = 1_000
/** What came before, from the quietest on: its p was no smaller than the first, the second ... of these. */
const steps = [0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 0] as const
/** Of what is seldom before: what is known of the quieter neighbour counts as so many p-values. */
const borrowed = 10

export interface StatedPState {
  readonly counts: Float64Array
  /** By what came before, then as `counts`. */
  readonly following?: Float64Array
}

export class StatedP {
  readonly #counts = new Float64Array(classes)
  readonly #shares = new Float64Array(classes)
  readonly #following = new Float64Array(steps.length * classes)
  readonly #followingShares = new Float64Array(steps.length * classes)
  /** How many p-values are remembered before older ones fade. */
  readonly #memory: number
  #total = 0
  #nextReview = enough

  constructor(memory = 1_000_000) {
    this.#memory = memory
  }

  /**
   * Takes the p-value of a window of an entity that is not known to be in trouble, and that of the window `before` it, NaN where that is not known. O(1), but
   * for a look at 1,100 classes as the number grows by a tenth.
   */
  learn(p: number, before = Number.NaN): void {
    const at = classOf(p)
    this.#counts[at]! += 1
    if (!Number.isNaN(before)) this.#following[stepOf(before) * classes + at]! += 1
    if (++this.#total >= this.#nextReview) this.#review()
  }

  /** What p is worth: itself, or the share of p-values that were as small, at all or after one like `before`, where that is more. NaN for NaN. */
  corrected(p: number, before = Number.NaN): number {
    if (!(p >= leastP)) return p
    const at = classOf(p)
    const after = Number.isNaN(before) ? 0 : (this.#followingShares[stepOf(before) * classes + at] as number)
    return Math.max(p, this.#shares[at] as number, after)
  }

  save(): StatedPState {
    return { counts: this.#counts, following: this.#following }
  }

  restore({ counts, following }: StatedPState): void {
    for (let i = 0; i < classes; i++) this.#counts[i] = counts[i] ?? 0
    if (following?.length === this.#following.length) this.#following.set(following)
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
    for (let step = 0; step < steps.length; step++) this.#reviewAfter(step, fading)
  }

  #reviewAfter(step: number, fading: number): void {
    const first = step * classes
    let [total, beyond] = [0, 0]
    for (let i = first; i < first + classes; i++) {
      this.#following[i]! *= fading
      total += this.#following[i]!
    }
    for (let i = first + classes - 1; i >= first; i--) {
      const here = this.#following[i]!
      const ofNeighbour = step === 0 ? (this.#shares[i] as number) : (this.#followingShares[i - classes] as number)
      this.#followingShares[i] = (beyond + here / 2 + borrowed * ofNeighbour) / (total + borrowed)
      beyond += here
    }
  }
}

/** p-values as small or smaller that there must be. */
const fewest = 10

function classOf(p: number): number {
  return Math.min(classes - 1, Math.max(0, Math.floor(-Math.log(Math.max(p, leastP)) / width)))
}

function stepOf(p: number): number {
  return steps.findIndex((least) => p >= least)
}
