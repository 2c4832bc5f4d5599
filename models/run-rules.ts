/**
 * From p-values in time to one decision, for many entities at once: one column, one slot an entity. Windows that overlap are not independent: two of
 * three overlapping minutes fire 177 times as often as two of three disjoint ones. So these rules want one p a disjoint window.
 */
import { binomialAtLeast } from './special-functions.ts'

export interface KofN {
  readonly k: number
  /** At most 30. */
  readonly n: number
}

/**
 * The p a window needs so that a quiet entity's newest window is below it together with k - 1 of the n - 1 before with probability `falseAlarm`.
 * Throws a RangeError for k and n that are no rule.
 */
export function windowP({ k, n }: KofN, falseAlarm: number): number {
  if (!(k >= 1 && k <= n && n <= 30)) throw new RangeError(`${k} of ${n} windows is no rule: 1 <= k <= n <= 30, please`)
  let [low, high] = [Math.log(1e-15), 0]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    const p = Math.exp(middle)
    if (p * binomialAtLeast(k - 1, n - 1, p) < falseAlarm) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}

/** k of the last n disjoint windows, the newest among them. One word an entity. */
export class DisjointHits {
  readonly #k: number
  readonly #mask: number
  #hits: Uint32Array = new Uint32Array(64)

  constructor({ k, n }: KofN) {
    this.#k = k
    this.#mask = 2 ** n - 1
  }

  /** Takes whether the entity's next window hit; true where that makes k of n. O(1). */
  next(slot: number, isHit: boolean): boolean {
    if (slot >= this.#hits.length) this.#hits = grown(this.#hits, new Uint32Array(sizeFor(slot)))
    const hits = (((this.#hits[slot] as number) << 1) | (isHit ? 1 : 0)) & this.#mask
    this.#hits[slot] = hits
    return isHit && ones(hits) >= this.#k
  }

  reset(slot: number): void {
    if (slot < this.#hits.length) this.#hits[slot] = 0
  }

  save(): Uint32Array {
    return this.#hits
  }

  restore(hits: Uint32Array): void {
    this.#hits = hits
  }
}

/** p to the power of this, less 1, times this: the bet. */
const kappa = 0.5
/** Detectors do not tell 0.5 from 1: above 0.5 everything counts as the mean of what uniform p have there, so that a bet stays fair. */
const upperHalf = 2 * (1 - Math.SQRT1_2)

/**
 * ln of a p-value as a bet against "quiet": its expectation is 1 under any valid p (p-to-e calibrator, Vovk & Wang 2021), so that products of independent
 * ones exceed 1 / q with probability q at most, whenever one looks (Ville).
 */
function logEvidence(p: number): number {
  return Math.log(p >= 0.5 ? upperHalf : kappa * Math.max(p, 1e-12) ** (kappa - 1))
}

/**
 * E-detector of Shiryaev-Roberts kind (Shin, Ramdas & Rinaldo 2022): each window may be the one at which the change came. Alarms no more often than with
 * `rate` a window while quiet, and collects small shifts that last. In logarithms, so that a rate may be as small as one likes.
 */
export class Evidence {
  #log: Float64Array = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)

  /** Takes the p of the entity's next window; true where the evidence reaches 1 / rate, after which it starts anew. O(1). */
  next(slot: number, p: number, rate: number): boolean {
    if (slot >= this.#log.length) {
      const larger = new Float64Array(sizeFor(slot)).fill(Number.NEGATIVE_INFINITY)
      this.#log = grown(this.#log, larger)
    }
    const before = this.#log[slot] as number
    // ln(1 + e^before), exact where e^before would be infinite.
    const sum = before > 30 ? before : Math.log1p(Math.exp(before))
    const after = sum + logEvidence(p)
    const isOver = after >= -Math.log(rate)
    this.#log[slot] = isOver ? Number.NEGATIVE_INFINITY : after
    return isOver
  }

  /** ln of the evidence so far; -Infinity for none. */
  of(slot: number): number {
    return this.#log[slot] ?? Number.NEGATIVE_INFINITY
  }

  reset(slot: number): void {
    if (slot < this.#log.length) this.#log[slot] = Number.NEGATIVE_INFINITY
  }

  save(): Float64Array {
    return this.#log
  }

  restore(log: Float64Array): void {
    this.#log = log
  }
}

function sizeFor(slot: number): number {
  return 2 ** Math.ceil(Math.log2(slot + 1))
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

function ones(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
