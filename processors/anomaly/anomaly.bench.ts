/** What a tick costs, and an entity: `node --expose-gc processors/anomaly/anomaly.bench.ts`. */
import { newDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics, PointPlan } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { type Entity, type EntityKind, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureName, type FeatureSpec, features, windows } from '../../pipeline/vocabulary/features.ts'
import { normals } from './feature-stream.fixture.ts'
import factory from './index.ts'

/** What a system of many services has most of, and what is known of each. */
const mix: readonly (readonly [EntityKind, number, readonly FeatureName[]])[] = [
  ['service', 0.1, ['vigil.cpu.utilization', 'vigil.memory.utilization', 'vigil.log.rate', 'vigil.log.error_rate']],
  ['operation', 0.4, []],
  ['edge', 0.25, []],
  ['instance', 0.25, ['vigil.cpu.utilization', 'vigil.memory.utilization', 'vigil.memory.slope', 'vigil.network.io']],
]
const ofAll: readonly FeatureName[] = [
  'vigil.request.rate',
  'vigil.request.count',
  'vigil.error.count',
  'vigil.error.ratio',
  'vigil.latency',
  'vigil.self_time',
]
const usual: Readonly<Partial<Record<FeatureName, number>>> = {
  'vigil.request.count': 600,
  'vigil.error.ratio': 0.01,
  'vigil.latency': 0.05,
  'vigil.self_time': 0.02,
}
const variants = 16

class Ticks {
  readonly #plan: PointPlan
  readonly #series: Uint32Array
  readonly #values: Float64Array[]
  #tick = 170_000_000

  constructor(entities: number) {
    const texts: string[] = []
    const centres: number[] = []
    for (const [kind, share, more] of mix) {
      for (let i = 0; i < entities * share; i++) {
        const entity: Entity = {
          kind,
          cluster: '',
          environment: 'production',
          namespace: 'shop',
          service: kind === 'service' || kind === 'edge' ? '' : `service-${i % 100}`,
          name: `${kind}-${i}`,
        }
        for (const name of [...ofAll, ...more])
          for (const window of Object.keys(windows))
            for (const quantile of quantilesOf(name)) {
              texts.push(text(entity, name, window, quantile))
              centres.push(usual[name] ?? 10)
            }
      }
    }
    this.#plan = { dictionary: newDictionary(16), series: newDictionary(2 * texts.length) }
    this.#series = Uint32Array.from(texts, (one) => this.#plan.series.id(one))
    const normal = normals(5)
    this.#values = Array.from({ length: variants }, () =>
      Float64Array.from(centres, (centre) => Math.round(1e4 * centre * Math.exp(0.1 * normal())) / 1e4),
    )
  }

  get points(): number {
    return this.#series.length
  }

  next(): Metrics {
    this.#tick++
    return gauges({
      series: this.#series,
      value: this.#values[this.#tick % variants]!,
      timeUnixNano: BigInt(this.#tick) * 10_000_000_000n,
      plan: this.#plan,
    })
  }
}

function quantilesOf(name: FeatureName): readonly string[] {
  const spec: FeatureSpec = features[name]
  return spec.quantiles ?? ['']
}

function text(entity: Entity, name: FeatureName, window: string, quantile: string): string {
  const entries = (of: object) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({
    resource: entries(entityResource(entity)),
    scope: ['vigil/features', '', []],
    metric: [name, features[name].unit, 'gauge', 'none', false],
    attributes: entries({ ...entityPoint(entity), window, ...(quantile === '' ? {} : { quantile }) }),
  })
}

function heapBytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function measure(entities: number): Promise<void> {
  const ticks = new Ticks(entities)
  const before = heapBytes()
  const { instance, context, handle } = build(factory, '{max_entities: 20000, warmup: 2m}', { signals: ['metrics'] })
  await instance.start?.()
  const one = async () => {
    await handle(ticks.next())
    await context.clock.advance(1_000)
    context.recorded.emitted.length = 0
  }
  // A history for every admitted entity, and calibrated tails.
  for (let i = 0; i < 200; i++) await one()
  const bytes = heapBytes() - before
  const micros = await cpuMicros(one, { warmUpRounds: 6, windows: 5, windowMs: 1_500 })
  const read = (name: string) => context.recorded.gauges.get(`otelcol_processor_anomaly_${name}`)?.() ?? 0
  console.log(
    `${String(entities).padStart(6)} entities, ${String(ticks.points).padStart(7)} points a tick: ${(micros / 1_000).toFixed(1).padStart(6)} ms of CPU a tick, ` +
      `${((micros / 1_000) * (512 / entities)).toFixed(2)} ms for 512 entities, ${(bytes / entities / 1_024).toFixed(1)} KiB an entity ` +
      `(${(read('memory') / entities / 1_024).toFixed(1)} by its own account)`,
  )
  await instance.shutdown?.(AbortSignal.timeout(5_000))
}

for (const entities of [1_000, 10_000]) await measure(entities)
