/** What the history of features shows: which figure of which node changed at the onset, how surprisingly, by how much. */

import type { SightingKind } from '../../models/root-cause/evidence.ts'
import { type MetricChange, metricChange } from '../../models/root-cause/metric-change.ts'
import type { FeatureStore } from '../../pipeline/capability/feature-store.ts'
import type { Clock } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import { entityId, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureKey, type FeatureName, features } from '../../pipeline/vocabulary/features.ts'
import { amount, featureLabel } from '../../pipeline/vocabulary/natural-units.ts'
import type { Surroundings, Times } from './surroundings.ts'

interface Looked {
  readonly kind: SightingKind
  readonly column: string
  readonly feature: FeatureKey
  /** Smallest change that means anything, in the feature's unit. */
  readonly floor: number
  /** Whether a fall is the bad side. */
  readonly isLowBad: boolean
}

const looked: readonly Looked[] = [
  of('self_time', 'vigil.self_time', '0.9', 0.001),
  of('latency', 'vigil.latency', '0.9', 0.002),
  of('network_gap', 'vigil.network_gap', '0.9', 0.001),
  of('errors', 'vigil.error.ratio', '', 0.005),
  of('requests', 'vigil.request.rate', '', 0.2),
  of('cpu', 'vigil.cpu.utilization', '', 0.03),
  of('memory', 'vigil.memory.utilization', '', 0.02),
  of('disk', 'vigil.disk.io', '', 100_000),
  of('network_io', 'vigil.network.io', '', 10_000),
  of('pool', 'vigil.pool.usage', '', 0.05),
  of('pool', 'vigil.pool.waiting', '', 1),
  of('cache', 'vigil.cache.hit_ratio', '', 0.02, true),
  of('queue', 'vigil.queue.lag', '', 20),
  of('restarts', 'vigil.restarts', '', 0.5),
  of('log_errors', 'vigil.log.error_rate', '', 0.05),
  of('new_logs', 'vigil.log.new_templates', '', 0.5),
]

function of(kind: SightingKind, name: FeatureName, quantile: string, floor: number, isLowBad = false): Looked {
  const window = '1m'
  const column = `${name}{${quantile === '' ? '' : `quantile=${quantile},`}window=${window}}`
  return { kind, column, feature: { name, window, quantile }, floor, isLowBad }
}

export interface FeatureSighting extends MetricChange {
  readonly node: number
  readonly kind: SightingKind
  /** `entityId` of what it is a figure of: the node, or an operation of it. */
  readonly entity: string
  readonly column: string
  readonly feature: FeatureKey
  /** `own time P90 1.5 s, before 12 ms` */
  readonly text: string
}

/** Entities whose history is read at once. */
const chunk = 32
const stepSeconds = 10
const nano = 1_000_000_000n

export interface FeatureOptions {
  readonly baselineSeconds: number
  readonly onsetUncertaintySeconds: number
}

export async function featureSightings(
  store: FeatureStore,
  around: Surroundings,
  { onset, until }: Times,
  { baselineSeconds, onsetUncertaintySeconds }: FeatureOptions,
  clock: Clock,
): Promise<readonly FeatureSighting[]> {
  const slices = new Slices(clock)
  const found: FeatureSighting[] = []
  const onsetSeconds = Number(onset) / 1e9
  for (let from = 0; from < around.known.length; from += chunk) {
    const part = around.known.slice(from, from + chunk)
    const has = new Set(part.flatMap(({ of: { columns } }) => columns))
    const asked = looked.filter(({ column }) => has.has(column))
    if (asked.length === 0) continue
    const history = await store.history({
      entities: part.map(({ of: { id } }) => id),
      columns: asked.map(({ column }) => column),
      fromUnixNano: onset - BigInt(baselineSeconds) * nano,
      untilUnixNano: until,
      step: stepSeconds,
    })
    // What is new in a window is its last pane.
    const first = Number(history.firstUnixNano) / 1e9 - stepSeconds
    const times = Float64Array.from({ length: history.rows }, (_, row) => first + row * stepSeconds)
    for (const [i, { of: known, node }] of part.entries()) {
      for (const [j, { kind, column, feature, floor, isLowBad }] of asked.entries()) {
        const values = Float64Array.from(history.values[i]![j]!)
        const change = metricChange({ times, values, step: stepSeconds }, onsetSeconds, {
          floor,
          relativeFloor: 0.05,
          onsetUncertainty: onsetUncertaintySeconds,
        })
        if (slices.isOver) await slices.pause()
        if (change === undefined) continue
        // What got better is no evidence of harm; that somebody looked is.
        const isGood = isLowBad ? change.direction > 0 : features[feature.name].bad === 'high' && change.direction < 0
        const { unit } = features[feature.name]
        const whose = known.id === around.ids[node] ? '' : `${entityLabel(known.entity)}: `
        found.push({
          ...change,
          surprise: isGood ? 0 : change.surprise,
          node,
          kind,
          entity: entityId(known.entity),
          column,
          feature,
          text: `${whose}${featureLabel(feature.name, feature.quantile)} ${amount(change.after, unit)}, before ${amount(change.before, unit)}`,
        })
      }
    }
  }
  return found
}
