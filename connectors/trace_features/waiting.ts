/**
 * Spans that wait until their trace is complete, as columns: no object a span. Traces are found by the words of their id; a wheel of ticks says which
 * are due. A trace that is complete is remembered without its spans for a while, so that late ones are known for what they are.
 */
import type { Shape } from './shape.ts'

/** About what a span and a trace take, index and all. */
const spanBytes = 80
const traceBytes = 96
/** A trace is remembered for so many times as long as it waits. */
const rememberedFor = 4
const ticksPerWait = 10
const leastTickMs = 10

const [unused, open, done, late] = [0, 1, 2, 3]
const none = -1

export interface WaitingLimits {
  readonly waitMs: number
  readonly maxTraces: number
  readonly maxSpans: number
  readonly maxSpansPerTrace: number
  readonly maxBytes: number
}

/** What a trace is when it is complete. */
export interface CompleteTrace {
  /** Spans by number in the order in which they came, linked by `WaitingSpans.next`. */
  readonly first: number
  readonly count: number
  /** Some of it came when the rest was gone, or it must go before its time: what needs all of it cannot be said. */
  readonly isPartial: boolean
  /** It may be the rest of one that was forgotten for want of room, unless its root is here. */
  readonly isSuspect: boolean
}

export class WaitingSpans {
  capacity = 1_024
  shapes: (Shape | undefined)[] = []
  next = new Int32Array(this.capacity)
  /** Words of ids: two of the span, two of its parent. */
  ids = new Uint32Array(this.capacity * 4)
  /** Nanoseconds since the first span of its trace that came, which are exact. */
  start = new Float64Array(this.capacity)
  duration = new Float64Array(this.capacity)
  weight = new Float64Array(this.capacity)
  /** The same as a whole number. */
  times = new Float64Array(this.capacity)
  pane = new Uint32Array(this.capacity)
  failed = new Uint8Array(this.capacity)
  size = 0
  private free = none
  private used = 0

  take(): number {
    this.size++
    const index = this.free
    if (index >= 0) {
      this.free = this.next[index]!
      return index
    }
    if (this.used === this.capacity) this.grow()
    return this.used++
  }

  /** A whole list of `count`, from `first` to `last`. */
  release(first: number, last: number, count: number): void {
    for (let i = first, n = count; n > 0; i = this.next[i]!, n--) this.shapes[i] = undefined
    this.next[last] = this.free
    this.free = first
    this.size -= count
  }

  private grow(): void {
    this.capacity *= 2
    this.next = enlarged(this.next, new Int32Array(this.capacity))
    this.ids = enlarged(this.ids, new Uint32Array(this.capacity * 4))
    this.start = enlarged(this.start, new Float64Array(this.capacity))
    this.duration = enlarged(this.duration, new Float64Array(this.capacity))
    this.weight = enlarged(this.weight, new Float64Array(this.capacity))
    this.times = enlarged(this.times, new Float64Array(this.capacity))
    this.pane = enlarged(this.pane, new Uint32Array(this.capacity))
    this.failed = enlarged(this.failed, new Uint8Array(this.capacity))
  }
}

export class WaitingTraces {
  readonly spans = new WaitingSpans()
  private readonly limits: WaitingLimits
  private readonly complete: (trace: CompleteTrace) => void
  /** How often `tick` should be called. */
  readonly tickMs: number
  private capacity = 1_024
  private words = new Uint32Array(this.capacity * 5)
  private state = new Uint8Array(this.capacity)
  private first = new Int32Array(this.capacity)
  private last = new Int32Array(this.capacity)
  private counts = new Int32Array(this.capacity)
  private dueMs = new Float64Array(this.capacity)
  private baseLo = new Uint32Array(this.capacity)
  private baseHi = new Uint32Array(this.capacity)
  /** Whether the wheel holds it; at most once, and not later than it is due. */
  private isQueued = new Uint8Array(this.capacity)
  private readonly free: number[] = []
  private used = 0
  private slots = new Int32Array(4_096)
  /** Traces that may be due, by tick; the first tick is `wheelTick`. */
  private readonly wheel = new Map<number, number[]>()
  private wheelTick = 0
  private forgotUntilMs = Number.NEGATIVE_INFINITY
  /** Traces that are known, and those of them whose spans wait. */
  size = 0
  openCount = 0
  /** Traces that had to go before their time; spans that came when their trace was gone. */
  earlyTraces = 0
  lateSpans = 0

