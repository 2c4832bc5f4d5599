/** From batches of metrics to rows: finds by the number of each series where its values go, and reads a series' text only once. */
import type { Clock } from '../../pipeline/component.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gaugeRows } from '../../pipeline/data/gauges.ts'
import { decodeEntries, type SeriesText } from '../../pipeline/data/series.ts'
import type { Dictionary, Metrics, PointPlan, Value } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { entityId, readEntity } from '../../pipeline/vocabulary/entity.ts'
import { marks } from '../../pipeline/vocabulary/features.ts'
import { paneAttributes, tracePanes } from '../../pipeline/vocabulary/panes.ts'
import { columnOf, windowNumber } from './columns.ts'
import type { CountedCrossings, Pair } from './crossings.ts'
import type { Edges } from './edges.ts'
import type { EntityHistory, Series } from './entity-history.ts'
import type { EntityHistories } from './history.ts'

/** What a series is to us. */
type Slot =
  | { readonly kind: 'value'; readonly series: Series; readonly edge: boolean }
  | { readonly kind: 'revision'; readonly history: EntityHistory; readonly window: number }
  | { readonly kind: 'causal'; readonly source: string; readonly target: string }
  | { readonly kind: 'crossing'; readonly pair: Pair }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused' }

const ignored: Slot = { kind: 'ignored' }
const refused: Slot = { kind: 'refused' }
const nanosPerSecond = 1e9
const rowsAtOnce = 256

export class Ingest {
  ignoredPoints = 0
  private readonly histories: EntityHistories
  private readonly edges: Edges
  private readonly crossings: CountedCrossings
  private readonly slots = new WeakMap<Dictionary, (Slot | undefined)[]>()
  private readonly seriesLimit: number
  private plan: PointPlan
  /** Batches that are not taken yet, and the last of them. */
  private waiting = 0
  private last: Promise<void> = Promise.resolve()

  constructor(histories: EntityHistories, edges: Edges, crossings: CountedCrossings, maxEntities: number) {
    this.histories = histories
    this.edges = edges
    this.crossings = crossings
    this.seriesLimit = Math.min(4_000_000, 10_000 + maxEntities * 100)
    this.plan = this.newPlan()
  }

  /** One batch after another. Undefined when all of it is taken already; a large one lets other work in between. */
  add(batch: Metrics, clock: Clock): Promise<void> | undefined {
    if (batch.count === 0) return undefined
    const steps = this.take(batch)
    if (this.waiting === 0) {
      const slices = new Slices(clock)
      while (!slices.isOver) if (steps.next().done) return undefined
    }
    this.waiting++
    this.last = this.last
      .then(async () => {
        const slices = new Slices(clock)
        while (!steps.next().done) if (slices.isOver) await slices.pause()
      })
      .finally(() => {
        this.waiting--
      })
    return this.last
  }

  /** What was added is taken. */
  async settled(): Promise<void> {
    await this.last
  }

  private *take(batch: Metrics): Generator<void> {
    const rows = gaugeRows(batch)
    if (rows !== undefined) {
      const seconds = Number(rows.timeUnixNano) / nanosPerSecond
      this.histories.advance(seconds)
      yield* this.addRows(rows.plan.series, rows.series, rows.value, () => seconds)
      return
    }
    const { size, limit } = this.plan.series
    if (size >= 0.9 * limit) this.plan = this.newPlan()
    const { plan } = this
    const { series, value, timeHi, timeLo, length } = batch.columns(plan)
    const secondsOf = (row: number) => (timeHi[row]! * 0x1_0000_0000 + timeLo[row]!) / nanosPerSecond
    // The middle one: senders of wrong times are few in a batch.
    this.histories.advance(secondsOf(length >> 1))
    yield* this.addRows(plan.series, series, value, secondsOf)
  }

  private newPlan(): PointPlan {
    return { dictionary: new ByteDictionary(1), series: new ByteDictionary(this.seriesLimit) }
  }

