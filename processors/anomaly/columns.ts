/**
 * Which features of an entity are judged, and as what. A kind of entity has the columns that it can have; a feature or window that is not here is passed
 * on and not judged. Minutes see what is fast. What creeps shows in longer windows, which scatter less: quarters of an hour for latency, errors, CPU and lag,
 * an hour for memory.
 */
import type { Column } from '../../models/column.ts'
import { plainColumn } from '../../models/column.ts'
import type { EntityKind } from '../../pipeline/vocabulary/entity.ts'
import {
  type FeatureKey,
  type FeatureName,
  features,
  featureText,
  ratioCounts,
  type WindowName,
  windows,
} from '../../pipeline/vocabulary/features.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'

export interface JudgedColumn extends Column {
  readonly key: FeatureKey
  readonly unit: string
}

type Settings = Partial<
  Pick<Column, 'statistic' | 'floor' | 'relativeFloor' | 'offset' | 'countsPerUnit' | 'unknownHour'>
> & {
  readonly windows: readonly WindowName[]
  /** The feature of the same window that says how much this one was made of. */
  readonly support?: FeatureName
}

/** By quantile: so many requests that two or three of them are beyond it. */
const leastRequests: Readonly<Record<string, number>> = { '0.5': 10, '0.9': 30, '0.99': 200 }
/** What a quarter of an hour shows must show in the last five minutes too, or an alarm would outlast its cause by a quarter of an hour. */
const confirming: Readonly<Partial<Record<WindowName, WindowName>>> = { '15m': '5m' }

const fast = ['1m'] as const
const both = ['1m', '15m'] as const
/** What durations are not told from zero by: a tenth of a millisecond. */
const duration = { statistic: 'log', offset: 1e-4, floor: 0.05 } as const
/** What follows the day of those who use the system. */
const rhythm = { unknownHour: 2.5 } as const
const perMinute = { statistic: 'count', countsPerUnit: 60, windows: fast } as const

/** The order is that of the columns. */
const judged: Readonly<Partial<Record<FeatureName, Settings>>> = {
  'vigil.request.rate': { ...perMinute, ...rhythm, floor: 0.05 },
  'vigil.error.ratio': { statistic: 'ratio', floor: 0.001, windows: both },
  'vigil.latency': { ...duration, support: 'vigil.request.count', windows: fast },
  // Only whole traces tell these: of thirty requests there may be three.
  'vigil.self_time': { ...duration, support: 'vigil.self_time.count', windows: both },
  'vigil.network_gap': { ...duration, support: 'vigil.network_gap.count', windows: fast },
  'vigil.cpu.utilization': { ...rhythm, floor: 0.02, relativeFloor: 0.02, windows: both },
  'vigil.memory.utilization': { floor: 0.002, relativeFloor: 0.005, windows: fast },
  'vigil.memory.slope': { floor: 0.02, windows: ['5m', '15m', '1h'] },
  'vigil.disk.io': { ...rhythm, statistic: 'log', offset: 10_000, floor: 0.1, windows: fast },
  'vigil.network.io': { ...rhythm, statistic: 'log', offset: 10_000, floor: 0.1, windows: fast },
  'vigil.pool.usage': { floor: 0.03, windows: fast },
  'vigil.pool.waiting': { statistic: 'log', offset: 1, floor: 0.2, windows: fast },
  'vigil.cache.hit_ratio': { statistic: 'ratio', floor: 0.001, windows: fast },
  'vigil.queue.lag': { statistic: 'log', offset: 10, floor: 0.1, windows: both },
  'vigil.restarts': { statistic: 'count', floor: 0.1, windows: ['15m'] },
  'vigil.dependency.count': { floor: 0.5, relativeFloor: 0.02, windows: ['15m'] },
  'vigil.log.rate': { ...perMinute, ...rhythm, floor: 0.1 },
  'vigil.log.error_rate': { ...perMinute, ...rhythm, floor: 0.1 },
  'vigil.log.new_templates': { statistic: 'count', floor: 0.1, windows: fast },
  // It is the logarithm of a probability already, to the base of ten.
  'vigil.log.burst': { statistic: 'surprise', countsPerUnit: Math.LN10, windows: fast },
}

