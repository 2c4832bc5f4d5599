/** Telemetry in, features out: panes by entity, and a tick for each pane that is over. */
import type { Context } from '../../pipeline/component.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { Binder, type Binding, type Feed } from './binding.ts'
import { Calendar } from './calendar.ts'
import { aheadPanes, keptPanes, paneAt, paneMs } from './columns.ts'
import type { Config } from './config.ts'
import { Corrections } from './corrections.ts'
import { Entities } from './entities.ts'
import { type FeatureEntity, markHeard, markSeen } from './entity.ts'
import { Frontier } from './frontier.ts'
import { groupOf } from './groups.ts'
import { type Loss, Reader } from './reader.ts'
import { type Bounds, feedNumber, feedRequests, feedSketch } from './readings.ts'
import { SeriesIds } from './series-ids.ts'
import type { Taken } from './taken.ts'
import { type Hole, Ticker } from './tick.ts'

/** Panes between two looks at what is no longer needed. */
const sweepPanes = 30
/** Vigil was away for longer: what would have come meanwhile is unknown, and no silence. */
const mostMissedPanes = 3

const intents = {
  without_feature: 'intended',
  without_time: 'lost',
  too_late: 'intended',
  entity_limit: 'lost',
  series_limit: 'lost',
} as const satisfies Record<Loss, 'intended' | 'lost'>

export class Features {
  readonly frontier: Frontier
  readonly entities: Entities
  corrected = 0
  late = 0
  private readonly settings: Config
  private readonly context: Context
  private readonly ids = new SeriesIds()
  private readonly binder: Binder
  private readonly ticker: Ticker
  readonly reader: Reader
  private readonly corrections: Corrections
  /** After a restart: time goes on when data come. */
  private isAwaited = false
  private awaitedSinceMs = 0
  private lastSweep = Number.NEGATIVE_INFINITY

  /** `origin`: of the batches that it takes, and then of what it makes. */
  constructor(settings: Config, context: Context, origin?: Origin) {
    this.settings = settings
    this.context = context
    this.frontier = new Frontier(settings)
    this.entities = new Entities(settings.max_entities, this.ids)
    this.corrections = new Corrections(context.clock, Math.floor(settings.lateness / paneMs))
    this.binder = new Binder(this.entities, this.frontier)
    const edges = settings.causal_edges.map((drawn) => this.ids.add(drawn))
    this.ticker = new Ticker(this.ids, new Calendar(settings.calendar), edges, context.clock, origin)
    this.reader = new Reader(settings.max_series, this.binder, this.entities, this.frontier)
  }

  /** What of a batch features are made of. Nothing is counted yet. */
  async read(batch: Metrics): Promise<Taken> {
    const { clock } = this.context
    if (this.ids.count > 3 * this.settings.max_entities + this.settings.causal_edges.length) this.renumber()
    const taken = await this.reader.read(batch, clock.nowMs(), unixMs(clock.nowUnixNano()), new Slices(clock))
    this.countLosses()
    return taken
  }

  /** Counts it. Gives what must be emitted before all of it fits, tick by tick. */
  async *take(taken: Taken): AsyncGenerator<Metrics> {
    if (taken.count === 0) return
    if (!this.frontier.hasBegun) this.begin(taken)
    if (this.isAwaited) this.arrive(taken)
    const isDone = new Uint8Array(taken.count)
    while ((await this.takeRows(taken, isDone)) > 0) yield* this.makeRoom(taken, isDone)
    this.frontier.settle(this.context.clock.nowMs(), taken.nowUnixMs)
    this.countLosses()
  }

  /** Takes again what was taken before the process ended, `newest` being the newest pane emitted then. Emits nothing. */
  async replay(taken: Taken, newest: number, holes: readonly Hole[]): Promise<void> {
    this.ticker.holes.splice(0, Number.POSITIVE_INFINITY, ...holes)
    if (!this.frontier.hasBegun && !Number.isNaN(newest)) this.frontier.newest = newest
    if (newest - this.frontier.newest > keptPanes) this.jump(newest)
    this.catchUp(newest)
    for await (const _ of this.take(taken));
  }

  /** All was taken again: the clock stands still until data come, or a source would be idle. */
  resume(): void {
    this.frontier.resume(this.context.clock.nowMs())
    this.isAwaited = this.frontier.hasBegun
    this.awaitedSinceMs = this.context.clock.nowMs()
  }

