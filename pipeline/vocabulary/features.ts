/** Features: gauges over windows of event time. What `features` makes, what detectors and stores read. */
import type { Attributes } from '../data/telemetry.ts'

/** Windows that slide by a pane; `window` on a point is one of these names. */
export const windows = { '1m': 60, '5m': 300, '15m': 900, '1h': 3600 } as const
export type WindowName = keyof typeof windows

/** `windowed` features carry `window`, and `quantile` where they have some; the point's time is the end of the window. */
export const featureAttributes = { window: 'window', quantile: 'quantile' } as const

/** Which side is bad news: an error ratio that falls is none. */
export type BadSide = 'high' | 'low' | 'both'

export interface FeatureSpec {
  readonly unit: string
  readonly bad: BadSide
  /** `ratio`s are judged by their counts, `count`s are evidence beside others and not judged themselves. */
  readonly judged: 'level' | 'ratio' | 'count' | 'no'
  /** Quantiles that the feature is emitted for, as the attribute's text. */
  readonly quantiles?: readonly string[]
  readonly means: string
}

/** By metric name. The order is the order of columns wherever features become a matrix; new ones go to the end. */
export const features = {
  'vigil.request.rate': { unit: '{request}/s', bad: 'both', judged: 'level', means: 'requests a second' },
  'vigil.request.count': { unit: '{request}', bad: 'both', judged: 'count', means: 'requests in the window' },
  'vigil.error.count': { unit: '{request}', bad: 'high', judged: 'count', means: 'failed requests in the window' },
  'vigil.error.ratio': { unit: '1', bad: 'high', judged: 'ratio', means: 'share of requests that failed' },
  'vigil.latency': { unit: 's', bad: 'high', judged: 'level', quantiles: ['0.5', '0.9', '0.99'], means: 'duration' },
  'vigil.self_time': { unit: 's', bad: 'high', judged: 'level', quantiles: ['0.9'], means: 'own time' },
  'vigil.network_gap': { unit: 's', bad: 'high', judged: 'level', quantiles: ['0.9'], means: 'time on the network' },
  'vigil.cpu.utilization': { unit: '1', bad: 'high', judged: 'level', means: 'CPU use of the limit' },
  'vigil.memory.utilization': { unit: '1', bad: 'high', judged: 'level', means: 'memory use of the limit' },
  'vigil.memory.slope': { unit: '1/h', bad: 'high', judged: 'level', means: 'growth of memory use' },
  'vigil.disk.io': { unit: 'By/s', bad: 'both', judged: 'level', means: 'disk traffic' },
  'vigil.network.io': { unit: 'By/s', bad: 'both', judged: 'level', means: 'network traffic' },
  'vigil.pool.usage': { unit: '1', bad: 'high', judged: 'level', means: 'connections in use of the limit' },
  'vigil.pool.waiting': { unit: '{request}', bad: 'high', judged: 'level', means: 'requests waiting for a connection' },
  'vigil.cache.hit_ratio': { unit: '1', bad: 'low', judged: 'ratio', means: 'share of lookups that hit' },
  'vigil.cache.hits': { unit: '{lookup}', bad: 'both', judged: 'count', means: 'lookups that hit in the window' },
  'vigil.cache.lookups': { unit: '{lookup}', bad: 'both', judged: 'count', means: 'lookups in the window' },
  'vigil.queue.lag': { unit: '{message}', bad: 'high', judged: 'level', means: 'messages not yet consumed' },
  'vigil.restarts': { unit: '{restart}', bad: 'high', judged: 'level', means: 'restarts in the window' },
  'vigil.dependency.count': { unit: '{entity}', bad: 'both', judged: 'level', means: 'entities that it called' },
  'vigil.log.rate': { unit: '{record}/s', bad: 'both', judged: 'level', means: 'log records a second' },
  'vigil.log.error_rate': { unit: '{record}/s', bad: 'high', judged: 'level', means: 'error records a second' },
  'vigil.log.new_templates': {
    unit: '{template}',
    bad: 'high',
    judged: 'level',
    means: 'log templates never seen before',
  },
  'vigil.log.burst': { unit: '1', bad: 'high', judged: 'level', means: 'surprise of the loudest template' },
  'vigil.self_time.count': {
    unit: '{request}',
    bad: 'both',
    judged: 'no',
    means: 'requests seen whose own time is known',
  },
  'vigil.network_gap.count': {
    unit: '{request}',
    bad: 'both',
    judged: 'no',
    means: 'calls seen whose time on the network is known',
  },
} as const satisfies Record<string, FeatureSpec>
export type FeatureName = keyof typeof features

/** Which feature counts the hits, and which the trials, of a ratio: the error ratio of a minute stands beside these of the same minute. */
export const ratioCounts = {
  'vigil.error.ratio': { hits: 'vigil.error.count', total: 'vigil.request.count' },
  'vigil.cache.hit_ratio': { hits: 'vigil.cache.hits', total: 'vigil.cache.lookups' },
} as const

/** What stands beside features and is about them or about the moment; emitted with each tick. Not judged as features are. */
export const marks = {
  /** 0 to 1, by `window`: share of the window's panes in which the entity's sources were heard of. */
  completeness: 'vigil.feature.completeness',
  /** Only where the window was emitted before: how often. Same time, same entity, `window`. A reader keeps the highest. */
  revision: 'vigil.feature.revision',
  /** {span}, by `window`: spans really seen, where sampling left some out. */
  sampled: 'vigil.feature.sampled',
  /** s, of a service or node, by attribute `signal` (traces, metrics, logs): event time since it was last heard of, once it was. */
  signalAge: 'vigil.signal.age',
  /** s, of a service: how long ago a version of it was first seen; for the first hour, and not for the first version. */
  versionAge: 'vigil.version.age',
  /** Hour of the week in the calendar's time zone, 0 = Monday 0:00; a holiday has the hours of a Sunday. One point a tick, no resource. */
  hourOfWeek: 'vigil.calendar.hour_of_week',
  holiday: 'vigil.calendar.holiday',
  /** 1 for each of the user's `causal_edges`, by `vigil.edge.source` and `vigil.edge.target`. Once a minute. */
  causalEdge: 'vigil.causal_edge',
} as const

/** A feature of an entity without the entity: what a column of a matrix is. */
export interface FeatureKey {
  readonly name: FeatureName
  readonly window: WindowName
  /** Empty where the feature has none. */
  readonly quantile: string
}

/** `vigil.latency{quantile=0.99,window=1m}` */
export function featureText({ name, window, quantile }: FeatureKey): string {
  return `${name}{${quantile === '' ? '' : `quantile=${quantile},`}window=${window}}`
}

/** Undefined for what is no feature. */
export function readFeature(metricName: string, point: Pick<Attributes, 'get'>): FeatureKey | undefined {
  if (!Object.hasOwn(features, metricName)) return undefined
  const window = point.get(featureAttributes.window)
  if (typeof window !== 'string' || !Object.hasOwn(windows, window)) return undefined
  const quantile = point.get(featureAttributes.quantile)
  return {
    name: metricName as FeatureName,
    window: window as WindowName,
    quantile: typeof quantile === 'string' ? quantile : '',
  }
}
