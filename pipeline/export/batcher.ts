import type { Clock } from '../component.ts'
import { concat } from '../data/batch.ts'
import type { Batch, Origin, Signal } from '../data/telemetry.ts'
import type { BatchSettings } from './sending.ts'

/** A request that lies in the queue; `pieces` says in how many exports it takes part. */
export interface Accepted {
  readonly batch: Batch
  pieces: number
}
export interface Merged<A> {
  readonly batch: Batch
  readonly of: readonly A[]
}

interface Partition<A> {
  readonly batches: Batch[]
  readonly parts: { readonly of: A; items: number }[]
  size: number
  stopTimer: () => void
}

export interface BatcherOptions<A> {
  readonly signal: Signal
  readonly settings: BatchSettings
  readonly clock: Clock
  /** Batches of different keys are never merged. */
  readonly originKey: (origin: Origin) => string
  readonly flush: (merged: Merged<A>) => void
}

/**
 * Merges accepted requests by list append and splits what is too large into slices. A partition lives only while it holds something, so their
 * number is bounded by the queue, and by `cache_size`.
 */
export class Batcher<A extends Accepted> {
  readonly #options: BatcherOptions<A>
  readonly #metadataKeys: readonly string[]
  readonly #partitions = new Map<string, Partition<A>>()

  constructor(options: BatcherOptions<A>) {
    this.#options = options
    this.#metadataKeys = options.settings.partition.metadata_keys.map((key) => key.toLowerCase()).sort()
  }

  add(accepted: A): void {
    const { settings } = this.#options
    const key = this.#keyOf(accepted.batch.origin)
    const partition = this.#partitions.get(key) ?? this.#open(key)
    partition.batches.push(accepted.batch)
    partition.parts.push({ of: accepted, items: accepted.batch.count })
    partition.size += this.#sizeOf(accepted.batch)
    accepted.pieces = 1
    if (settings.max_size > 0 && partition.size > settings.max_size) this.#split(key, partition)
    else if (partition.size >= settings.min_size) this.#flush(key, partition)
  }

  flushAll(): void {
    for (const [key, partition] of this.#partitions) this.#flush(key, partition)
  }

  #open(key: string): Partition<A> {
    const { settings, clock } = this.#options
    if (this.#partitions.size >= settings.partition.cache_size) {
      for (const [oldestKey, oldest] of this.#partitions) {
        this.#flush(oldestKey, oldest)
        break
      }
    }
    const partition: Partition<A> = { batches: [], parts: [], size: 0, stopTimer: () => {} }
    partition.stopTimer = clock.after(settings.flush_timeout, () => this.#flush(key, partition))
    this.#partitions.set(key, partition)
    return partition
  }

  #flush(key: string, partition: Partition<A>): void {
    partition.stopTimer()
    this.#partitions.delete(key)
    const batch = this.#merge(partition.batches)
    this.#options.flush({ batch, of: partition.parts.map((part) => part.of) })
  }

  /** Sends the full pieces; a last one that is too small stays and waits for more. */
  #split(key: string, partition: Partition<A>): void {
    const { settings, clock, flush } = this.#options
    partition.stopTimer()
    this.#partitions.delete(key)
    const pieces = this.#pieces(this.#merge(partition.batches))
    const last = pieces.at(-1)
    const kept = last !== undefined && this.#sizeOf(last) < settings.min_size ? pieces.pop() : undefined
    const owners = new Owners(partition.parts)
    // All owners are counted before the first piece leaves: an export may end at once.
    const merged = pieces.map((batch) => ({ batch, of: owners.take(batch.count) }))
    if (kept !== undefined) {
      const rest: Partition<A> = {
        batches: [kept],
        parts: owners.rest(),
        size: this.#sizeOf(kept),
        stopTimer: () => {},
      }
      rest.stopTimer = clock.after(settings.flush_timeout, () => this.#flush(key, rest))
      this.#partitions.set(key, rest)
    }
    for (const piece of merged) flush(piece)
  }

  #pieces(batch: Batch): Batch[] {
    const { max_size, sizer } = this.#options.settings
    if (sizer === 'items') return [...batch.slices(max_size)]
    return splitBytes(batch, max_size)
  }

  #merge(batches: readonly Batch[]): Batch {
    const first = batches[0]!
    return batches.length === 1 ? first : concat(this.#options.signal, batches)
  }

  #sizeOf(batch: Batch): number {
    return this.#options.settings.sizer === 'items' ? batch.count : batch.byteLength
  }

  #keyOf(origin: Origin): string {
    const key = this.#options.originKey(origin)
    return this.#metadataKeys.length === 0 ? key : key + metadataKey(origin, this.#metadataKeys)
  }
}

/** Tells apart absent, empty and several values. */
function metadataKey(origin: Origin, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => origin.metadata.get(key) ?? null))
}

/** Walks the requests that a merged batch is made of, in order, as pieces are cut from its front. */
class Owners<A extends Accepted> {
  readonly #parts: { readonly of: A; items: number }[]
  #index = 0
  #left: number

  constructor(parts: { readonly of: A; items: number }[]) {
    this.#parts = parts
    this.#left = parts[0]?.items ?? 0
  }

  take(items: number): A[] {
    const taken: A[] = []
    let wanted = items
    while (wanted > 0 && this.#index < this.#parts.length) {
      const part = this.#parts[this.#index]!
      taken.push(part.of)
      const used = Math.min(wanted, this.#left)
      wanted -= used
      this.#left -= used
      if (this.#left > 0) part.of.pieces++
      else this.#left = this.#parts[++this.#index]?.items ?? 0
    }
    return taken
  }

  rest(): { readonly of: A; items: number }[] {
    const rest = this.#parts.slice(this.#index)
    const first = rest[0]
    if (first !== undefined) rest[0] = { of: first.of, items: this.#left }
    return rest
  }
}

/** By halves, since only items can be cut; one item that is larger than `maxBytes` goes alone. */
function splitBytes(batch: Batch, maxBytes: number): Batch[] {
  if (batch.byteLength <= maxBytes || batch.count <= 1) return [batch]
  const estimate = Math.floor((batch.count * maxBytes) / batch.byteLength)
  const items = Math.max(1, Math.min(estimate, Math.ceil(batch.count / 2)))
  const pieces: Batch[] = []
  for (const piece of batch.slices(items)) pieces.push(...splitBytes(piece, maxBytes))
  return pieces
}