  /** What is over by now: corrections of what was emitted first, then new ticks. */
  async *advance(): AsyncGenerator<Metrics> {
    const { clock } = this.context
    if (this.isAwaited) {
      if (clock.nowMs() - this.awaitedSinceMs < this.settings.idle_timeout) return
      this.isAwaited = false
    }
    const isOver = () => this.frontier.isOver(clock.nowMs(), unixMs(clock.nowUnixNano()))
    if (isOver() || this.corrections.isOverdue) yield* this.correct()
    while (isOver()) {
      const batch = await this.close(this.frontier.newest + 1)
      if (batch !== undefined) yield batch
    }
  }

  get holes(): readonly Hole[] {
    return this.ticker.holes
  }

  private renumber(): void {
    this.ids.startOver()
    for (const drawn of this.settings.causal_edges) this.ids.add(drawn)
    this.entities.renumber()
  }

  /** Takes the rows that fit; answers how many do not yet. */
  private async takeRows(taken: Taken, isDone: Uint8Array): Promise<number> {
    const slices = new Slices(this.context.clock)
    const { newest } = this.frontier
    const bounds: Bounds = { oldest: newest - keptPanes + 1, newest }
    let left = 0
    for (let row = 0; row < taken.count; row++) {
      if (isDone[row] === 1) continue
      if ((row & 0xff) === 0xff && slices.isOver) await slices.pause()
      const pane = paneAt(taken.times[row]!)
      if (pane > newest + aheadPanes) {
        left++
        continue
      }
      isDone[row] = 1
      if (pane < bounds.oldest) this.reader.lose('too_late')
      else this.takeRow(taken, row, pane, bounds)
    }
    return left
  }

  private takeRow(taken: Taken, row: number, pane: number, bounds: Bounds): void {
    const ms = taken.times[row]!
    const binding = this.reader.binding(taken.series[row]!, ms, taken.nowUnixMs)
    if (binding === undefined) return
    this.frontier.note(binding.source, binding.isPartial ? ms - paneMs : ms)
    const isLate = pane <= bounds.newest
    let isNew = false
    for (const feed of binding.feeds) {
      const isFirst = pane < feed.of.firstPane
      if (!feedRow(feed, taken, row, ms, pane, binding.isDelta, bounds)) continue
      isNew = true
      markSeen(feed.of, pane)
      if (isLate) this.corrections.mark(feed.of, pane, groupOf(feed.rule), isFirst, bounds.newest)
    }
    if (!isNew) return
    if (isLate) this.late++
    for (const one of binding.heard) {
      hear(one, binding, pane, ms)
      if (one.rank === 'part') for (const parent of one.parents) hearUp(parent, binding, pane, ms)
    }
  }

  /** The first data say what time it is; older ones of the same batch belong to it. */
  private begin({ count, times }: Taken): void {
    let first = Number.POSITIVE_INFINITY
    let last = Number.NEGATIVE_INFINITY
    for (let row = 0; row < count; row++) {
      first = Math.min(first, times[row]!)
      last = Math.max(last, times[row]!)
    }
    this.frontier.newest = Math.max(paneAt(first), paneAt(last) - keptPanes) - 1
  }

  /** The first data after a restart: what happened meanwhile is not known. */
  private arrive({ count, times }: Taken): void {
    this.isAwaited = false
    let first = Number.POSITIVE_INFINITY
    for (let row = 0; row < count; row++) first = Math.min(first, times[row]!)
    const missed = paneAt(first) - 1
    if (missed - this.frontier.newest <= mostMissedPanes) return
    if (missed - this.frontier.newest > keptPanes) this.jump(missed)
    else {
      this.ticker.holes.push({ first: this.frontier.newest + 1, last: missed })
      this.catchUp(missed)
    }
  }

  /** Closes panes without waiting, until the next rows fit; a gap longer than all windows is jumped over. */
  private async *makeRoom({ count, times }: Taken, isDone: Uint8Array): AsyncGenerator<Metrics> {
    let next = Number.POSITIVE_INFINITY
    for (let row = 0; row < count; row++) if (isDone[row] === 0) next = Math.min(next, paneAt(times[row]!))
    const until = next - aheadPanes
    if (until - this.frontier.newest > keptPanes) {
      this.jump(next - 1)
      return
    }
    yield* this.correct()
    while (this.frontier.newest < until) {
      this.frontier.giveUp(this.frontier.newest + 1, this.context.clock.nowMs())
      const batch = await this.close(this.frontier.newest + 1)
      if (batch !== undefined) yield batch
    }
  }

  /** Nothing is known of the time before: not even that nothing happened. */
  private jump(newest: number): void {
    this.entities.clearAll()
    this.corrections.clear()
    this.ticker.holes.push({ first: this.frontier.newest + 1, last: newest })
    this.frontier.close(newest)
  }