  /** Stops now and then, where other work may go on. */
  private *addRows(
    dictionary: Dictionary,
    series: Uint32Array,
    value: Float64Array,
    secondsOf: (row: number) => number,
  ): Generator<void> {
    let slots = this.slots.get(dictionary)
    if (slots === undefined) this.slots.set(dictionary, (slots = []))
    let revisions: Map<EntityHistory, number[]> | undefined
    for (let row = 0; row < series.length; row++) {
      if (row % rowsAtOnce === rowsAtOnce - 1) yield
      const slot = this.slotOf(dictionary, slots, series[row]!, secondsOf(row))
      if (slot.kind !== 'revision') continue
      revisions ??= new Map()
      const of = revisions.get(slot.history) ?? []
      of[slot.window] = value[row]!
      revisions.set(slot.history, of)
    }
    const { counts } = this.histories
    for (let row = 0; row < series.length; row++) {
      if (row % rowsAtOnce === rowsAtOnce - 1) yield
      const slot = slots[series[row]!]
      const seconds = secondsOf(row)
      if (slot === undefined || slot.kind === 'ignored') this.ignoredPoints++
      else if (slot.kind === 'refused') counts.refusedValues++
      else if (slot.kind === 'crossing') this.crossings.add(slot.pair, seconds, value[row]!)
      else if (slot.kind === 'causal') this.edges.drawn(slot.source, slot.target, seconds)
      else if (slot.kind === 'value' && seconds > 0) {
        const of = value[row]!
        if (Number.isNaN(of)) continue
        const { column, history } = slot.series
        const revision = revisions?.get(history)?.[column.window] ?? 0
        this.histories.write(slot.series, seconds, of, revision)
        if (slot.edge) this.edges.seen(history.id, seconds)
      }
    }
  }

  private slotOf(dictionary: Dictionary, slots: (Slot | undefined)[], id: number, seconds: number): Slot {
    // 0 is the number of all series for which the dictionary had no room.
    if (id === 0) return refused
    let slot = slots[id]
    const isGone =
      (slot?.kind === 'value' && slot.series.history.isGone) ||
      (slot?.kind === 'crossing' && !this.crossings.isKnown(slot.pair))
    // Where there was no room there may be some by now.
    if (slot !== undefined && !isGone && slot.kind !== 'refused') return slot
    slot = this.resolve(JSON.parse(dictionary.text(id)) as SeriesText, seconds)
    slots[id] = slot
    return slot
  }

  private resolve(text: SeriesText, seconds: number): Slot {
    const [metric] = text.metric
    const point = attributesOf(text.attributes)
    const string = (name: string) => {
      const found = point.get(name)
      return typeof found === 'string' ? found : ''
    }
    const [source, target] = [string(paneAttributes.source), string(paneAttributes.target)]
    if (metric === marks.causalEdge)
      return source === '' || target === '' ? ignored : { kind: 'causal', source, target }
    const entity = readEntity(attributesOf(text.resource), point)
    if (entity === undefined || entity.name === '') return ignored
    if (metric === tracePanes.crossings) {
      const crossed = string(paneAttributes.crossed)
      const pair = crossed === '' ? undefined : this.crossings.pair(entity, crossed)
      return pair === undefined ? ignored : { kind: 'crossing', pair }
    }
    const isRevision = metric === marks.revision
    const column = columnOf(metric, point, entity.kind === 'edge')
    if (!isRevision && column === undefined) return ignored
    const history = this.histories.entity(entityId(entity), entity, seconds)
    if (history === undefined) return refused
    if (isRevision) {
      const window = windowNumber(point.get('window'))
      return window === 0 ? ignored : { kind: 'revision', history, window }
    }
    const series = this.histories.series(history, column!)
    if (series === undefined) return refused
    const isPane = entity.kind === 'edge' && source !== '' && target !== ''
    const edge = isPane && this.edges.observed(history, source, target, string(paneAttributes.edgeType), seconds)
    return { kind: 'value', series, edge }
  }
}

function attributesOf(entries: SeriesText['attributes']): ReadonlyMap<string, Value> {
  return new Map(Object.entries(decodeEntries(entries)))
}
