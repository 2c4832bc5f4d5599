/** A batch to what is taken of it, and series to what they feed. */
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { PointView } from '../../pipeline/data/point.ts'
import type { SeriesText } from '../../pipeline/data/series.ts'
import type { Metrics, PointColumns, PointPlan } from '../../pipeline/data/telemetry.ts'
import { find, u32 } from '../../pipeline/data/wire.ts'
import type { Slices } from '../../pipeline/slices.ts'
import type { Binder, Binding } from './binding.ts'
import { noRoom } from './binding.ts'
import { readExplicit, readExponential } from './buckets.ts'
import { paneAt } from './columns.ts'
import type { Entities } from './entities.ts'
import type { Frontier } from './frontier.ts'
import { rules } from './rules.ts'
import { newSeriesState, type SeriesState } from './series-state.ts'
import { Taken } from './taken.ts'

/** Why a point was not taken. */
export type Loss = 'without_feature' | 'without_time' | 'too_late' | 'entity_limit' | 'series_limit'

/** Buckets from milliseconds to seconds. */
const millisShift = Math.round(Math.log2(0.001) * 8)
/** In `pointTypes`. */
const [sumType, exponentialType, summaryType] = [2, 4, 5]

export class Reader {
  readonly losses = new Map<Loss, number>()
  /** By series text and rule. Of series that carry state only. */
  states = new Map<string, SeriesState>()
  /** Ids mean the same as long as this is the same. */
  generation = 0
  private readonly maxSeries: number
  private readonly binder: Binder
  private readonly entities: Entities
  private readonly frontier: Frontier
  private plan: PointPlan
  /** By series id: undefined = not met, null = nothing is made of it. */
  private bindings: (Binding | null | undefined)[] = []

  constructor(maxSeries: number, binder: Binder, entities: Entities, frontier: Frontier) {
    this.maxSeries = maxSeries
    this.binder = binder
    this.entities = entities
    this.frontier = frontier
    this.plan = this.newPlan()
  }

  async read(batch: Metrics, nowMs: number, nowUnixMs: number, slices: Slices): Promise<Taken> {
    this.exchangeFullPlan()
    const columns = batch.columns(this.plan)
    const { length, series, type, timeLo, timeHi, value } = columns
    const taken = new Taken(nowUnixMs, length)
    let views: (PointView | undefined)[] | undefined
    for (let row = 0; row < length; row++) {
      if ((row & 0xff) === 0xff && slices.isOver) await slices.pause()
      const id = series[row]!
      const said = millis(timeLo[row]!, timeHi[row]!)
      const binding = this.binding(id, said, nowUnixMs)
      if (binding === undefined) continue
      if (binding.feeds.length === 0) continue
      const kind = type[row]!
      if (kind <= sumType ? !Number.isFinite(value[row]!) : kind === summaryType) {
        this.lose('without_feature')
        continue
      }
      const ms = this.frontier.taken(said, binding.source, nowMs, nowUnixMs)
      if (kind <= sumType) {
        taken.add(id, ms, value[row]!)
        continue
      }
      views ??= viewsOf(batch, columns)
      const view = views[row]
      if (view === undefined) continue
      const { scale } = binding.feeds[0]!
      if (kind === exponentialType) {
        readExponential(view, scale === 1 ? 0 : millisShift)
        taken.add(id, ms, countOf(view))
      } else {
        const { distribution } = view
        if (distribution === undefined) continue
        readExplicit(distribution.bounds, Float64Array.from(distribution.counts, Number), scale)
        taken.add(id, ms, Number(distribution.count))
      }
      taken.addBuckets()
    }
    return taken
  }

  /** Undefined, and counted, where nothing can be made of it. `said` is event time in ms, 0 = none. */
  binding(id: number, said: number, nowUnixMs: number): Binding | undefined {
    if (id === 0) return this.lose('series_limit')
    let binding = this.bindings[id]
    if (binding === undefined || (binding !== null && !this.isCurrent(binding))) {
      const made = this.bind(id, paneAt(said > 0 ? Math.min(said, nowUnixMs) : nowUnixMs))
      if (made === noRoom) return this.lose('entity_limit')
      binding = made
      this.bindings[id] = made
    }
    if (binding === null) return this.lose('without_feature')
    return said > 0 || binding.feeds.length === 0 ? binding : this.lose('without_time')
  }

  lose(reason: Loss): undefined {
    this.losses.set(reason, (this.losses.get(reason) ?? 0) + 1)
    return undefined
  }

  textOf(id: number): string {
    return this.plan.series.text(id)
  }
  idOf(text: string): number {
    return this.plan.series.id(text)
  }

  /** Of series that were not heard of since `oldestMs`. */
  forgetStates(oldestMs: number): void {
    for (const [key, { times }] of this.states) if (!(times.at(-1)! >= oldestMs)) this.states.delete(key)
    this.bindings = []
  }

  private newPlan(): PointPlan {
    return { dictionary: new ByteDictionary(1), series: new ByteDictionary(this.maxSeries) }
  }

  /** Ids are bounded: when they are used up, all begins anew but what series carry with them. */
  private exchangeFullPlan(): void {
    const { series } = this.plan
    if (series.overflows === 0 && series.size < 0.9 * series.limit) return
    this.plan = this.newPlan()
    this.bindings = []
    this.generation++
  }

  private isCurrent({ source, feeds }: Binding): boolean {
    if (!this.frontier.isKnown(source)) return false
    for (const { of } of feeds) if (!this.entities.isKnown(of)) return false
    return true
  }

  private bind(id: number, pane: number): Binding | null | typeof noRoom {
    const text = this.plan.series.text(id)
    const stateOf = (place: number) => {
      const rule = rules[place % rules.length]![1]
      if (rule.take === 'count' || rule.take === 'max' || rule.take === 'sketch') return stateless
      const key = `${place} ${text}`
      let state = this.states.get(key)
      if (state === undefined) {
        state = newSeriesState()
        this.states.set(key, state)
      }
      return state
    }
    return this.binder.bind(JSON.parse(text) as SeriesText, pane, stateOf) ?? null
  }
}

/** Of panes: whatever comes counts. */
const stateless = newSeriesState()

function countOf({ b, start, end }: PointView): number {
  const at = find(b, start, end, 33)
  return at < 0 ? 0 : u32(b, at + 4) * 0x1_0000_0000 + u32(b, at)
}

/** The points that are no numbers, by row. */
function viewsOf(batch: Metrics, { type, length }: PointColumns): (PointView | undefined)[] {
  const views: (PointView | undefined)[] = Array.from({ length })
  let row = 0
  for (const point of batch) {
    if (type[row]! > sumType && point instanceof PointView) views[row] = point
    row++
  }
  return views
}

/** Event time in ms, exact to the microsecond: a pane's end must not become the next pane's beginning. */
function millis(lo: number, hi: number): number {
  return Math.round((hi * 0x1_0000_0000 + lo) / 1_000) / 1_000
}