  private async close(pane: number): Promise<Metrics | undefined> {
    this.binder.resolve(pane)
    const batch = await this.ticker.tick(pane, pane, this.entities.all())
    this.closed(pane)
    return batch
  }

  /** As `close`, of panes that were emitted before. */
  private catchUp(newest: number): void {
    while (this.frontier.newest < newest) {
      const pane = this.frontier.newest + 1
      if (!this.corrections.isEmpty) this.corrections.take(this.frontier.newest)
      this.binder.resolve(pane)
      this.ticker.forget(pane, this.entities.all())
      this.closed(pane)
    }
  }

  private closed(pane: number): void {
    this.frontier.close(pane)
    // The slot of the pane that may now be told of held one that no window needs.
    this.entities.clearSlot(pane + aheadPanes)
    this.corrections.closed(pane)
    if (pane - this.lastSweep >= sweepPanes) this.sweep(pane)
  }

  /** Emits once more what came out before something was told of it. */
  private async *correct(): AsyncGenerator<Metrics> {
    if (this.corrections.isEmpty) return
    const { involved, byEnd } = this.corrections.take(this.frontier.newest)
    for (const [end, corrections] of byEnd) {
      const batch = await this.ticker.tick(end, this.frontier.newest, involved, corrections)
      if (batch === undefined) continue
      this.corrected += batch.count
      yield batch
    }
  }

  private sweep(pane: number): void {
    this.lastSweep = pane
    const longest = this.settings.entity_expiration / paneMs
    for (const one of this.entities.all()) {
      const expires = one.rank === 'instance' || one.rank === 'version' || one.rank === 'part' ? keptPanes : longest
      if (one.lastPane < pane - expires && one.firstPane < pane) this.entities.remove(one)
    }
    this.frontier.sweep(this.context.clock.nowMs(), this.settings.max_entities * 4)
    const { states } = this.reader
    if (states.size > this.settings.max_series) this.reader.forgetStates((pane - keptPanes) * paneMs)
    const { holes } = this.ticker
    while (holes.length > 0 && holes[0]!.last < pane - 2 * keptPanes) holes.shift()
  }

  private countLosses(): void {
    const { losses } = this.reader
    for (const [reason, points] of losses) this.context.dropped(points, reason, intents[reason])
    losses.clear()
  }

  save() {
    const { frontier, entities, reader, ticker, corrections, lastSweep, late, corrected, isAwaited } = this
    const nowMs = this.context.clock.nowMs()
    return {
      version: 1,
      frontier: frontier.save(nowMs),
      entities: entities.save(),
      states: reader.states,
      holes: ticker.holes,
      corrections: corrections.save(),
      awaitedMs: isAwaited ? nowMs - this.awaitedSinceMs : undefined,
      lastSweep,
      late,
      corrected,
    }
  }

  restore(saved: ReturnType<Features['save']>): void {
    if (saved.version !== 1) throw new Error(`state of version ${String(saved.version)} is not known here`)
    const nowMs = this.context.clock.nowMs()
    this.frontier.restore(saved.frontier, nowMs)
    this.entities.restore(saved.entities)
    this.reader.states = saved.states
    this.ticker.holes.push(...saved.holes)
    this.corrections.restore(saved.corrections)
    this.isAwaited = saved.awaitedMs !== undefined
    this.awaitedSinceMs = nowMs - (saved.awaitedMs ?? 0)
    this.lastSweep = saved.lastSweep
    this.late = saved.late
    this.corrected = saved.corrected
  }
}

function feedRow(
  feed: Feed,
  taken: Taken,
  row: number,
  ms: number,
  pane: number,
  isDelta: boolean,
  bounds: Bounds,
): boolean {
  const { take } = feed.rule
  if (take === 'sketch') return feedSketch(feed, taken, row, pane, bounds)
  if (take === 'requests') return feedRequests(feed, taken, row, ms, isDelta, bounds)
  return feedNumber(feed, ms, taken.values[row]!, isDelta, bounds)
}

function hear(one: FeatureEntity, { signal, bit }: Binding, pane: number, ms: number): void {
  if (one.heardOf === one && one.rank !== 'part') markHeard(one, signal, bit, pane, ms)
  else markSeen(one, pane)
  one.signals |= bit
}

function hearUp(one: FeatureEntity, binding: Binding, pane: number, ms: number): void {
  hear(one, binding, pane, ms)
  for (const parent of one.parents) hearUp(parent, binding, pane, ms)
}

function unixMs(nanos: bigint): number {
  return Number(nanos / 1_000n) / 1_000
}
