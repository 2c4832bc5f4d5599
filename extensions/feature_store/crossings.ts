/** How many requests of which operation crossed which entity lately: minutes of `vigil.trace.crossings`, in memory only. */
import type { CrossedShare, Crossings } from '../../pipeline/capability/crossings.ts'
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'

const minuteSeconds = 60
/** Minutes that are kept of each pair. */
const keptMinutes = 30
/** Minutes before the time that is asked about which are counted. */
const countedMinutes = 15
/** Fewer requests of an operation tell no share. */
const leastRequests = 5
/** Pairs of an operation and what it crosses; further ones are not counted, and that is. */
const maxPairs = 100_000
const maxAnswer = 32

/** A ring of minutes: `counts[minute % keptMinutes]` is of `minutes[minute % keptMinutes]`. */
export class Pair {
  readonly operation: Operation
  readonly crossed: string
  readonly minutes = new Uint32Array(keptMinutes)
  readonly counts = new Float64Array(keptMinutes)
  newest = 0

  constructor(operation: Operation, crossed: string) {
    this.operation = operation
    this.crossed = crossed
  }

  add(minute: number, requests: number): void {
    const at = minute % keptMinutes
    if (this.minutes[at]! > minute) return
    if (this.minutes[at] !== minute) {
      this.minutes[at] = minute
      this.counts[at] = 0
    }
    this.counts[at]! += requests
    if (minute > this.newest) this.newest = minute
  }

  /** In [from, until), in minutes. */
  sum(from: number, until: number): number {
    let sum = 0
    for (let i = 0; i < keptMinutes; i++)
      if (this.minutes[i]! >= from && this.minutes[i]! < until) sum += this.counts[i]!
    return sum
  }
}
interface Operation {
  readonly id: string
  readonly entity: Entity
  /** By what they crossed; that with the operation itself is what the others are a share of. */
  readonly pairs: Map<string, Pair>
}

export class CountedCrossings implements Crossings {
  refused = 0
  size = 0
  readonly #byOperation = new Map<string, Operation>()
  readonly #byCrossed = new Map<string, Set<Pair>>()
  #newest = 0

  /** Undefined where there is no room. A pair that was forgotten is found anew. */
  pair(operation: Entity, crossed: string): Pair | undefined {
    const id = entityId(operation)
    let of = this.#byOperation.get(id)
    const known = of?.pairs.get(crossed)
    if (known !== undefined) return known
    if (this.size >= maxPairs) this.forget()
    if (this.size >= maxPairs) {
      this.refused++
      return undefined
    }
    if (of === undefined) this.#byOperation.set(id, (of = { id, entity: operation, pairs: new Map() }))
    const pair = new Pair(of, crossed)
    of.pairs.set(crossed, pair)
    const all = this.#byCrossed.get(crossed) ?? new Set()
    this.#byCrossed.set(crossed, all.add(pair))
    this.size++
    return pair
  }

  isKnown(pair: Pair): boolean {
    return this.#byCrossed.get(pair.crossed)?.has(pair) === true
  }

  /** In unix seconds, event time. */
  add(pair: Pair, seconds: number, requests: number): void {
    // A pane is known by its end.
    const minute = Math.ceil(seconds / minuteSeconds) - 1
    pair.add(minute, requests)
    if (minute > this.#newest) this.#newest = minute
  }

  /** Those of which nothing came for as long as is kept. */
  forget(): void {
    for (const [id, of] of this.#byOperation) {
      for (const [crossed, pair] of of.pairs) {
        if (pair.newest + keptMinutes > this.#newest) continue
        of.pairs.delete(crossed)
        const all = this.#byCrossed.get(crossed)
        all?.delete(pair)
        if (all?.size === 0) this.#byCrossed.delete(crossed)
        this.size--
      }
      if (of.pairs.size === 0) this.#byOperation.delete(id)
    }
  }

  sharesOf(crossed: string, beforeUnixNano: bigint): readonly CrossedShare[] {
    // The minute in which it began is partly after it.
    const before = Math.floor(Number(beforeUnixNano / 1_000_000_000n) / minuteSeconds)
    const found: CrossedShare[] = []
    for (const pair of this.#byCrossed.get(crossed) ?? []) {
      const { id, entity, pairs } = pair.operation
      const all = pairs.get(id)
      if (all === undefined) continue
      const isEnough = all.sum(before - countedMinutes, before) >= leastRequests
      const [from, until] = isEnough ? [before - countedMinutes, before] : [before, this.#newest + 1]
      const requests = all.sum(from, until)
      if (requests < leastRequests) continue
      const share = Math.min(1, pair.sum(from, until) / requests)
      if (share > 0) found.push({ operation: entity, share, requestsPerSecond: requests / secondsOf(all, from, until) })
    }
    return found
      .sort(
        (a, b) =>
          b.share * b.requestsPerSecond - a.share * a.requestsPerSecond ||
          (entityId(a.operation) < entityId(b.operation) ? -1 : 1),
      )
      .slice(0, maxAnswer)
  }
}

/** From the first minute in which it had any: it may be new. */
function secondsOf({ minutes, counts }: Pair, from: number, until: number): number {
  let first = until
  for (let i = 0; i < keptMinutes; i++)
    if (minutes[i]! >= from && minutes[i]! < first && counts[i]! > 0) first = minutes[i]!
  return Math.max(1, until - first) * minuteSeconds
}
