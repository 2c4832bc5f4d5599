/** DDSketch (Masson, Rim & Lee 2019): quantiles of non-negative values within a relative error, mergeable, in bounded memory. */

const defaultAccuracy = 0.01
const mostBins = 2048
/** Smaller values count as 0: a logarithmic bin for them would be one more for nothing. */
const leastValue = 1e-9

export class DDSketch {
  readonly accuracy: number
  readonly #gamma: number
  readonly #logGamma: number
  /** Counts of bin `#first + i`. */
  #bins = new Float64Array(64)
  #first = 0
  #used = 0
  #zeros = 0
  #count = 0

  constructor(accuracy = defaultAccuracy) {
    if (!(accuracy > 0 && accuracy < 1)) throw new RangeError(`a relative accuracy is between 0 and 1, not ${accuracy}`)
    this.accuracy = accuracy
    this.#gamma = (1 + accuracy) / (1 - accuracy)
    this.#logGamma = Math.log(this.#gamma)
  }

  get count(): number {
    return this.#count
  }

  /** Throws `RangeError` on a value that is negative or not finite. Amortised O(1). */
  add(value: number, weight = 1): void {
    if (!(value >= 0) || value === Number.POSITIVE_INFINITY)
      throw new RangeError(`a sketch takes finite values of 0 or more, not ${value}`)
    this.#count += weight
    if (value < leastValue) this.#zeros += weight
    else this.#addTo(Math.ceil(Math.log(value) / this.#logGamma), weight)
  }

  /** Throws `RangeError` on a sketch of another accuracy. */
  merge(other: DDSketch): void {
    if (other.accuracy !== this.accuracy)
      throw new RangeError(`sketches of accuracy ${this.accuracy} and ${other.accuracy} do not merge`)
    for (let i = 0; i < other.#used; i++) {
      const count = other.#bins[i] as number
      if (count > 0) this.#addTo(other.#first + i, count)
    }
    this.#zeros += other.#zeros
    this.#count += other.#count
  }

  /** Within the relative accuracy of the value of rank floor(q (count - 1)); NaN while empty. Low quantiles are less sure once bins had to be merged. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN
    const rank = q * (this.#count - 1)
    let seen = this.#zeros
    if (seen > rank) return 0
    for (let i = 0; i < this.#used; i++) {
      seen += this.#bins[i] as number
      if (seen > rank) return (2 * this.#gamma ** (this.#first + i)) / (this.#gamma + 1)
    }
    return (2 * this.#gamma ** (this.#first + this.#used - 1)) / (this.#gamma + 1)
  }

  #addTo(bin: number, count: number): void {
    if (this.#used === 0) {
      this.#first = bin
      this.#used = 1
    } else if (bin < this.#first) this.#growDown(bin)
    else if (bin >= this.#first + this.#used) this.#growUp(bin)
    // What lies below the lowest bin there is room for is counted in it.
    const at = Math.max(0, bin - this.#first)
    this.#bins[at] = (this.#bins[at] as number) + count
  }

  #growDown(bin: number): void {
    const first = Math.max(bin, this.#first + this.#used - mostBins)
    const shift = this.#first - first
    this.#reserve(this.#used + shift)
    this.#bins.copyWithin(shift, 0, this.#used).fill(0, 0, shift)
    this.#first = first
    this.#used += shift
  }

  #growUp(bin: number): void {
    const used = bin - this.#first + 1
    const over = Math.min(Math.max(0, used - mostBins), this.#used)
    if (used > mostBins) {
      let lowest = 0
      for (let i = 0; i < over; i++) lowest += this.#bins[i] as number
      this.#bins.copyWithin(0, over, this.#used).fill(0, this.#used - over)
      this.#first = bin - mostBins + 1
      this.#used = mostBins
      this.#reserve(mostBins)
      this.#bins[0] = (this.#bins[0] as number) + lowest
    } else {
      this.#reserve(used)
      this.#used = used
    }
  }

  #reserve(size: number): void {
    if (size <= this.#bins.length) return
    const larger = new Float64Array(Math.min(mostBins, Math.max(size, this.#bins.length * 2)))
    larger.set(this.#bins)
    this.#bins = larger
  }
}