  constructor(limits: WaitingLimits, nowMs: number, complete: (trace: CompleteTrace) => void) {
    this.limits = limits
    this.complete = complete
    this.tickMs = Math.max(leastTickMs, limits.waitMs / ticksPerWait)
    this.wheelTick = Math.floor(nowMs / this.tickMs)
  }

  get bytes(): number {
    return this.spans.size * spanBytes + this.size * traceBytes
  }

  /**
   * The number of a new span of that trace, whose columns the caller fills in; `sender` keeps traces of different senders apart. `startHi` and
   * `startLo` are its start in nanoseconds.
   */
  add(id: Uint32Array, at: number, sender: number, startLo: number, startHi: number, nowMs: number): number {
    if (this.isFull) this.makeRoom(nowMs)
    let trace = this.find(id, at, sender)
    if (trace < 0) {
      trace = this.insert(id, at, sender)
      this.baseLo[trace] = startLo
      this.baseHi[trace] = startHi
    } else if (this.counts[trace]! >= this.limits.maxSpansPerTrace) this.leaveEarly(trace, nowMs)
    if (this.state[trace] === done) {
      this.state[trace] = late
      this.openCount++
    }
    if (this.state[trace] === late) this.lateSpans++
    const { spans } = this
    const span = spans.take()
    spans.next[span] = none
    if (this.counts[trace] === 0) this.first[trace] = span
    else spans.next[this.last[trace]!] = span
    this.last[trace] = span
    this.counts[trace]!++
    spans.start[span] = (startHi - this.baseHi[trace]!) * 0x1_0000_0000 + (startLo - this.baseLo[trace]!)
    this.dueMs[trace] = nowMs + this.limits.waitMs
    if (this.isQueued[trace] === 0) this.queue(trace, nowMs)
    return span
  }

  /** Completes traces that are due, until `isOver` says that others want to work; true when none is left. */
  tick(nowMs: number, isOver: () => boolean): boolean {
    const nowTick = Math.floor(nowMs / this.tickMs)
    for (; this.wheelTick <= nowTick; this.wheelTick++) {
      const list = this.wheel.get(this.wheelTick)
      if (list === undefined) {
        // After a long sleep of ours.
        if (this.wheel.size === 0) this.wheelTick = nowTick
        continue
      }
      for (let trace = list.pop(); trace !== undefined; trace = list.pop()) {
        this.due(trace, nowMs)
        if (isOver()) return false
      }
      this.wheel.delete(this.wheelTick)
    }
    return true
  }

  /** Everything goes, as complete as it is. */
  drain(nowMs: number): void {
    for (const list of this.wheel.values())
      for (const trace of list) {
        this.isQueued[trace] = 0
        if (this.state[trace] === open || this.state[trace] === late)
          this.finish(trace, this.state[trace] === late, nowMs)
      }
    this.wheel.clear()
  }

  /** Every trace that is known: the words of its id and its sender, and its spans, none if it is gone. */
  *entries(): Iterable<{
    words: Uint32Array
    isLate: boolean
    first: number
    count: number
    baseLo: number
    baseHi: number
  }> {
    for (let trace = 0; trace < this.used; trace++) {
      if (this.state[trace] === unused) continue
      yield {
        words: this.words.slice(trace * 5, trace * 5 + 5),
        isLate: this.state[trace] === late,
        first: this.first[trace]!,
        count: this.counts[trace]!,
        baseLo: this.baseLo[trace]!,
        baseHi: this.baseHi[trace]!,
      }
    }
  }