const requests: readonly FeatureName[] = ['vigil.request.rate', 'vigil.error.ratio', 'vigil.latency']
const work: readonly FeatureName[] = [...requests, 'vigil.self_time', 'vigil.network_gap']
const resources: readonly FeatureName[] = [
  'vigil.cpu.utilization',
  'vigil.memory.utilization',
  'vigil.memory.slope',
  'vigil.disk.io',
  'vigil.network.io',
  'vigil.restarts',
]
const pool: readonly FeatureName[] = ['vigil.pool.usage', 'vigil.pool.waiting']
const logs: readonly FeatureName[] = [
  'vigil.log.rate',
  'vigil.log.error_rate',
  'vigil.log.new_templates',
  'vigil.log.burst',
]
const everything = Object.keys(judged) as FeatureName[]

const ofKind: Readonly<Record<EntityKind, readonly FeatureName[]>> = {
  service: everything,
  operation: work,
  version: [...work, ...resources, ...logs],
  instance: [...work, ...resources, ...pool, ...logs],
  node: [...resources, ...logs],
  database: [...work, ...resources, ...pool, 'vigil.cache.hit_ratio', 'vigil.queue.lag'],
  query: work,
  pool,
  cache: [...work, ...resources, 'vigil.cache.hit_ratio'],
  queue: [...work, ...resources, 'vigil.queue.lag'],
  edge: [...requests, 'vigil.network_gap'],
  external: [...requests, 'vigil.network_gap'],
}

function hasBoth(name: FeatureName): boolean {
  return judged[name]?.windows === both
}

/** Judged columns first, then those that stand beside them. */
export function columnsOf(kind: EntityKind): readonly JudgedColumn[] {
  const wanted: { readonly key: FeatureKey; readonly settings: Settings }[] = []
  for (const [name, settings] of Object.entries(judged) as [FeatureName, Settings][]) {
    if (!ofKind[kind].includes(name)) continue
    const spec = features[name]
    const quantiles: readonly string[] = 'quantiles' in spec ? spec.quantiles : ['']
    for (const window of settings.windows)
      for (const quantile of quantiles) wanted.push({ key: { name, window, quantile }, settings })
  }
  const supports: FeatureKey[] = []
  const places = new Map<string, number>()
  const placeOf = (name: FeatureName, window: WindowName, quantile = ''): number => {
    const key: FeatureKey = { name, window, quantile }
    const text = featureText(key)
    let place = places.get(text)
    if (place === undefined) {
      place = wanted.length + supports.length
      places.set(text, place)
      supports.push(key)
    }
    return place
  }
  const first = wanted.map(({ key, settings }): JudgedColumn => {
    const { statistic, floor, relativeFloor, offset, countsPerUnit, unknownHour, support } = {
      ...plainColumn,
      support: undefined,
      ...settings,
    }
    const counts = key.name in ratioCounts ? ratioCounts[key.name as keyof typeof ratioCounts] : undefined
    const name = counts?.total ?? support
    // What has a fast window of its own is judged by the slow one for what lasts.
    const confirmingWindow = statistic !== 'count' && hasBoth(key.name) ? confirming[key.window] : undefined
    return {
      statistic,
      floor,
      relativeFloor,
      offset,
      countsPerUnit,
      unknownHour,
      key,
      unit: features[key.name].unit,
      bad: features[key.name].bad,
      support: name === undefined ? -1 : placeOf(name, key.window),
      leastSupport: leastRequests[key.quantile] ?? 0,
      confirmedBy: confirmingWindow === undefined ? -1 : placeOf(key.name, confirmingWindow, key.quantile),
      stride: windows[key.window] / paneSeconds,
    }
  })
  const beside = supports.map(
    (key): JudgedColumn => ({
      ...plainColumn,
      key,
      unit: features[key.name].unit,
      bad: 'both',
      statistic: 'support',
      stride: windows[key.window] / paneSeconds,
    }),
  )
  return [...first, ...beside]
}
