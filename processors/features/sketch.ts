/**
 * Latencies of an entity: counts in logarithmic buckets. What happened lately is kept by pane, what is older by minute, then by five minutes, as the windows
 * need it; each count stands in one of them. One list of entries, since most panes have few of the buckets: an entry is a slot (which pane, minute or
 * block), a bucket and a count in one word. O(entries) a tick.
 *
 * Buckets are those of OpenTelemetry's exponential histogram at scale 3 (a factor of 2^(1/8), 9 %); a quantile is interpolated within its bucket.
 * The windows of 15 m and 1 h begin at a whole minute and a whole five minutes: they are longer by less than that.
 */
import { aheadPanes, correctedPanes, windowCount } from './columns.ts'

const scale = 3
/** The bucket of 1 s. Bucket 0 holds what is below all others, 0 among it. */
const bucketOfOne = 160
export const bucketCount = 256

const paneSlots = 128
const minuteSlots = 32
const blockSlots = 16
const firstMinuteSlot = paneSlots
const firstBlockSlot = paneSlots + minuteSlots
const slotCount = paneSlots + minuteSlots + blockSlots
const maxCount = 0xffff
const panesPerMinute = 6
const panesPerBlock = 30

/** The last pane that is kept by minute only, given the newest that was emitted. */
function lastOfMinutes(newest: number): number {
  return floorTo(newest - 30 - correctedPanes, panesPerMinute)
}
/** The last pane that is kept by block only. */
function lastOfBlocks(newest: number): number {
  return floorTo(newest - 90 - correctedPanes - panesPerMinute, panesPerBlock)
}
/** The last pane that no window needs. */
function lastOutdated(newest: number): number {
  return floorTo(newest - 360 - correctedPanes, panesPerBlock)
}

function floorTo(pane: number, step: number): number {
  return Math.floor(pane / step) * step
}

export interface Sketch {
  /** slot << 24 | bucket << 16 | count */
  entries: Uint32Array
  used: number
  /** No entry has a bucket outside of these; they are not narrowed again. */
  low: number
  high: number
}

export function newSketch(): Sketch {
  return { entries: new Uint32Array(16), used: 0, low: bucketCount, high: -1 }
}

/** The bucket here of bucket `index` of a histogram of `ofScale`; of one that is coarser, that of its middle. */
export function bucketAt(index: number, ofScale: number): number {
  const down = ofScale - scale
  const at = down >= 0 ? Math.floor(index / 2 ** down) : (index + 0.5) * 2 ** -down
  return clamped(Math.floor(at) + bucketOfOne)
}

/** The bucket of a value in seconds. */
export function bucketOf(seconds: number): number {
  if (!(seconds > 0)) return 0
  return clamped(Math.ceil(Math.log2(seconds) * 2 ** scale) - 1 + bucketOfOne)
}

function clamped(bucket: number): number {
  return bucket < 1 ? 0 : bucket >= bucketCount ? bucketCount - 1 : bucket
}

/** Adds to a pane. `count` is an integer; `newest` is the newest pane that was emitted. */
export function addToSketch(sketch: Sketch, pane: number, bucket: number, count: number, newest: number): void {
  if (!(count > 0) || pane <= lastOutdated(newest)) return
  if (bucket < sketch.low) sketch.low = bucket
  if (bucket > sketch.high) sketch.high = bucket
  push(sketch, slotFor(pane, newest), bucket, count)
}

function slotFor(pane: number, newest: number): number {
  if (pane > lastOfMinutes(newest)) return pane & (paneSlots - 1)
  if (pane > lastOfBlocks(newest)) return firstMinuteSlot + (Math.ceil(pane / panesPerMinute) & (minuteSlots - 1))
  return firstBlockSlot + (Math.ceil(pane / panesPerBlock) & (blockSlots - 1))
}

function push(sketch: Sketch, slot: number, bucket: number, count: number): void {
  const key = ((slot << 24) | (bucket << 16)) >>> 0
  let left = Math.min(count, 0xffff_ffff)
  while (left > 0) {
    const now = Math.min(left, maxCount)
    if (sketch.used === sketch.entries.length) makeRoom(sketch)
    sketch.entries[sketch.used++] = key + now
    left -= now
  }
}

function makeRoom(sketch: Sketch): void {
  const larger = new Uint32Array(Math.ceil(sketch.entries.length * 1.5))
  larger.set(sketch.entries)
  sketch.entries = larger
}

const unused = 4
/** Of slots whose entries are to be dropped, or moved to a coarser slot, first. */
const outdated = 5
const moving = 6

/** What each slot is for the windows that end with a pane; the same for all sketches. */
export class SketchWindows {
  /** By slot: the shortest window (0 to 3) that it is in, `unused` if in none, `outdated` or `moving`. */
  private readonly classOf = new Uint8Array(slotCount)
  /** Of slots that are moving: to which slot, and the class of that. */
  private readonly moveTo = new Uint8Array(slotCount)
  private readonly moved = new Float64Array(slotCount * bucketCount)
  private movedFirst = slotCount
  private movedLast = -1
  /** Whether any slot is outdated or moving. */
  private isSettled = true
  /** By class, then by bucket; by window once they are added up. */
  private readonly sums = new Float64Array((unused + 1) * bucketCount)
  private readonly counts = new Float64Array(windowCount)
  private low = 0
  private high = -1