  /** A trace that another instance has completed; not where there is no room. */
  remember(id: Uint32Array, at: number, sender: number, nowMs: number): void {
    if (this.isFull || this.find(id, at, sender) >= 0) return
    const trace = this.insert(id, at, sender)
    this.state[trace] = done
    this.openCount--
    this.dueMs[trace] = nowMs + rememberedFor * this.limits.waitMs
    if (this.isQueued[trace] === 0) this.queue(trace, nowMs)
  }

  private due(trace: number, nowMs: number): void {
    this.isQueued[trace] = 0
    const state = this.state[trace]
    if (state === unused) return
    if (this.dueMs[trace]! > nowMs) {
      this.queue(trace, nowMs)
      return
    }
    if (state === done) {
      this.forget(trace)
      return
    }
    this.finish(trace, state === late, nowMs)
    this.dueMs[trace] = nowMs + rememberedFor * this.limits.waitMs
    this.queue(trace, nowMs)
  }

  private finish(trace: number, isPartial: boolean, nowMs: number): void {
    const { spans } = this
    const count = this.counts[trace]!
    const first = this.first[trace]!
    this.complete({ first, count, isPartial, isSuspect: nowMs < this.forgotUntilMs })
    spans.release(first, this.last[trace]!, count)
    this.counts[trace] = 0
    this.state[trace] = done
    this.openCount--
  }

  private leaveEarly(trace: number, nowMs: number): void {
    if (this.state[trace] !== open && this.state[trace] !== late) return
    this.earlyTraces++
    this.finish(trace, true, nowMs)
    this.dueMs[trace] = nowMs + rememberedFor * this.limits.waitMs
  }

  private get isFull(): boolean {
    const { maxTraces, maxSpans, maxBytes } = this.limits
    return this.size >= maxTraces || this.spans.size >= maxSpans || this.bytes >= maxBytes
  }

  /** For one part in 16: what is only remembered goes first, then the traces that are due next. */
  private makeRoom(nowMs: number): void {
    const { maxTraces, maxSpans, maxBytes } = this.limits
    const hasRoom = () =>
      this.size <= maxTraces * 0.9375 && this.spans.size <= maxSpans * 0.9375 && this.bytes <= maxBytes * 0.9375
    const ticks = [...this.wheel.keys()].sort((a, b) => a - b)
    if (this.spans.size < maxSpans)
      for (const tick of ticks) {
        if (hasRoom()) return
        this.dismiss(tick, (trace) => {
          if (this.state[trace] !== done || hasRoom()) return false
          this.forget(trace)
          return true
        })
      }
    for (const tick of ticks) {
      if (hasRoom()) return
      this.dismiss(tick, (trace) => {
        if (this.state[trace] === unused) return true
        if (hasRoom() || this.dueMs[trace]! > (tick + 1) * this.tickMs) return false
        this.leaveEarly(trace, nowMs)
        this.forget(trace)
        this.forgotUntilMs = nowMs + rememberedFor * this.limits.waitMs
        return true
      })
    }
    // Whatever else there is was heard of later than the wheel knew.
    for (let trace = 0; trace < this.used && !hasRoom(); trace++) {
      if (this.state[trace] === unused) continue
      this.leaveEarly(trace, nowMs)
      this.forget(trace)
      this.forgotUntilMs = nowMs + rememberedFor * this.limits.waitMs
    }
  }

  /** Takes those out of a tick of the wheel of which `isGone` says so. */
  private dismiss(tick: number, isGone: (trace: number) => boolean): void {
    const list = this.wheel.get(tick)!
    let kept = 0
    for (const trace of list) {
      if (isGone(trace)) this.isQueued[trace] = 0
      else list[kept++] = trace
    }
    list.length = kept
    if (kept === 0) this.wheel.delete(tick)
  }

