/** All features of a moment: each entity's own, and those that it is pooled of. */

import type { Clock } from '../../pipeline/component.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { type FeatureName, features } from '../../pipeline/vocabulary/features.ts'
import type { Calendar } from './calendar.ts'
import {
  type CountColumn,
  paneMs,
  ringOf,
  type SketchName,
  signalBits,
  sketches,
  windowCount,
  windowPanes,
} from './columns.ts'
import type { FeatureEntity } from './entity.ts'
import { allGroups, groupBits } from './groups.ts'
import { Quality } from './quality.ts'
import { Resources } from './resources.ts'
import { Rows } from './rows.ts'
import { markPlaces, placeOf, type SeriesIds } from './series-ids.ts'
import { SketchWindows } from './sketch.ts'
import { maxWindows, Span, sumWindows } from './windows.ts'

const quantilesOf = Object.fromEntries(
  Object.entries(features).map(([name, spec]) => [name, 'quantiles' in spec ? spec.quantiles.map(Number) : []]),
) as unknown as Readonly<Record<FeatureName, readonly number[]>>

const mostQuantiles = Math.max(...Object.values(quantilesOf).map(({ length }) => length))

/** Panes, the first and the last. */
export interface Hole {
  readonly first: number
  readonly last: number
}

const allWindows = (1 << windowCount) - 1

/** What is emitted once more: the windows of an entity that something came late for, as bits, and how often before. */
export interface Correction {
  readonly windows: number
  readonly groups: number
  readonly revisions: readonly number[]
}

export class Ticker {
  private readonly clock: Clock
  private readonly origin: Origin | undefined
  private readonly ids: SeriesIds
  private readonly calendar: Calendar
  private readonly causalEdges: readonly number[]
  /** Panes in which Vigil was away: they count for no rate. */
  readonly holes: Hole[] = []
  private readonly rows = new Rows()
  private readonly resources = new Resources(this.rows)
  private readonly quality = new Quality(this.rows)
  private readonly sketchWindows = new SketchWindows()
  private readonly byWindow = Array.from({ length: windowCount }, () => new Float64Array(mostQuantiles))
  private readonly a = new Float64Array(windowCount)
  private readonly b = new Float64Array(windowCount)
  private readonly c = new Float64Array(windowCount)
  private readonly seconds = new Float64Array(windowCount)
  /** Of the requests: how many were seen. Less than 1 where sampling left some out. */
  private readonly seenShare = new Float64Array(windowCount)
  private span = new Span(0)
  private end = 0
  private isCorrection = false

  constructor(ids: SeriesIds, calendar: Calendar, causalEdges: readonly number[], clock: Clock, origin?: Origin) {
    this.clock = clock
    this.origin = origin
    this.ids = ids
    this.calendar = calendar
    this.causalEdges = causalEdges
  }

  /** The features of the windows that end with pane `end`. `entities` in any order, with all members of those that are pooled. */
  async tick(
    end: number,
    newest: number,
    entities: Iterable<FeatureEntity>,
    corrections?: ReadonlyMap<FeatureEntity, Correction>,
  ): Promise<Metrics | undefined> {
    const slices = new Slices(this.clock)
    this.end = end
    this.span = new Span(end)
    this.isCorrection = corrections !== undefined
    this.sketchWindows.begin(end, newest)
    this.resources.begin(this.span)
    this.quality.begin(this.span)
    const { rows } = this
    rows.begin()
    if (corrections === undefined) this.moment()
    let count = 0
    for (const stage of stages(entities)) {
      for (const one of stage) {
        if ((++count & 0x1f) === 0 && slices.isOver) await slices.pause()
        const correction = corrections?.get(one)
        if (corrections === undefined) rows.select(one.number, allWindows, allGroups)
        else rows.select(one.number, correction?.windows ?? 0, correction?.groups ?? 0)
        this.entity(one)
        if (correction !== undefined) this.revisions(correction)
      }
    }
    return rows.count === 0
      ? undefined
      : gauges({
          ...rows.take(),
          timeUnixNano: BigInt(end) * BigInt(paneMs) * 1_000_000n,
          plan: this.ids.plan,
          ...(this.origin === undefined ? {} : { origin: this.origin }),
        })
  }

  /** Lets sketches forget what a tick would. */
  forget(newest: number, entities: Iterable<FeatureEntity>): void {
    this.sketchWindows.begin(newest, newest)
    for (const { sketches: all } of entities)
      for (const sketch of all) if (sketch !== undefined) this.sketchWindows.settle(sketch)
  }

  /** Of the last `panes`. */
  private missed(panes: number): number {
    let missed = 0
    for (const { first, last } of this.holes)
      missed += Math.max(0, Math.min(last, this.end) - Math.max(first, this.end - panes + 1) + 1)
    return missed
  }

  private moment(): void {
    const { rows, end, calendar } = this
    const { hourOfWeek, isHoliday } = calendar.at(end * paneMs)
    rows.select(0, allWindows, allGroups)
    rows.one(markPlaces.hourOfWeek, hourOfWeek)
    rows.one(markPlaces.holiday, isHoliday ? 1 : 0)
    if (end % 6 !== 0) return
    for (const number of this.causalEdges) {
      rows.select(number, allWindows, allGroups)
      rows.one(markPlaces.causalEdge, 1)
    }
  }

