/** All metrics of this process: components count through a `Meter` with their labels, readers see everything at once. */

import { IncludedFamilies, type PlainFamily } from './merge-families.ts'
import type { Counter, Histogram, Labels, Meter } from './meter.ts'
import { isCountedAt, labelsAt, type MetricLevel } from './metric-levels.ts'
import { prometheusText } from './prometheus-text.ts'
import { Family, type MetricType, type Point, prometheusName, SeriesCounter, SeriesHistogram } from './series.ts'
import { upstreamHelp } from './upstream-help.ts'

export interface SeriesSnapshot {
  /** The series itself: the same object at each look, while it exists. */
  readonly identity: object
  readonly labels: Readonly<Record<string, string>>
  /** The labels by the names that were given, with dots. */
  readonly attributes: Readonly<Record<string, string>>
  readonly startUnixNano: bigint
  /** The number; of a histogram the count. */
  readonly value: number
  readonly sum: number
  /** Of a histogram: how many fell into each bucket, not added up; the last is above all bounds. */
  readonly buckets: readonly number[]
}
export interface FamilySnapshot {
  readonly name: string
  /** As it was given: OTLP has dots in names. */
  readonly givenName: string
  /** A gauge that goes up and down by what is added: for OTLP a sum. */
  readonly isAdded: boolean
  readonly type: MetricType
  readonly description: string
  readonly bounds: readonly number[]
  readonly series: readonly SeriesSnapshot[]
}
export interface RegistryOptions {
  /** Attributes of the engine, for `target_info`. */
  readonly resource?: ReadonlyMap<string, string>
  /** What upstream does not count at this level is not counted. */
  readonly level?: MetricLevel
}
export interface ScopedMeter extends Meter {
  /** Ends the gauges of this scope. Counters keep their totals: a component that comes back goes on counting where it was. */
  close(): void
}

export class Registry {
  private readonly families = new Map<string, Family>()
  private readonly resource: ReadonlyMap<string, string>
  private readonly included = new IncludedFamilies()
  /** Everything is counted; the level says what is shown, so that a reload can change it. */
  level: MetricLevel

  constructor(options: RegistryOptions = {}) {
    this.resource = options.resource ?? new Map()
    this.level = options.level ?? 'normal'
  }

  /** `labels` stand on every series of this meter. */
  meter(labels: Labels): ScopedMeter {
    return new Scope(this, labels)
  }

  family(name: string, type: MetricType, description: string, bounds?: readonly number[], isAdded = false): Family {
    const clean = prometheusName(name)
    let family = this.families.get(clean)
    if (!family) {
      family = new Family(name, type, upstreamHelp[clean] ?? description, bounds, isAdded)
      this.families.set(clean, family)
    }
    if (family.type !== type) {
      throw new Error(`metric ${clean} is a ${family.type} and cannot be a ${type} too: choose another name`)
    }
    if (bounds && bounds.join() !== family.bounds.join()) {
      throw new Error(
        `histogram ${clean} has the bounds [${family.bounds.join()}] already: use the same or another name`,
      )
    }
    family.description ||= description
    return family
  }

  /** Adds what another thread has counted; its last word counts. */
  include(source: string, families: readonly PlainFamily[]): void {
    this.included.set(source, families)
  }

  /** Everything that was counted so far and that the level shows, ordered by name. */
  snapshot(): readonly FamilySnapshot[] {
    return this.included.mergeWith(this.ownSnapshot())
  }

  private ownSnapshot(): readonly FamilySnapshot[] {
    const isShown = ({ name, points }: Family) => points.size > 0 && isCountedAt(this.level, name)
    const families = [...this.families.values()].filter(isShown)
    families.sort((a, b) => (a.name < b.name ? -1 : 1))
    return families
      .map((family) => ({
        name: family.name,
        givenName: family.givenName,
        isAdded: family.isAdded,
        type: family.type,
        description: family.description,
        bounds: family.bounds,
        series: this.merged(family.name, [...family.points.values()].flatMap(snapshotOf)),
      }))
      .filter((family) => family.series.length > 0)
  }