  /** Looked at after `wait` at the latest: a late span may come, which waits no longer than others. */
  private queue(trace: number, nowMs: number): void {
    const lookMs = Math.min(this.dueMs[trace]!, nowMs + this.limits.waitMs)
    const tick = Math.max(this.wheelTick, Math.ceil(lookMs / this.tickMs))
    const list = this.wheel.get(tick)
    if (list === undefined) this.wheel.set(tick, [trace])
    else list.push(trace)
    this.isQueued[trace] = 1
  }

  private find(id: Uint32Array, at: number, sender: number): number {
    const { slots, words } = this
    const mask = slots.length - 1
    let slot = hashOf(id, at, sender) & mask
    for (let next = slots[slot]!; next !== 0; slot = (slot + 1) & mask, next = slots[slot]!) {
      const p = (next - 1) * 5
      if (
        words[p] === id[at] &&
        words[p + 1] === id[at + 1] &&
        words[p + 2] === id[at + 2] &&
        words[p + 3] === id[at + 3] &&
        words[p + 4] === sender
      )
        return next - 1
    }
    return none
  }

  private insert(id: Uint32Array, at: number, sender: number): number {
    let trace = this.free.pop()
    if (trace === undefined) {
      if (this.used === this.capacity) this.grow()
      trace = this.used++
    }
    for (let i = 0; i < 4; i++) this.words[trace * 5 + i] = id[at + i]!
    this.words[trace * 5 + 4] = sender
    this.state[trace] = open
    this.counts[trace] = 0
    this.size++
    this.openCount++
    if (this.size * 2 > this.slots.length) {
      this.slots = new Int32Array(this.slots.length * 2)
      for (let other = 0; other < this.used; other++) if (this.state[other] !== unused) this.place(other)
    } else this.place(trace)
    return trace
  }

  private place(trace: number): void {
    const { slots } = this
    const mask = slots.length - 1
    let slot = this.homeOf(trace) & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = trace + 1
  }

  private homeOf(trace: number): number {
    return hashOf(this.words, trace * 5, this.words[trace * 5 + 4]!)
  }

  /** Of a trace without spans. Those behind it in the table move up, so that a search still finds them. */
  private forget(trace: number): void {
    const { slots } = this
    const mask = slots.length - 1
    let hole = this.homeOf(trace) & mask
    while (slots[hole] !== trace + 1) hole = (hole + 1) & mask
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.homeOf(slots[slot]! - 1) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      slots[hole] = slots[slot]!
      hole = slot
    }
    slots[hole] = 0
    this.state[trace] = unused
    this.size--
    this.free.push(trace)
  }

  private grow(): void {
    this.capacity *= 2
    this.words = enlarged(this.words, new Uint32Array(this.capacity * 5))
    this.state = enlarged(this.state, new Uint8Array(this.capacity))
    this.first = enlarged(this.first, new Int32Array(this.capacity))
    this.last = enlarged(this.last, new Int32Array(this.capacity))
    this.counts = enlarged(this.counts, new Int32Array(this.capacity))
    this.dueMs = enlarged(this.dueMs, new Float64Array(this.capacity))
    this.baseLo = enlarged(this.baseLo, new Uint32Array(this.capacity))
    this.baseHi = enlarged(this.baseHi, new Uint32Array(this.capacity))
    this.isQueued = enlarged(this.isQueued, new Uint8Array(this.capacity))
  }
}

/** The words of a trace id and its sender, well mixed: also the chance by which a trace is rounded up. */
export function hashOf(id: Uint32Array, at: number, sender: number): number {
  let hash = Math.imul(id[at]! ^ 0x9e37_79b1, 0x85eb_ca6b) ^ sender
  hash = Math.imul(hash ^ (hash >>> 15) ^ id[at + 1]!, 0xc2b2_ae35)
  hash = Math.imul(hash ^ (hash >>> 13) ^ id[at + 2]!, 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 16) ^ id[at + 3]!, 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}

function enlarged<A extends Uint8Array | Int32Array | Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
