/** Features of services that never were: seasons, autocorrelated noise, counting noise, and faults on demand. */
import { newDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics, Origin, PointPlan, Value } from '../../pipeline/data/telemetry.ts'
import { type Entity, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureName, features, type marks, type WindowName } from '../../pipeline/vocabulary/features.ts'

function service(name: string): Entity {
  return { kind: 'service', cluster: '', environment: '', namespace: '', service: '', name }
}

/** Normal numbers, the same every time. */
export function normals(seed: number): () => number {
  const uniform = uniforms(seed)
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}
export function uniforms(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 0.5) / 2 ** 32
  }
}

export interface Reading {
  readonly name: FeatureName | (typeof marks)[keyof typeof marks]
  readonly value: number
  readonly window?: WindowName
  readonly quantile?: string
}

/** Makes batches as `features` does: gauges that begin as columns. */
export class FeatureStream {
  readonly #plan: PointPlan = { dictionary: newDictionary(16), series: newDictionary(200_000) }
  readonly #ids = new Map<string, number>()
  #series: number[] = []
  #values: number[] = []

  add(entity: Entity | undefined, { name, value, window, quantile }: Reading): void {
    const key = `${entity?.kind}/${entity?.service}/${entity?.name}/${name}/${window}/${quantile}`
    let id = this.#ids.get(key)
    if (id === undefined) {
      id = this.#plan.series.id(seriesText(entity, name, window, quantile))
      this.#ids.set(key, id)
    }
    this.#series.push(id)
    this.#values.push(value)
  }

  /** `tick`: Unix time in units of ten seconds. */
  batch(tick: number, origin?: Origin): Metrics {
    const batch = gauges({
      series: Uint32Array.from(this.#series),
      value: Float64Array.from(this.#values),
      timeUnixNano: BigInt(tick) * 10_000_000_000n,
      plan: this.#plan,
      ...(origin === undefined ? {} : { origin }),
    })
    this.#series = []
    this.#values = []
    return batch
  }
}

function seriesText(entity: Entity | undefined, name: string, window?: string, quantile?: string): string {
  const attributes: Record<string, Value> = {
    ...(entity === undefined ? {} : entityPoint(entity)),
    ...(window === undefined ? {} : { window }),
    ...(quantile === undefined ? {} : { quantile }),
  }
  const entries = (of: Record<string, Value>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
  const unit = Object.hasOwn(features, name) ? features[name as FeatureName].unit : '1'
  return JSON.stringify({
    resource: entity === undefined ? [] : entries(entityResource(entity)),
    scope: ['vigil/features', '', []],
    metric: [name, unit, 'gauge', 'none', false],
    attributes: entries(attributes),
  })
}

export interface Fault {
  /** Factor of latency. */
  readonly slow?: number
  /** Share of requests that fail. */
  readonly failing?: number
  readonly silent?: boolean
  /** Growth of memory use an hour. */
  readonly leak?: number
  /** Factor of log records. */
  readonly noisy?: number
}

/** One service: a day's and a week's rhythm, an hour's weather, and chance. */
export class Service {
  readonly entity: Entity
  readonly #normal: () => number
  readonly #size: number
  #load = 0
  #latency = 0
  #cpu = 0
  #memory = 0
  #leaked = 0

  constructor(name: string, seed: number) {
    this.entity = service(name)
    this.#normal = normals(seed)
    this.#size = Math.exp(3 + 1.2 * this.#normal())
  }

  /** Writes the features of the minute that ends with `tick`; called once a minute, or with `seconds` between calls. */
  write(stream: FeatureStream, tick: number, fault: Fault = {}, seconds = 60): void {
    const normal = this.#normal
    const hour = (tick / 360) % 168
    // A weekend has a quarter less, and comes and goes within six hours.
    const weekend = Math.max(0, Math.min(1, (hour - 120) / 6, (168 - hour) / 6))
    // Each walks back to its mean within about ten minutes.
    const keep = 0.9 ** (seconds / 60)
    const step = (x: number) => keep * x + Math.sqrt(1 - keep * keep) * normal()
    this.#load = step(this.#load)
    this.#latency = step(this.#latency)
    this.#cpu = step(this.#cpu)
    this.#memory = step(this.#memory)
    const season = (1 + 0.6 * Math.sin(((hour - 8) / 24) * 2 * Math.PI)) * (1 - 0.25 * weekend)
    const mean = 60 * this.#size * season * Math.exp(0.06 * this.#load)
    const count = fault.silent === true ? 0 : Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
    const ratio = fault.failing ?? 0.002
    const errors = Math.min(count, Math.max(0, Math.round(count * ratio + Math.sqrt(count * ratio) * normal())))
    const one = (name: FeatureName, value: number, quantile?: string) =>
      stream.add(this.entity, { name, value, window: '1m', ...(quantile === undefined ? {} : { quantile }) })
    one('vigil.request.rate', count / 60)
    one('vigil.request.count', count)
    one('vigil.error.count', errors)
    if (count > 0) {
      one('vigil.error.ratio', errors / count)
      const factor = (fault.slow ?? 1) * (0.9 + 0.1 * season) * Math.exp(0.05 * this.#latency)
      for (const [quantile, base] of [
        ['0.5', 0.02],
        ['0.9', 0.05],
        ['0.99', 0.1],
      ] as const)
        one('vigil.latency', base * factor * Math.exp((0.8 / Math.sqrt(count)) * normal()), quantile)
      one('vigil.self_time', 0.03 * factor * Math.exp(0.03 * normal()), '0.9')
    }
    one('vigil.cpu.utilization', Math.max(0, 0.3 * season + 0.02 * this.#cpu + 0.05 * 0.06 * this.#load))
    this.#leaked += ((fault.leak ?? 0) * seconds) / 3600
    one('vigil.memory.utilization', 0.5 + this.#leaked + 0.005 * this.#memory)
    stream.add(this.entity, {
      name: 'vigil.memory.slope',
      value: (fault.leak ?? 0) + 0.01 * normal(),
      window: '15m',
    })
    const records = count * 2 * (fault.noisy ?? 1)
    one('vigil.log.rate', Math.max(0, Math.round(records + Math.sqrt(records) * normal())) / 60)
    one('vigil.log.error_rate', errors / 60)
    one('vigil.log.new_templates', 0)
  }
}
