/** A forest over the items of late, grown anew from time to time, and the score above which an item is among the oddest. */

import { fitIsolationForest, type IsolationForest, isolationScores } from '../../models/isolation-forest.ts'
import { quantileOfSorted } from '../../models/order-statistics.ts'
import type { Model } from '../../models/runtime/messages.ts'
import type { Inference, LoadedModel } from '../../pipeline/capability/inference.ts'

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
/** Fewer are scored here before the thread has even heard of them. */
const worthAsking = 64
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
  /** `forest` where larger batches are scored; undefined until it is there. */
  private loaded: LoadedModel | undefined
  private inference: Inference | undefined
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

  /**
   * Scores of items that are laid out one after the other, by what was known before them; then it learns them. Values are taken in single precision, so
   * that scores are the same wherever they are computed.
   */
  async take(
    values: readonly number[],
    nowMs: number,
  ): Promise<{ readonly scores: Float64Array; readonly threshold: number }> {
    const rows = Float64Array.from(values, Math.fround)
    const count = rows.length / this.width
    const { forest, threshold } = this
    const scores = forest === undefined ? new Float64Array(count).fill(neutral) : await this.scoresOf(forest, rows)
    for (let i = 0; i < count; i++) {
      const at = this.seen++ % this.size
      this.rows.set(rows.subarray(i * this.width, (i + 1) * this.width), at * this.width)
      this.times[at] = nowMs
      // Scores without a forest are all the same and say nothing of what is odd.
      if (forest !== undefined) this.scores[this.scored++ % this.size] = scores[i]!
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
    const forest = fitIsolationForest(learned, this.width, { random, trees, subsample: Math.min(subsample, count) })
    this.use(forest)
    // The first threshold comes from what was learned, so that the first items are not judged by nothing.
    if (!isFirst) return
    for (const score of isolationScores(forest, learned)) this.scores[this.scored++ % this.size] = score
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
    this.use(saved.forest)
    this.threshold = saved.threshold
    if (size !== saved.size) this.resize(size)
  }

  /** Larger batches are scored there from now on. */
  scoreBy(inference: Inference): void {
    this.inference = inference
    this.use(this.forest)
  }

  close(): void {
    this.use(undefined)
  }

  private use(forest: IsolationForest | undefined): void {
    this.loaded?.unload()
    this.loaded = undefined
    this.forest = forest
    if (forest === undefined || this.inference === undefined) return
    // One that cannot be loaded, as for trees that are too deep, is computed here.
    const model: Model = { kind: 'isolation-forest', forest }
    this.inference.load(model).then(
      (loaded) => {
        if (this.forest === forest) this.loaded = loaded
        else loaded.unload()
      },
      () => {},
    )
  }

  private async scoresOf(forest: IsolationForest, rows: Float64Array): Promise<Float64Array> {
    const { loaded } = this
    if (loaded !== undefined && rows.length >= worthAsking * this.width) {
      try {
        return await loaded.score(Float32Array.from(rows))
      } catch {
        // Too much is under way there, or nothing computes at the moment.
      }
    }
    return isolationScores(forest, rows)
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
