/** Counts records by resource, severity and template in panes of event time, and notices templates that are new or come in bursts. */
import { deserialize, serialize } from 'node:v8'
import {
  countSurprise,
  expectedCount,
  learnCount,
  learnSilence,
  newCountBaseline,
} from '../../models/count-surprise.ts'
import type { Context } from '../../pipeline/component.ts'
import { absent, ByteDictionary } from '../../pipeline/data/dictionary.ts'
import type { Key, Logs, Origin, RowPlan } from '../../pipeline/data/telemetry.ts'
import { key } from '../../pipeline/data/value.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import type { Config } from './config.ts'
import { addTo, type Pending, paneSeconds, type ResourceSeries, severityClass, type TemplateSeries } from './series.ts'

/** The last one whose end is a time that OTLP can say. */
const lastPane = Math.floor(2 ** 64 / (paneSeconds * 1e9)) - 1
/** A sender's clock may be ahead by so many panes before its records count as of now for bursts. */
const maxPanesAhead = 3
/** A pane is over for bursts when one began so many panes later, or by the clock. */
const panesOpen = 2
/** Counts that wait, over all series: more are sent at once. */
const maxPending = 200_000

/** A template whose latest pane the baseline has not learned. */
type OpenSeries = readonly [ResourceSeries, TemplateSeries]

interface State {
  readonly version: 1
  readonly resources: readonly ResourceSeries[]
}

export class LogCounts {
  private readonly settings: Config
  private readonly context: Context
  private readonly resourceKeys: readonly Key[]
  private readonly idKey: Key
  private readonly templateKey: Key
  private readonly overflowed: Counter
  private readonly forgotten: Counter
  private readonly resources = new Map<string, ResourceSeries>()
  private dirty: ResourceSeries[] = []
  private open: OpenSeries[] = []
  private pending = 0
  private series = 0
  /** What the columns' ids mean; a full one is exchanged, and with it all that was found by its ids. */
  private plan: RowPlan
  private byIds = new Map<string, ResourceSeries>()
  private templatesByIds = new Map<ResourceSeries, Map<number, TemplateSeries | undefined>>()
  private lastSweep = Number.NEGATIVE_INFINITY

  constructor(settings: Config, context: Context) {
    this.settings = settings
    this.context = context
    this.resourceKeys = settings.resource_attributes.map((name) => key(name))
    this.idKey = key(settings.id_attribute)
    this.templateKey = key(settings.template_attribute)
    this.plan = this.newPlan()
    const { meter } = context
    const name = (rest: string) => `otelcol_connector_log_metrics_${rest}`
    this.overflowed = meter.counter(
      name('overflowed_records'),
      'Records counted without resource or template, for want of room.',
    )
    this.forgotten = meter.counter(name('forgotten_series'), 'Templates that were forgotten after series_expiration.')
  }

  get size(): number {
    return this.series
  }
  /** So much waits that it should be sent now. */
  get isFull(): boolean {
    return this.pending >= maxPending
  }

  add(batch: Logs): void {
    if (batch.count === 0) return
    this.exchangeFullPlan()
    const columns = batch.columns(this.plan)
    const { length, timeLo, timeHi, severity } = columns
    const ids = columns.attribute(this.idKey)
    const texts = columns.attribute(this.templateKey)
    const resourceIds = this.resourceKeys.map((one) => columns.attribute(one))
    const nowPane = this.nowPane()
    const originKey = this.context.originKey(batch.origin)
    let resource: ResourceSeries | undefined
    for (let row = 0; row < length; row++) {
      if (resource === undefined || resourceIds.some((column) => column[row] !== column[row - 1]))
        resource = this.resourceOf(resourceIds, row, batch.origin, originKey)
      const nanos = timeHi[row]! * 0x1_0000_0000 + timeLo[row]!
      const pane = nanos === 0 ? nowPane : Math.min(Math.floor(nanos / (paneSeconds * 1e9)), lastPane)
      const level = severityClass(severity[row]!)
      this.count(resource, pane, nowPane, level, ids[row]!, texts[row]!)
    }
  }

  /** Closes panes that are over, and gives what waits; nothing waits then. */
  take(): readonly ResourceSeries[] {
    this.closePanes()
    const taken = this.dirty
    this.dirty = []
    this.pending = 0
    for (const resource of taken) resource.isDirty = false
    return taken
  }

