/** Ticks as `features` and `anomaly` send them, in few words. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics, Origin, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { type Entity, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureName, features, marks } from '../../pipeline/vocabulary/features.ts'
import { explanations, fused, scores } from '../../pipeline/vocabulary/scores.ts'

const nowhere = { cluster: '', environment: 'production', namespace: 'shop' } as const

export function service(name: string): Entity {
  return { ...nowhere, kind: 'service', service: '', name }
}
export function operation(of: string, name: string): Entity {
  return { ...nowhere, kind: 'operation', service: of, name }
}
export function edge(source: string, target: string): Entity {
  return { ...nowhere, kind: 'edge', service: '', name: `${source} -> ${target}` }
}

export interface Why {
  readonly feature: FeatureName
  readonly window?: string
  readonly quantile?: string
  readonly share?: number
  readonly observed: number
  readonly expected?: readonly [lower: number | undefined, upper: number | undefined]
  readonly samples?: number
}

/** One batch of one tick. */
export class Tick {
  readonly #builder = newMetrics()
  readonly #timeUnixNano: bigint

  /** Unix seconds. */
  constructor(at: number) {
    this.#timeUnixNano = BigInt(Math.round(at)) * 1_000_000_000n
  }

  p(entity: Entity, p: number): this {
    return this.#point(entity, scores.p, '1', p, { detector: fused })
  }

  cold(entity: Entity): this {
    return this.#point(entity, scores.cold, '1', 1, {})
  }

  because(entity: Entity, onset: number | undefined, ...all: readonly Why[]): this {
    for (const { feature, window = '1m', quantile, share = 1, observed, expected = [], samples } of all) {
      const { unit } = features[feature]
      const of = { feature, window, ...(quantile === undefined ? {} : { quantile }) }
      this.#point(entity, explanations.contribution, '1', share, of)
      this.#point(entity, explanations.observed, unit, observed, of)
      const [lower, upper] = expected
      if (lower !== undefined) this.#point(entity, explanations.expected, unit, lower, { ...of, bound: 'lower' })
      if (upper !== undefined) this.#point(entity, explanations.expected, unit, upper, { ...of, bound: 'upper' })
      if (samples !== undefined) this.#point(entity, explanations.samples, '1', samples, of)
    }
    if (onset === undefined) return this
    this.#point(entity, explanations.onset, 's', onset, {})
    return this.#point(entity, explanations.onsetUncertainty, 's', 10, {})
  }

  feature(entity: Entity, name: FeatureName, value: number, window = '1m'): this {
    return this.#point(entity, name, features[name].unit, value, { window })
  }

  age(entity: Entity, signal: string, seconds: number): this {
    return this.#point(entity, marks.signalAge, 's', seconds, { signal })
  }

  build(): Metrics {
    return this.#builder.build()
  }

  #point(entity: Entity, name: string, unit: string, value: number, attributes: Record<string, Value>): this {
    this.#builder
      .resource(entityResource(entity))
      .scope('vigil')
      .gauge(
        name,
        [
          {
            value: double(value),
            timeUnixNano: this.#timeUnixNano,
            attributes: { ...entityPoint(entity), ...attributes },
          },
        ],
        { unit },
      )
    return this
  }
}

/** p-values of many entities as columns, tick by tick: what `anomaly` sends. */
export function scoresOf(
  entities: readonly Entity[],
): (at: number, p: (entity: number) => number, origin?: Origin) => Metrics {
  const plan = { dictionary: new ByteDictionary(1_000), series: new ByteDictionary(entities.length * 2 + 1_000) }
  const series = Uint32Array.from(entities, (entity) => {
    const attributes = Object.entries({ ...entityPoint(entity), detector: fused }).sort(([a], [b]) => (a < b ? -1 : 1))
    const resource = Object.entries(entityResource(entity)).sort(([a], [b]) => (a < b ? -1 : 1))
    const metric = [scores.p, '1', 'gauge', 'none', false]
    return plan.series.id(JSON.stringify({ resource, scope: ['vigil', '', []], metric, attributes }))
  })
  return (at, p, origin) =>
    gauges({
      series,
      value: Float64Array.from(entities, (_, i) => p(i)),
      timeUnixNano: BigInt(Math.round(at)) * 1_000_000_000n,
      plan,
      ...(origin === undefined ? {} : { origin }),
    })
}
