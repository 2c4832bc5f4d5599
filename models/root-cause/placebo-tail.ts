/**
 * What a surprise is worth, told by placebos: the same question asked at times when nothing was the matter. A figure that jumps every hour is no evidence when
 * it jumps once more, whatever its p-value.
 */
export class PlaceboTail {
  private readonly placebos: Float64Array
  private readonly threshold: number
  private readonly beyond: number
  private readonly scale: number

  /** `placebos` in any order; one of them may well be of a real fault that nobody told of. */
  constructor(placebos: readonly number[]) {
    this.placebos = Float64Array.from(placebos).sort()
    const n = this.placebos.length
    this.beyond = Math.min(n, Math.max(leastBeyond, Math.ceil(n * shareBeyond)))
    this.threshold = this.placebos[n - this.beyond] ?? 0
    let excess = 0
    for (let i = n - this.beyond; i < n; i++) excess += this.placebos[i]! - this.threshold
    this.scale = Math.max(1, this.beyond === 0 ? 1 : excess / this.beyond)
  }

  /** -ln p by the placebos, never more than `surprise` itself: counted where there are enough, beyond that by their exponential tail. Unchanged for fewer than 20 placebos. */
  calibrated(surprise: number): number {
    const n = this.placebos.length
    if (n < leastPlacebos) return surprise
    if (surprise > this.threshold)
      return Math.min(surprise, Math.log((n + 1) / (this.beyond + 1)) + (surprise - this.threshold) / this.scale)
    let [low, high] = [0, n]
    while (low < high) {
      const at = (low + high) >> 1
      if (this.placebos[at]! < surprise) low = at + 1
      else high = at
    }
    return Math.min(surprise, Math.log((n + 1) / (n - low + 1)))
  }
}

const leastPlacebos = 20
/** The tail is that of the largest 5 %. */
const shareBeyond = 0.05
const leastBeyond = 5