  /** What was taken may be forgotten. */
  clear(resource: ResourceSeries): void {
    resource.bySeverity.fill(undefined)
    resource.overflow.fill(undefined)
    for (const series of resource.dirty) {
      series.pending.panes.length = 0
      series.pending.counts.length = 0
      series.bursts.length = 0
      series.newIn = -1
      series.isDirty = false
    }
    resource.dirty.length = 0
  }

  /** Gives everything to a successor: nothing waits here any more. */
  handOn(): Uint8Array {
    const state = serialize({ version: 1, resources: [...this.resources.values()] } satisfies State)
    this.resources.clear()
    this.dirty = []
    this.open = []
    this.series = 0
    this.pending = 0
    this.byIds.clear()
    this.templatesByIds.clear()
    return state
  }

  restore(bytes: Uint8Array): void {
    const { version, resources } = deserialize(bytes) as Partial<State>
    if (version !== 1 || resources === undefined)
      throw new Error(`state of version ${String(version)} is not known here`)
    for (const resource of resources) {
      this.resources.set(resource.key, resource)
      this.series += resource.templates.size
      if (resource.isDirty) this.dirty.push(resource)
      for (const series of resource.templates.values()) if (series.count > 0) this.open.push([resource, series])
    }
  }

  private nowPane(): number {
    return Math.floor(Number(this.context.clock.nowUnixNano()) / (paneSeconds * 1e9))
  }

  private newPlan(): RowPlan {
    const { max_series, max_resources } = this.settings
    const limit = Math.min(4 * (max_series + max_resources) + 1_024, 4_000_000)
    return {
      dictionary: new ByteDictionary(limit),
      attributes: [this.idKey, this.templateKey],
      resource: this.resourceKeys,
    }
  }

  private exchangeFullPlan(): void {
    const { size, limit } = this.plan.dictionary
    if (size < 0.9 * limit) return
    this.plan = this.newPlan()
    this.byIds = new Map()
    this.templatesByIds = new Map()
  }

  private resourceOf(columns: readonly Uint32Array[], row: number, origin: Origin, originKey: string): ResourceSeries {
    let ids = originKey
    for (const column of columns) ids += ` ${column[row]}`
    const known = this.byIds.get(ids)
    if (known !== undefined) return known
    const attributes: Record<string, string> = {}
    for (const [i, { name }] of this.resourceKeys.entries()) {
      const id = columns[i]![row]!
      if (id !== absent) attributes[name] = this.plan.dictionary.text(id)
    }
    const resourceKey = JSON.stringify([originKey, attributes])
    let resource = this.resources.get(resourceKey)
    if (resource === undefined) {
      const isOverflow = this.resources.size >= this.settings.max_resources && !this.sweep()
      resource = isOverflow
        ? this.overflowResource(origin, originKey)
        : newResource(resourceKey, origin, attributes, false)
      this.resources.set(resource.key, resource)
      // Nobody bounds what has no room: it is looked up anew each time.
      if (isOverflow) return resource
    }
    this.byIds.set(ids, resource)
    return resource
  }

  private overflowResource(origin: Origin, originKey: string): ResourceSeries {
    const overflowKey = JSON.stringify([originKey, 'overflow'])
    return this.resources.get(overflowKey) ?? newResource(overflowKey, origin, {}, true)
  }

  private count(
    resource: ResourceSeries,
    pane: number,
    nowPane: number,
    level: number,
    id: number,
    text: number,
  ): void {
    if (!resource.isDirty) {
      resource.isDirty = true
      this.dirty.push(resource)
    }
    if (resource.firstPane < 0) resource.firstPane = nowPane
    if (pane > resource.lastPane) resource.lastPane = Math.min(pane, nowPane + maxPanesAhead)
    if (addTo((resource.bySeverity[level] ??= newPending()), pane, 1)) this.pending++
    if (resource.isOverflow) this.overflowed.add(1)
    if (id === absent) return
    const series =
      resource.isOverflow || id === 0 ? undefined : this.templateOf(resource, level, id, text, pane, nowPane)
    if (series === undefined) {
      if (!resource.isOverflow) this.overflowed.add(1)
      if (addTo((resource.overflow[level] ??= newPending()), pane, 1)) this.pending++
      return
    }
    this.markDirty(resource, series)
    if (addTo(series.pending, pane, 1)) this.pending++
    const at = Math.min(pane, nowPane + maxPanesAhead)
    if (at > series.pane) {
      this.closePane(resource, series)
      learnSilence(series.baseline, series.pane < 0 ? 0 : at - series.pane - 1)
      series.pane = at
      series.count = 1
    } else if (at === series.pane) series.count++
  }

