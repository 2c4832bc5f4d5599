/**
 * How likely a surprise as large is, learned from many: a histogram of all that was seen of a class, and a generalised Pareto tail beyond its threshold.
 * Surprises are in nats, -ln p of a distribution that is only nearly right; what comes out is right for what was seen. Since counts are kept and not a
 * sample, its error falls with all rows of the class: 1e-4 of a million rows is a hundred rows. Memory 10 KB.
 */
import { excessAt, fitGeneralizedPareto, type GeneralizedPareto, tailBeyond } from './generalized-pareto.ts'

/** Buckets are even in sqrt(2 * nats), which is the z of a normal distribution: fine where most rows are. */
const bucketWidth = 0.05
const buckets = 1200
/** 1,800 nats: beyond this a surprise is no larger. */
const mostNats = (bucketWidth * buckets) ** 2 / 2
/** Rows that the tail is fitted to: this share of all, and not fewer than so many while there are ten times as many. */
const tailShare = 0.005
const leastTailRows = 200
/** Beyond so many rows the past fades. */
const mostRows = 2_000_000
/** It is fitted anew when there is this much more to fit it to. */
const growth = 1.2
/** What is learned is held to the largest that so many rows should have shown: a fault must not make the tail of a class. */
const learnedP = (rows: number) => Math.max(1e-7, 0.5 / rows)
/** What is believed before anything was seen: so many rows, a little heavier than exponential. */
const priorRows = 200
const usualScale = 1.3
const leastP = 1e-300
/** Buckets that a tail is fitted to. */
const mostGroups = 400
/** A shape from few rows is mostly chance: it is believed by half with so many rows in the tail. What is calibrated before has none. */
const shapePrior = 1000

export interface TailHistogramState {
  readonly version: 1
  readonly counts: Float64Array
  readonly rows: number
  readonly survival: Float64Array
  readonly fitted: Fitted
}

interface Fitted {
  readonly nextFit: number
  readonly threshold: number
  readonly share: number
  readonly tail: GeneralizedPareto
  /** What is learned is held to this. */
  readonly most: number
}

export class TailHistogram {
  readonly #counts = new Float64Array(buckets)
  /** P(bucket or above), at the last fit. */
  readonly #survival = new Float64Array(buckets + 1)
  #rows = 0
  #fitted: Fitted = { nextFit: 0, threshold: 0, share: 1, tail: { shape: 0, scale: 1 }, most: mostNats }

  /** `priorScale`: 1 where surprises are trusted to be what they say, more where they exaggerate. */
  constructor(priorScale = usualScale) {
    const total = priorRows
    for (let b = 0; b < buckets; b++) {
      this.#counts[b] = total * (Math.exp(-edge(b) / priorScale) - Math.exp(-edge(b + 1) / priorScale))
    }
    this.#rows = total
    this.fit()
  }

  /** Rows learned, the prior's included. */
  get rows(): number {
    return this.#rows
  }

  /** Learns one surprise, as if it were seen `weight` times; NaN is none. Amortised O(1). */
  add(nats: number, weight = 1): void {
    if (Number.isNaN(nats)) return
    const b = bucketOf(Math.min(nats, this.#fitted.most))
    this.#counts[b] = (this.#counts[b] as number) + weight
    this.#rows += weight
    if (this.#rows >= this.#fitted.nextFit) this.fit()
  }

  /** P(surprise >= nats) in (0, 1]; 1 for NaN. O(1). */
  p(nats: number): number {
    if (Number.isNaN(nats)) return 1
    const { threshold, share, tail } = this.#fitted
    if (nats > threshold) return Math.max(leastP, share * tailBeyond(tail, Math.min(nats, mostNats) - threshold))
    const z = Math.sqrt(2 * Math.max(0, nats)) / bucketWidth
    const b = Math.min(buckets - 1, Math.floor(z))
    const above = this.#survival[b + 1] as number
    return above + (b + 1 - z) * ((this.#survival[b] as number) - above)
  }

  /** Happens by itself as rows come. O(buckets). */
  fit(): void {
    if (this.#rows > mostRows) this.#fade()
    let above = 0
    this.#survival[buckets] = 0
    for (let b = buckets - 1; b >= 0; b--) {
      above += this.#counts[b] as number
      this.#survival[b] = above / this.#rows
    }
    const wanted = Math.max(tailShare * this.#rows, Math.min(leastTailRows, 0.1 * this.#rows))
    let start = buckets - 1
    while (start > 0 && (this.#survival[start] as number) * this.#rows < wanted) start--
    const threshold = edge(start)
    const share = this.#survival[start] as number
    const tail = shrunk(tailGroups(this.#counts, start))
    const most = Math.min(
      mostNats - 1,
      threshold + Math.max(0.1, excessAt(tail, Math.min(1, learnedP(this.#rows) / share))),
    )
    this.#fitted = { nextFit: Math.ceil(this.#rows * growth), threshold, share, tail, most }
  }

  save(): TailHistogramState {
    return {
      version: 1,
      counts: this.#counts.slice(),
      rows: this.#rows,
      survival: this.#survival.slice(),
      fitted: this.#fitted,
    }
  }

  /** Throws `RangeError` on a state of another version or shape. */
  restore({ version, counts, rows, survival, fitted }: TailHistogramState): void {
    if (version !== 1 || counts.length !== buckets || survival.length !== buckets + 1)
      throw new RangeError('this is no state of a tail histogram')
    this.#counts.set(counts)
    this.#rows = rows
    this.#survival.set(survival)
    this.#fitted = fitted
  }

  #fade(): void {
    for (let b = 0; b < buckets; b++) this.#counts[b] = (this.#counts[b] as number) / 2
    this.#rows /= 2
  }
}

function edge(bucket: number): number {
  return (bucket * bucketWidth) ** 2 / 2
}

function bucketOf(nats: number): number {
  return Math.min(buckets - 1, Math.floor(Math.sqrt(2 * Math.max(0, nats)) / bucketWidth))
}

interface Groups {
  readonly excesses: Float64Array
  readonly weights: Float64Array
}

/** The buckets from `start` on that hold something, joined to so few that a fit is quick. */
function tailGroups(counts: Float64Array, start: number): Groups {
  const threshold = edge(start)
  const least = 1e-7 * counts.subarray(start).reduce((sum, count) => sum + count, 0)
  const excesses = new Float64Array(mostGroups)
  const weights = new Float64Array(mostGroups)
  const width = Math.max(1, Math.ceil((buckets - start) / mostGroups))
  let groups = 0
  for (let from = start; from < buckets; from += width) {
    let weight = 0
    let sum = 0
    for (let b = from; b < Math.min(buckets, from + width); b++) {
      weight += counts[b] as number
      sum += (counts[b] as number) * ((edge(b) + edge(b + 1)) / 2 - threshold)
    }
    if (weight <= least) continue
    excesses[groups] = sum / weight
    weights[groups++] = weight
  }
  return { excesses: excesses.slice(0, groups), weights: weights.slice(0, groups) }
}

function shrunk({ excesses, weights }: Groups): GeneralizedPareto {
  let total = 0
  let sum = 0
  for (let i = 0; i < excesses.length; i++) {
    total += weights[i] as number
    sum += (weights[i] as number) * (excesses[i] as number)
  }
  const { shape } = fitGeneralizedPareto(excesses, weights)
  const believed = (shape * total) / (total + shapePrior)
  // The mean of the excesses is kept.
  return { shape: believed, scale: (sum / total) * (1 - believed) }
}