  /** Windows that end with pane `end`, while `newest` is the newest pane that was emitted. */
  begin(end: number, newest: number): void {
    const { classOf, moveTo } = this
    const [byMinute, byBlock, old] = [lastOfMinutes(newest), lastOfBlocks(newest), lastOutdated(newest)]
    const firstOf15m = floorTo(end - 90, panesPerMinute)
    const firstOf1h = floorTo(end - 360, panesPerBlock)
    this.isSettled = true
    for (let slot = 0; slot < slotCount; slot++) {
      let last: number
      let isMoving = false
      if (slot < paneSlots) {
        last = latestOf(slot, paneSlots, newest + aheadPanes)
        isMoving = last <= byMinute
      } else if (slot < firstBlockSlot) {
        last = latestOf(slot, minuteSlots, Math.ceil((newest + aheadPanes) / panesPerMinute)) * panesPerMinute
        isMoving = last <= byBlock
      } else last = latestOf(slot, blockSlots, Math.ceil((newest + aheadPanes) / panesPerBlock)) * panesPerBlock
      const age = end - last
      if (last <= old || isMoving) this.isSettled = false
      if (last <= old) classOf[slot] = outdated
      else if (isMoving) {
        classOf[slot] = moving
        moveTo[slot] = slotFor(last, newest)
      } else if (slot < paneSlots) classOf[slot] = age < 0 ? unused : age < 6 ? 0 : age < 30 ? 1 : 2
      else if (last > firstOf15m) classOf[slot] = 2
      else classOf[slot] = last > firstOf1h ? 3 : unused
    }
  }

  /** Adds up a sketch, and keeps more coarsely what is older. Answers how many each window has; valid until the next call. */
  read(sketch: Sketch): Float64Array {
    const { sums, counts, classOf } = this
    this.settle(sketch)
    const { entries, used, low, high } = sketch
    this.low = low
    this.high = high
    for (let of = 0; of <= unused; of++) sums.fill(0, of * bucketCount + low, of * bucketCount + high + 1)
    for (let i = 0; i < used; i++) {
      const entry = entries[i]!
      const at = (classOf[entry >>> 24]! << 8) | ((entry >>> 16) & 0xff)
      sums[at] = sums[at]! + (entry & maxCount)
    }
    for (let w = 0; w < windowCount; w++) {
      let total = 0
      // A window holds all that the shorter ones do.
      for (let b = low, at = w * bucketCount + low; b <= high; b++, at++) {
        if (w > 0) sums[at] = sums[at]! + sums[at - bucketCount]!
        total += sums[at]!
      }
      counts[w] = total
    }
    return counts
  }

  /** Drops what is outdated and moves what is older, the counts of a bucket in one. */
  settle(sketch: Sketch): void {
    if (this.isSettled) return
    const { classOf, moveTo, moved } = this
    const { entries, used } = sketch
    let to = 0
    for (let i = 0; i < used; i++) {
      const entry = entries[i]!
      const slot = entry >>> 24
      const of = classOf[slot]!
      if (of < outdated) entries[to++] = entry
      else if (of === moving) {
        const target = moveTo[slot]!
        const at = target * bucketCount + ((entry >>> 16) & 0xff)
        moved[at] = moved[at]! + (entry & maxCount)
        if (target < this.movedFirst) this.movedFirst = target
        if (target > this.movedLast) this.movedLast = target
      }
    }
    sketch.used = to
    if (this.movedLast < 0) return
    for (let slot = this.movedFirst; slot <= this.movedLast; slot++)
      for (let b = 0, at = slot * bucketCount; b < bucketCount; b++, at++) {
        const count = moved[at]!
        if (count === 0) continue
        moved[at] = 0
        push(sketch, slot, b, count)
      }
    this.movedFirst = slotCount
    this.movedLast = -1
    if (sketch.entries.length > 64 && sketch.used * 2 < sketch.entries.length)
      sketch.entries = sketch.entries.slice(0, Math.ceil(sketch.used * 1.2))
  }

  /** In seconds, of what was read last, for ascending shares; NaN where the window has nothing. */
  quantiles(window: number, shares: readonly number[], out: Float64Array): void {
    const total = this.counts[window]!
    const { sums, low, high } = this
    const first = window * bucketCount
    let seen = 0
    let bucket = low - 1
    let count = 0
    for (let q = 0; q < shares.length; q++) {
      if (total === 0) {
        out[q] = Number.NaN
        continue
      }
      const rank = shares[q]! * total
      while (seen + count < rank && bucket < high) {
        seen += count
        count = sums[first + ++bucket]!
      }
      out[q] = count === 0 ? Number.NaN : valueIn(bucket, Math.min(1, (rank - seen) / count))
    }
  }
}

/** The latest number up to `newest` that falls into a slot. */
function latestOf(slot: number, slots: number, newest: number): number {
  return newest - ((((newest - slot) % slots) + slots) % slots)
}

function valueIn(bucket: number, share: number): number {
  return bucket === 0 ? 0 : 2 ** ((bucket - bucketOfOne + share) / 2 ** scale)
}