  /** Undefined where there is no room for one more. */
  private templateOf(
    resource: ResourceSeries,
    severity: number,
    id: number,
    text: number,
    pane: number,
    nowPane: number,
  ): TemplateSeries | undefined {
    let byIds = this.templatesByIds.get(resource)
    if (byIds === undefined) {
      byIds = new Map()
      this.templatesByIds.set(resource, byIds)
    }
    const cached = byIds.get(id * 8 + severity)
    if (cached !== undefined) return cached
    const { dictionary } = this.plan
    const templateId = dictionary.text(id)
    const seriesKey = `${severity} ${templateId}`
    let series = resource.templates.get(seriesKey)
    if (series === undefined) {
      if (this.series >= this.settings.max_series && !this.sweep()) return undefined
      series = {
        id: templateId,
        severity,
        template: text === absent ? '' : dictionary.text(text),
        pending: newPending(),
        newIn: this.isLearning(resource, nowPane) ? -1 : pane,
        bursts: [],
        pane: -1,
        count: 0,
        baseline: newCountBaseline(),
        isDirty: false,
      }
      // It was away for all the time that the resource was seen.
      learnSilence(series.baseline, nowPane - resource.firstPane)
      resource.templates.set(seriesKey, series)
      this.series++
    }
    byIds.set(id * 8 + severity, series)
    return series
  }

  private isLearning(resource: ResourceSeries, pane: number): boolean {
    return (pane - resource.firstPane) * paneSeconds * 1_000 < this.settings.learning_period
  }

  private markDirty(resource: ResourceSeries, series: TemplateSeries): void {
    if (series.isDirty) return
    series.isDirty = true
    resource.dirty.push(series)
  }

  /** For bursts: the records of the latest pane are all there. */
  private closePane(resource: ResourceSeries, series: TemplateSeries): void {
    if (series.count === 0) return
    const { pane, count, baseline } = series
    const { min_burst, burst_surprise } = this.settings
    if (count >= min_burst && !this.isLearning(resource, pane)) {
      const surprise = countSurprise(baseline, count)
      if (surprise >= burst_surprise) {
        series.bursts.push({ pane, surprise, expected: expectedCount(baseline) })
        this.markDirty(resource, series)
      }
    }
    learnCount(baseline, count)
    series.count = 0
  }

  /** Of what waits only: a series without a record since the last time has no open pane, but for the one below. */
  private closePanes(): void {
    const nowPane = this.nowPane()
    const stillOpen: OpenSeries[] = []
    for (const [resource, series] of [...this.open, ...this.dirtySeries()]) {
      if (series.count === 0) continue
      if (series.pane + panesOpen <= Math.max(nowPane, resource.lastPane + 1)) {
        this.closePane(resource, series)
        if (series.bursts.length > 0 && !resource.isDirty) {
          resource.isDirty = true
          this.dirty.push(resource)
        }
      } else stillOpen.push([resource, series])
    }
    this.open = stillOpen
  }
  private *dirtySeries(): Iterable<OpenSeries> {
    for (const resource of this.dirty) for (const series of resource.dirty) yield [resource, series]
  }

  /** Forgets what was not seen for long; at most once in each pane, since it looks at everything. True = there is room. */
  private sweep(): boolean {
    const nowPane = this.nowPane()
    if (this.lastSweep === nowPane) return false
    this.lastSweep = nowPane
    const oldest = nowPane - this.settings.series_expiration / (paneSeconds * 1_000)
    let count = 0
    for (const [resourceKey, { templates, lastPane, isDirty }] of this.resources) {
      for (const [seriesKey, series] of templates) {
        if (series.pane >= oldest || series.isDirty) continue
        templates.delete(seriesKey)
        count++
      }
      if (lastPane < oldest && !isDirty && templates.size === 0) this.resources.delete(resourceKey)
    }
    this.byIds = new Map()
    this.series -= count
    this.forgotten.add(count)
    this.templatesByIds = new Map()
    return this.series < this.settings.max_series && this.resources.size < this.settings.max_resources
  }
}

function newPending(): Pending {
  return { panes: [], counts: [] }
}

function newResource(
  resourceKey: string,
  origin: Origin,
  attributes: Readonly<Record<string, string>>,
  isOverflow: boolean,
): ResourceSeries {
  return {
    key: resourceKey,
    origin,
    attributes,
    isOverflow,
    firstPane: -1,
    lastPane: -1,
    bySeverity: Array.from({ length: 7 }, () => undefined),
    templates: new Map(),
    overflow: Array.from({ length: 7 }, () => undefined),
    dirty: [],
    isDirty: false,
  }
}
