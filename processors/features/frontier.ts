/** How far event time has come: what each source was heard of last, and which pane is over. */
import { aheadPanes, paneMs } from './columns.ts'
import type { Config } from './config.ts'

/** A resource and a signal. */
export interface Source {
  readonly key: string
  /** The latest event time it is known to have told everything of, ms. */
  watermarkMs: number
  /** The latest of the batch that is being read. */
  seenMs: number
  /** What its clock said last. */
  saidMs: number
  /** From one report to the next in event time, ms; a longer one counts at once, shorter ones bit by bit. */
  intervalMs: number
  /** When it was heard of last, by the monotonic clock. */
  heardAtMs: number
  /** It made a pane wait in vain: nobody waits for it until it has caught up. */
  isLagging: boolean
  /** Its clock is ahead: it neither leads nor is waited for. */
  isAhead: boolean
}

const mostIntervalMs = 300_000
const farBehindMs = (aheadPanes / 2) * paneMs
/** Reports of one moment differ by a little. */
const leastIntervalMs = 1_000
/** So many sources must agree that the time is another than the clock says. */
const quorum = 3

export class Frontier {
  /** The newest pane that was emitted; NaN before the first data. */
  newest = Number.NaN
  forced = 0
  private readonly settings: Config
  private sources = new Map<string, Source>()
  private touched: Source[] = []
  /** The latest event time of any source whose clock is right, and when that was heard. */
  private leadMs = Number.NEGATIVE_INFINITY
  private leadAtMs = 0
  /** When a pane's end was reached first, by pane. */
  private readonly reachedAt = new Map<number, number>()
  private blocker: Source | undefined
  private medianMs = Number.NaN
  private medianAtMs = Number.NEGATIVE_INFINITY
  /** Points since it was looked at. */
  private spoken = 0

  constructor(settings: Config) {
    this.settings = settings
  }

  get size(): number {
    return this.sources.size
  }
  get hasBegun(): boolean {
    return !Number.isNaN(this.newest)
  }
  get lead(): number {
    return this.leadMs
  }

  source(key: string, intervalMs: number): Source {
    let source = this.sources.get(key)
    if (source === undefined) {
      const never = Number.NEGATIVE_INFINITY
      source = {
        key,
        watermarkMs: never,
        seenMs: never,
        saidMs: never,
        intervalMs,
        heardAtMs: 0,
        isLagging: false,
        isAhead: false,
      }
      this.sources.set(key, source)
    }
    return source
  }

  /** What a source's time is taken for: later than the clock says and others agree, it is as of now. */
  taken(ms: number, source: Source, nowMs: number, nowUnixMs: number): number {
    const { max_skew } = this.settings
    source.saidMs = ms
    this.spoken++
    if (ms <= nowUnixMs + max_skew) {
      source.isAhead = false
      return ms
    }
    const base = this.agreed(nowMs, nowUnixMs)
    if (ms <= base + max_skew) {
      source.isAhead = false
      return ms
    }
    source.isAhead = true
    return base + max_skew
  }

  /** A source said something about this moment, as `taken` answered it. */
  note(source: Source, ms: number): void {
    if (source.seenMs === Number.NEGATIVE_INFINITY) this.touched.push(source)
    if (ms > source.seenMs) source.seenMs = ms
  }

  /** All of a batch was noted. What happened just now may not have been told by everybody of a source yet. */
  settle(nowMs: number, nowUnixMs: number): void {
    const knownMs = this.agreed(nowMs, nowUnixMs) - this.settings.delay
    for (const source of this.touched) {
      const { watermarkMs } = source
      const seenMs = Math.min(source.seenMs, knownMs)
      source.seenMs = Number.NEGATIVE_INFINITY
      source.heardAtMs = nowMs
      if (seenMs <= watermarkMs) continue
      const gap = Math.min(seenMs - watermarkMs, mostIntervalMs)
      if (watermarkMs > Number.NEGATIVE_INFINITY && gap >= leastIntervalMs)
        source.intervalMs = gap > source.intervalMs ? gap : source.intervalMs * 0.9 + gap * 0.1
      source.watermarkMs = seenMs
      if (!this.hasBegun || seenMs >= this.newest * paneMs) source.isLagging = false
      if (!source.isAhead && seenMs > this.leadMs) this.advanceLead(seenMs, nowMs)
    }
    this.touched = []
  }

  /** Whether the next pane is over; call until it is not. */
  isOver(nowMs: number, nowUnixMs: number): boolean {
    if (!this.hasBegun) return false
    const pane = this.newest + 1
    const endMs = pane * paneMs
    // When nobody says anything time goes on all the same, so that silence is seen.
    const silentMs = nowMs - this.leadAtMs
    const isReached = this.leadMs >= endMs
    if (!isReached && this.leadMs + silentMs < endMs) return false
    if (this.findBlocker(endMs, nowMs) === undefined) return true
    const reachedAt = isReached ? (this.reachedAt.get(pane) ?? this.leadAtMs) : this.leadAtMs + endMs - this.leadMs
    const dueMs = Math.max(reachedAt, nowMs + endMs - this.agreed(nowMs, nowUnixMs)) + this.settings.deadline
    // Where event time goes faster than the clock, who is so far behind is not waited for either.
    if (nowMs < dueMs && this.leadMs < endMs + farBehindMs) return false
    this.giveUp(pane, nowMs)
    return true
  }