  /** Series that only `detailed` tells apart are added up below it. */
  private merged(name: string, series: readonly SeriesSnapshot[]): readonly SeriesSnapshot[] {
    const kept = labelsAt(this.level, name)
    if (kept === undefined) return series
    const sums = new Map<string, SeriesSnapshot>()
    for (const one of series) {
      const labels = kept(one.labels)
      const text = JSON.stringify(labels)
      const before = sums.get(text)
      const value = one.value + (before?.value ?? 0)
      sums.set(text, { ...(before ?? one), labels, attributes: kept(one.attributes), value })
    }
    return [...sums.values()]
  }

  /** The Prometheus text format 0.0.4, as the Collector writes it: no unit or `_total` suffixes, `target_info` at the end. */
  prometheusText(): string {
    return prometheusText(this.snapshot(), this.resource)
  }
}

/** A gauge whose reader fails is left out: one component must not take the whole scrape with it. */
function snapshotOf(point: Point): SeriesSnapshot[] {
  let value = point.value
  try {
    if (point.read) value += point.read()
  } catch {
    return []
  }
  const buckets = point.buckets ? [...point.buckets] : []
  return [
    {
      identity: point,
      labels: Object.fromEntries(point.labels),
      attributes: Object.fromEntries(point.labels.map(([, text, name]) => [name, text])),
      startUnixNano: point.startUnixNano,
      value,
      sum: point.sum,
      buckets,
    },
  ]
}

class Scope implements ScopedMeter {
  private readonly registry: Registry
  private readonly labels: Labels
  private readonly used = new Map<Point, Family>()
  private readonly reads = new Map<Point, () => number>()

  constructor(registry: Registry, labels: Labels) {
    this.registry = registry
    this.labels = labels
  }

  counter(name: string, description = ''): Counter {
    const family = this.registry.family(name, 'counter', description)
    return new SeriesCounter(this.labels, true, (labels) => this.use(family, labels))
  }

  upDownCounter(name: string, description = ''): Counter {
    const family = this.registry.family(name, 'gauge', description, undefined, true)
    return new SeriesCounter(this.labels, false, (labels) => this.use(family, labels))
  }

  gauge(name: string, read: () => number, labels?: Labels, description = ''): void {
    this.observe('gauge', name, read, labels, description)
  }

  observedCounter(name: string, read: () => number, labels?: Labels, description = ''): void {
    this.observe('counter', name, read, labels, description)
  }

  histogram(name: string, bounds: readonly number[], description = ''): Histogram {
    const family = this.registry.family(name, 'histogram', description, bounds)
    return new SeriesHistogram(this.labels, bounds, (labels) => this.use(family, labels))
  }

  close(): void {
    for (const [point, family] of this.used) {
      point.users--
      const read = this.reads.get(point)
      // A successor may have registered its reader before this one closes: then the series is the successor's.
      if (read && point.read === read) {
        point.value += family.type === 'counter' ? lastReading(read) : 0
        point.read = undefined
      }
      if (family.type === 'gauge' && point.users === 0) family.remove(point)
    }
    this.used.clear()
    this.reads.clear()
  }

  private observe(
    type: MetricType,
    name: string,
    read: () => number,
    labels: Labels | undefined,
    description: string,
  ): void {
    const family = this.registry.family(name, type, description)
    const point = this.use(family, { ...this.labels, ...labels })
    // The total of the reader that is replaced stays in the sum.
    if (type === 'counter' && point.read) point.value += lastReading(point.read)
    point.read = read
    this.reads.set(point, read)
  }

  private use(family: Family, labels: Labels): Point {
    const point = family.point(labels)
    if (!this.used.has(point)) {
      this.used.set(point, family)
      point.users++
    }
    return point
  }
}

function lastReading(read: () => number): number {
  try {
    return read()
  } catch {
    return 0
  }
}
