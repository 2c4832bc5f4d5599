/** A forest over the items of late, grown anew from time to time, and the score above which an item is among the oddest. */
import { fitIsolationForest, type IsolationForest, isolationScores } from '../../models/isolation-forest.ts'
import { quantileOfSorted } from '../../models/order-statistics.ts'

export interface ForestSettings {
  readonly trees: number
  readonly subsample: number
  readonly contamination: number
  /** Items that must have been seen before there is a forest. */
  readonly minSamples: number
  readonly trainingWindowMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** As upstream: fewer scores say nothing of a share of them. */
const minScores = 50
/** The score of an item while there is no forest, and the threshold before there are scores. */
const neutral = 0.5

export class LearnedForest {
  /** Values in an item. */
  readonly width: number
  private readonly settings: ForestSettings
  private size: number
  private rows: Float64Array
  private times: Float64Array
  private scores: Float64Array
  private seen = 0
  private scored = 0
  /** How many were scored when the threshold was set. */
  private sortedAt = Number.NEGATIVE_INFINITY
  private forest: IsolationForest | undefined
  threshold = neutral

  constructor(width: number, size: number, settings: ForestSettings) {
    this.width = width
    this.size = size
    this.settings = settings
    this.rows = new Float64Array(size * width)
    this.times = new Float64Array(size)
    this.scores = new Float64Array(size)
  }

  get windowSize(): number {
    return this.size
  }
  get samples(): number {
    return this.seen
  }
  get isTrained(): boolean {
    return this.forest !== undefined
  }

  /** Scores of items that are laid out one after the other, by what was known before them; then it learns them. */
  take(rows: Float64Array, nowMs: number): { readonly scores: Float64Array; readonly threshold: number } {
    const count = rows.length / this.width
    const threshold = this.threshold
    const scores =
      this.forest === undefined ? new Float64Array(count).fill(neutral) : isolationScores(this.forest, rows)
    for (let i = 0; i < count; i++) {
      const at = this.seen++ % this.size
      this.rows.set(rows.subarray(i * this.width, (i + 1) * this.width), at * this.width)
      this.times[at] = nowMs
      // Scores without a forest are all the same and say nothing of what is odd.
      if (this.forest !== undefined) this.scores[this.scored++ % this.size] = scores[i]!
    }
    this.setThreshold()
    if (this.forest === undefined && this.seen >= Math.min(this.settings.minSamples, this.size)) this.grow(nowMs)
    return { scores, threshold }
  }

  /** Grows the forest anew of what was seen within the training window. */
  grow(nowMs: number): void {
    const kept = Math.min(this.seen, this.size)
    const oldest = nowMs - this.settings.trainingWindowMs
    const rows = new Float64Array(kept * this.width)
    let count = 0
    for (let i = 0; i < kept; i++) {
      if (this.times[i]! < oldest) continue
      rows.set(this.rows.subarray(i * this.width, (i + 1) * this.width), count++ * this.width)
    }
    if (count < Math.min(this.settings.minSamples, this.size)) return
    const { trees, subsample, random } = this.settings
    const isFirst = this.forest === undefined
    const learned = rows.subarray(0, count * this.width)
    this.forest = fitIsolationForest(learned, this.width, { random, trees, subsample: Math.min(subsample, count) })
    // The first threshold comes from what was learned, so that the first items are not judged by nothing.
    if (!isFirst) return
    for (const score of isolationScores(this.forest, learned)) this.scores[this.scored++ % this.size] = score
    this.setThreshold()
  }

  /** Keeps the newest items that fit. */
  resize(size: number): void {
    const kept = Math.min(this.seen, this.size, size)
    const rows = new Float64Array(size * this.width)
    const times = new Float64Array(size)
    for (let i = 0; i < kept; i++) {
      const from = (this.seen - kept + i) % this.size
      rows.set(this.rows.subarray(from * this.width, (from + 1) * this.width), i * this.width)
      times[i] = this.times[from]!
    }
    const keptScores = Math.min(this.scored, this.size, size)
    const scores = new Float64Array(size)
    for (let i = 0; i < keptScores; i++) scores[i] = this.scores[(this.scored - keptScores + i) % this.size]!
    this.size = size
    this.rows = rows
    this.times = times
    this.scores = scores
    this.seen = kept
    this.scored = keptScores
    this.sortedAt = Number.NEGATIVE_INFINITY
  }

  save(): SavedForest {
    const { width, size, rows, times, scores, seen, scored, forest, threshold } = this
    return { width, size, rows, times, scores, seen, scored, forest, threshold }
  }

  /** Of items of the same values. */
  restore(saved: SavedForest): void {
    const size = this.size
    this.size = saved.size
    this.rows = saved.rows
    this.times = saved.times
    this.scores = saved.scores
    this.seen = saved.seen
    this.scored = saved.scored
    this.forest = saved.forest
    this.threshold = saved.threshold
    if (size !== saved.size) this.resize(size)
  }

  private setThreshold(): void {
    const count = Math.min(this.scored, this.size)
    // A large window takes milliseconds to sort, and a hundredth of it changes little.
    if (count < minScores || this.scored - this.sortedAt < this.size / 100) return
    this.sortedAt = this.scored
    this.threshold = quantileOfSorted(this.scores.slice(0, count).sort(), 1 - this.settings.contamination)
  }
}

export interface SavedForest {
  readonly width: number
  readonly size: number
  readonly rows: Float64Array
  readonly times: Float64Array
  readonly scores: Float64Array
  readonly seen: number
  readonly scored: number
  readonly forest: IsolationForest | undefined
  readonly threshold: number
}