  /** A pane is closed before some have come so far: nobody waits for them again until they have. */
  giveUp(pane: number, nowMs: number): void {
    const endMs = pane * paneMs
    let isMissed = false
    for (const source of this.sources.values()) {
      if (this.isThere(source, endMs, nowMs)) continue
      source.isLagging = true
      isMissed = true
    }
    if (isMissed) this.forced++
  }

  /** The pane is emitted, and all before it. */
  close(pane: number): void {
    this.newest = pane
    for (const reached of this.reachedAt.keys()) if (reached <= pane) this.reachedAt.delete(reached)
  }

  /** Forgets sources that were not heard of for long. */
  sweep(nowMs: number, limit: number): void {
    const longMs = Math.max(this.settings.idle_timeout, 3_600_000)
    for (const [key, { heardAtMs }] of this.sources) if (nowMs - heardAtMs > longMs) this.sources.delete(key)
    // Each is small; this is for names that never come twice.
    for (const key of this.sources.keys()) {
      if (this.sources.size <= limit) break
      this.sources.delete(key)
    }
  }

  isKnown(source: Source): boolean {
    return this.sources.get(source.key) === source
  }

  save(nowMs: number) {
    const { newest, forced, leadMs, leadAtMs } = this
    const reachedMsAgo = Array.from(this.reachedAt, ([pane, atMs]) => [pane, nowMs - atMs] as const)
    return { newest, forced, leadMs, silentMs: nowMs - leadAtMs, reachedMsAgo, sources: [...this.sources.values()] }
  }

  restore(saved: ReturnType<Frontier['save']>, nowMs: number): void {
    const { newest, forced, leadMs, silentMs, reachedMsAgo, sources } = saved
    this.newest = newest
    this.forced = forced
    this.leadMs = leadMs
    this.leadAtMs = nowMs - silentMs
    for (const [pane, msAgo] of reachedMsAgo) this.reachedAt.set(pane, nowMs - msAgo)
    // Monotonic clocks begin anew in another process.
    for (const source of sources) this.sources.set(source.key, { ...source, heardAtMs: nowMs })
  }

  /**
   * What was replayed was heard long ago. Who was as far as any counts as heard now, so that nobody is idle who could not speak; who was
   * behind already, by so much in event time, is waited for no longer than before.
   */
  resume(nowMs: number): void {
    this.leadAtMs = nowMs
    this.reachedAt.clear()
    for (const source of this.sources.values()) source.heardAtMs = nowMs - Math.max(0, this.leadMs - source.watermarkMs)
  }

  private advanceLead(ms: number, nowMs: number): void {
    if (this.hasBegun) {
      const last = Math.floor(ms / paneMs)
      // Panes so far ahead are closed without waiting.
      const first = Math.max(Math.floor(this.leadMs / paneMs), this.newest, last - 1_000)
      for (let pane = first + 1; pane <= last; pane++) if (!this.reachedAt.has(pane)) this.reachedAt.set(pane, nowMs)
    }
    this.leadMs = ms
    this.leadAtMs = nowMs
  }

  /** Somebody who must still speak before the pane is over. */
  private findBlocker(endMs: number, nowMs: number): Source | undefined {
    const { blocker } = this
    if (blocker !== undefined && this.isKnown(blocker) && !this.isThere(blocker, endMs, nowMs)) return blocker
    this.blocker = undefined
    for (const source of this.sources.values()) {
      if (this.isThere(source, endMs, nowMs)) continue
      this.blocker = source
      return source
    }
    return undefined
  }

  private isThere(source: Source, endMs: number, nowMs: number): boolean {
    const { isLagging, isAhead, watermarkMs, intervalMs, heardAtMs } = source
    if (isLagging || isAhead || watermarkMs >= endMs) return true
    // Who reports every minute has nothing to say about most panes.
    if (watermarkMs + intervalMs > endMs) return true
    return nowMs - heardAtMs > this.settings.idle_timeout
  }

  /** What time it is: as the clock says, unless most sources say that it is later. */
  private agreed(nowMs: number, nowUnixMs: number): number {
    const median = this.median(nowMs)
    return median > nowUnixMs + this.settings.max_skew ? median : nowUnixMs
  }

  /** The lower median of what sources say the time is, if there are enough of them. */
  private median(nowMs: number): number {
    // Each source may have spoken since.
    if (this.spoken < this.sources.size && nowMs - this.medianAtMs < 1_000) return this.medianMs
    this.medianAtMs = nowMs
    this.spoken = 0
    const said: number[] = []
    for (const { saidMs } of this.sources.values()) said.push(saidMs)
    this.medianMs =
      said.length < quorum
        ? Number.NEGATIVE_INFINITY
        : Float64Array.from(said).sort()[Math.floor((said.length - 1) / 2)]!
    return this.medianMs
  }
}
