/** Collects the points of a collection and writes them by resource, as upstream's generated `MetricsBuilder`. */
import { double } from '../data/any-value.ts'
import { type MetricsBuilder, newMetrics } from '../data/builders.ts'
import type { Metrics, Value } from '../data/telemetry.ts'
import type { Aggregation, DescribedMetric, DescribedMetrics, MetricSettings } from './described-metrics.ts'
import type { ResourceMaker } from './resource-attributes.ts'

interface Recording {
  readonly name: string
  readonly order: number
  readonly metric: DescribedMetric
  readonly aggregation: Aggregation
  /** The metric's attributes that points keep, by their places among what `record` is given. */
  readonly kept: readonly (readonly [name: string, place: number])[]
  readonly points: Recorded[]
  /** By attributes; empty until a second point comes. */
  readonly places: Map<string, Recorded>
}
interface Recorded {
  readonly values: readonly string[]
  value: number | bigint
  count: number
}

export class MetricRecorder<N extends string> {
  readonly #recordings = new Map<string, Recording>()
  readonly #resources: ResourceMaker
  readonly #scope: { readonly name: string; readonly version: string }
  readonly #startUnixNano: bigint
  #touched: Recording[] = []
  #builder: MetricsBuilder | undefined
  #metricCount = 0
  #timeUnixNano = 0n

  /** `startUnixNano` is the start of all points, gauges included: the time at which the receiver was created. */
  constructor(
    metrics: DescribedMetrics,
    settings: Readonly<Record<N, MetricSettings>>,
    {
      resources,
      scope,
      startUnixNano,
    }: { resources: ResourceMaker; scope: { name: string; version: string }; startUnixNano: bigint },
  ) {
    this.#resources = resources
    this.#scope = scope
    this.#startUnixNano = startUnixNano
    const names = Object.keys(metrics).sort()
    for (const [order, name] of names.entries()) {
      const metric = metrics[name]!
      const { enabled, aggregation_strategy: aggregation, attributes } = settings[name as N]
      if (!enabled) continue
      const kept = metric.attributes.flatMap((key, place) => (attributes.includes(key) ? [[key, place] as const] : []))
      this.#recordings.set(name, { name, order, metric, aggregation, kept, points: [], places: new Map() })
    }
  }

  isEnabled(name: N): boolean {
    return this.#recordings.has(name)
  }

  /** Of the collection at hand: metrics that were written, counted by resource. */
  get metricCount(): number {
    return this.#metricCount
  }

  begin(timeUnixNano: bigint): void {
    this.#timeUnixNano = timeUnixNano
    this.#metricCount = 0
    this.#builder = undefined
    for (const recording of this.#touched) clear(recording)
    this.#touched = []
  }

  /** `attributes` in the order of the metric's description. */
  record(name: N, value: number | bigint, ...attributes: string[]): void {
    const recording = this.#recordings.get(name)
    if (recording === undefined) return
    const { points, places, kept } = recording
    if (points.length === 0) this.#touched.push(recording)
    const values = kept.map(([, place]) => attributes[place] ?? '')
    const key = values.length === 1 ? values[0]! : JSON.stringify(values)
    const same = places.get(key)
    if (same !== undefined) {
      same.value = joined(same.value, value, recording.aggregation)
      same.count++
      return
    }
    const point = { values, value, count: 1 }
    places.set(key, point)
    points.push(point)
  }

  /** What was recorded since the last call belongs to this resource. */
  emitFor(attributes: Readonly<Record<string, string | number | undefined>>): void {
    const touched = this.#touched.sort((a, b) => a.order - b.order)
    this.#touched = []
    if (touched.length === 0) return
    const resource = this.#resources.make(attributes)
    if (resource !== undefined) {
      this.#builder ??= newMetrics()
      this.#builder.resource(resource).scope(this.#scope.name, { version: this.#scope.version })
      for (const recording of touched) this.#write(this.#builder, recording)
      this.#metricCount += touched.length
    }
    for (const recording of touched) clear(recording)
  }

  /** Undefined where nothing was recorded. */
  build(): Metrics | undefined {
    const metrics = this.#builder?.build()
    this.#builder = undefined
    return metrics
  }

  #write(builder: MetricsBuilder, { name, metric, aggregation, kept, points }: Recording): void {
    const { description, unit, kind } = metric
    const written = points.map(({ values, value, count }) => {
      const attributes: Record<string, Value> = {}
      for (const [i, [key]] of kept.entries()) attributes[key] = values[i]!
      const whole = aggregation === 'avg' && count > 1 ? divided(value, count, metric.value) : value
      return {
        value: metric.value === 'double' ? double(Number(whole)) : whole,
        timeUnixNano: this.#timeUnixNano,
        startUnixNano: this.#startUnixNano,
        attributes,
      }
    })
    if (kind === 'gauge') builder.gauge(name, written, { unit, description })
    else builder.sum(name, written, { unit, description, monotonic: kind === 'counter', temporality: 'cumulative' })
  }
}

function clear({ points, places }: Recording): void {
  points.length = 0
  places.clear()
}

function joined(a: number | bigint, b: number | bigint, aggregation: Aggregation): number | bigint {
  if (aggregation === 'min') return b < a ? b : a
  if (aggregation === 'max') return b > a ? b : a
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a + b) <= Number.MAX_SAFE_INTEGER
    ? a + b
    : sum(a, b)
}
/** Of counts that are larger than a double holds exactly. */
function sum(a: number | bigint, b: number | bigint): number | bigint {
  const isWhole = (n: number | bigint) => typeof n === 'bigint' || Number.isInteger(n)
  return isWhole(a) && isWhole(b) ? BigInt(a) + BigInt(b) : Number(a) + Number(b)
}

function divided(value: number | bigint, count: number, as: 'int' | 'double'): number | bigint {
  if (as === 'double') return Number(value) / count
  return typeof value === 'bigint' ? value / BigInt(count) : Math.trunc(value / count)
}
