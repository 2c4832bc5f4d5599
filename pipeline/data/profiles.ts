/**
 * Profiles are passed through unopened. Each chunk has a dictionary of its own, into which its samples point: unlike the other signals,
 * chunks of profiles must not be joined into one request, so send them one by one.
 */
import { messageRanges } from './field.ts'
import { retained } from './item-batch.ts'
import { select } from './select.ts'
import type { Origin, Profiles } from './telemetry.ts'
import { Tree } from './tree.ts'

export class ProfilesBatch implements Profiles {
  readonly signal = 'profiles'
  readonly chunks: readonly Uint8Array[]
  readonly count: number
  readonly origin: Origin
  private readonly counts: readonly number[]

  constructor(chunks: readonly Uint8Array[], counts: readonly number[], origin: Origin) {
    this.chunks = chunks
    this.counts = counts
    this.origin = origin
    this.count = counts.reduce((sum, count) => sum + count, 0)
  }

  readonly isEncoded = true

  get byteLength(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  get retainedBytes(): number {
    return retained(this.chunks)
  }

  get chunkCounts(): readonly number[] {
    return this.counts
  }

  /** A profile is never cut: one with more samples than `maxItems` is a slice of its own. Each slice repeats the dictionary. */
  *slices(maxItems: number): Iterable<Profiles> {
    if (!Number.isInteger(maxItems) || maxItems < 1) throw new RangeError(`slices of ${maxItems} items: use 1 or more`)
    if (this.count <= maxItems) {
      yield this
      return
    }
    let chunks: Uint8Array[] = []
    let counts: number[] = []
    let held = 0
    for (const [chunk, count] of pieces(this.chunks, this.counts, maxItems)) {
      if (held > 0 && held + count > maxItems) {
        yield new ProfilesBatch(chunks, counts, this.origin)
        chunks = []
        counts = []
        held = 0
      }
      chunks.push(chunk)
      counts.push(count)
      held += count
    }
    if (chunks.length > 0) yield new ProfilesBatch(chunks, counts, this.origin)
  }

  compact(): Profiles {
    if (this.retainedBytes <= this.byteLength) return this
    return new ProfilesBatch(
      this.chunks.map((chunk) => chunk.slice()),
      this.counts,
      this.origin,
    )
  }

  withOrigin(origin: Origin): Profiles {
    return origin === this.origin ? this : new ProfilesBatch(this.chunks, this.counts, origin)
  }
}

/** The chunks, those with too many samples cut between profiles. */
function* pieces(
  chunks: readonly Uint8Array[],
  counts: readonly number[],
  maxItems: number,
): Iterable<[chunk: Uint8Array, count: number]> {
  for (const [c, chunk] of chunks.entries()) {
    if (counts[c]! <= maxItems) {
      yield [chunk, counts[c]!]
      continue
    }
    const tree = new Tree('profiles', chunk, 16)
    const { start, end, size } = tree.items
    const all = Int32Array.from({ length: size }, (_, i) => i)
    let from = 0
    let held = 0
    for (let i = 0; i < size; i++) {
      const samples = countSamples(chunk, start[i]!, end[i]!)
      if (i > from && held + samples > maxItems) {
        yield [select(tree, all, from, i), held]
        from = i
        held = 0
      }
      held += samples
    }
    yield [select(tree, all, from, size), held]
  }
}

function countSamples(b: Uint8Array, start: number, end: number): number {
  return messageRanges(b, start, end, 18).length / 2
}