  private entity(of: FeatureEntity): void {
    // Nothing of it is that old.
    if (of.firstPane > this.end) return
    for (let w = 0; w < windowCount; w++) {
      const panes = Math.min(windowPanes[w]!, this.end - of.firstPane + 1)
      this.seconds[w] = (Math.max(1, panes - this.missed(panes)) * paneMs) / 1_000
    }
    const { rows } = this
    rows.group(groupBits.requests)
    this.requests(of)
    this.latencies(of)
    rows.group(groupBits.logs)
    this.logs(of)
    this.resources.entity(of)
    rows.anyGroup()
    if (of.rank !== 'part') this.quality.entity(of, this.isCorrection)
  }

  private requests(of: FeatureEntity): void {
    const isTraced = (of.signals & signalBits.traces) !== 0
    this.seenShare.fill(1)
    const requests = of.rings[ringOf[isTraced ? 'requests' : 'httpRequests']]
    if (requests !== undefined) {
      const { rows, span, a, b, c, seconds } = this
      sumWindows(requests, span, a)
      this.sums(of, isTraced ? 'errors' : 'httpErrors', b)
      for (let w = 0; w < windowCount; w++) c[w] = a[w]! / seconds[w]!
      rows.windows(placeOf['vigil.request.rate'], c)
      rows.windows(placeOf['vigil.request.count'], a)
      rows.windows(placeOf['vigil.error.count'], b)
      for (let w = 0; w < windowCount; w++) c[w] = a[w]! > 0 ? Math.min(1, b[w]! / a[w]!) : Number.NaN
      rows.windows(placeOf['vigil.error.ratio'], c)
      if (isTraced && of.rings[ringOf.sampled] !== undefined) {
        this.sums(of, 'sampled', b)
        for (let w = 0; w < windowCount; w++) {
          if (b[w]! < a[w]! - 0.5) this.seenShare[w] = b[w]! / a[w]!
          else b[w] = Number.NaN
        }
        rows.windows(markPlaces.sampled, b)
      }
    }
  }

  private latencies(of: FeatureEntity): void {
    const { rows } = this
    const isTraced = (of.signals & signalBits.traces) !== 0
    rows.group(groupBits.duration)
    this.latency(of, isTraced ? 'duration' : 'httpDuration', 'vigil.latency')
    rows.group(groupBits.selfTime)
    this.latency(of, 'selfTime', 'vigil.self_time', 'vigil.self_time.count')
    rows.group(groupBits.networkGap)
    this.latency(of, 'networkGap', 'vigil.network_gap', 'vigil.network_gap.count')
  }

  /** `count`: where only whole traces tell it, and so not of every request. */
  private latency(of: FeatureEntity, name: SketchName, feature: FeatureName, count?: FeatureName): void {
    const sketch = of.sketches[sketches[name]]
    if (sketch === undefined || sketch.used === 0) return
    const { sketchWindows, rows, a } = this
    if (this.isCorrection && !rows.isWanted) return
    const counts = sketchWindows.read(sketch)
    const quantiles = quantilesOf[feature]
    const { byWindow } = this
    for (let w = 0; w < windowCount; w++) sketchWindows.quantiles(w, quantiles, byWindow[w]!)
    for (let q = 0; q < quantiles.length; q++) {
      for (let w = 0; w < windowCount; w++) a[w] = byWindow[w]![q]!
      rows.windows(placeOf[feature] + q * windowCount, a)
    }
    if (count === undefined) return
    for (let w = 0; w < windowCount; w++) a[w] = counts[w]! > 0 ? counts[w]! * this.seenShare[w]! : Number.NaN
    rows.windows(placeOf[count], a)
  }

  private logs(of: FeatureEntity): void {
    const records = of.rings[ringOf.logRecords]
    if (records === undefined) return
    const { rows, span, a, seconds } = this
    sumWindows(records, span, a)
    for (let w = 0; w < windowCount; w++) a[w] = a[w]! / seconds[w]!
    rows.windows(placeOf['vigil.log.rate'], a)
    this.sums(of, 'logErrors', a)
    for (let w = 0; w < windowCount; w++) a[w] = a[w]! / seconds[w]!
    rows.windows(placeOf['vigil.log.error_rate'], a)
    this.sums(of, 'newTemplates', a)
    rows.windows(placeOf['vigil.log.new_templates'], a)
    const burst = of.rings[ringOf.burst]
    if (burst === undefined) a.fill(0)
    else maxWindows(burst, span, a)
    rows.windows(placeOf['vigil.log.burst'], a)
  }

  private revisions({ revisions }: Correction): void {
    for (let w = 0; w < windowCount; w++) this.a[w] = revisions[w]!
    this.rows.windows(markPlaces.revision, this.a)
  }

  private sums(of: FeatureEntity, column: CountColumn, out: Float64Array): void {
    const values = of.rings[ringOf[column]]
    if (values === undefined) out.fill(0)
    else sumWindows(values, this.span, out)
  }
}

/** Members before what they are pooled into. */
function stages(entities: Iterable<FeatureEntity>): readonly (readonly FeatureEntity[])[] {
  const all: FeatureEntity[][] = [[], [], [], [], []]
  for (const one of entities) all[stageOf(one)]!.push(one)
  return all
}

function stageOf({ rank }: FeatureEntity): number {
  if (rank === 'part') return 0
  if (rank === 'edge') return 1
  if (rank === 'version') return 3
  return rank === 'service' ? 4 : 2
}
