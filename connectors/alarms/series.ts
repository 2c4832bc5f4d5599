/** What a series says, read once of its text: which of the few things that alarms need it is, and of which entity. */
import { decodeEntries, type SeriesText } from '../../pipeline/data/series.ts'
import { type Entity, readEntity, resourceService } from '../../pipeline/vocabulary/entity.ts'
import { featureAttributes, marks } from '../../pipeline/vocabulary/features.ts'
import { explanations, fused, scoreAttributes, scores } from '../../pipeline/vocabulary/scores.ts'

export const roles = [
  'p',
  'score',
  'cold',
  'contribution',
  'observed',
  'lower',
  'upper',
  'samples',
  'onset',
  'uncertainty',
  'age',
  'requests',
  'error_ratio',
  'restarts',
  'cpu',
  'completeness',
] as const
export type Role = (typeof roles)[number]

/** A feature as explanations name it. */
export interface Named {
  readonly feature: string
  readonly window: string
  readonly quantile: string
  readonly unit: string
}

export interface Reading {
  readonly role: Role
  readonly entity: Entity
  /** Of explanations. */
  readonly named: Named | undefined
  /** Of a signal's age. */
  readonly signal: string
}

/** Metrics that have such a role; all others need not be looked at. */
export const wantedMetrics: ReadonlySet<string> = new Set<string>([
  ...Object.values(scores),
  ...Object.values(explanations),
  marks.signalAge,
  marks.completeness,
  'vigil.request.count',
  'vigil.error.ratio',
  'vigil.restarts',
  'vigil.cpu.utilization',
])

/** Undefined for what alarms do not need. */
export function readSeries(text: string): Reading | undefined {
  const { resource, metric, attributes } = JSON.parse(text) as SeriesText
  const [name, unit] = metric
  if (!wantedMetrics.has(name)) return undefined
  const point = new Map(Object.entries(decodeEntries(attributes)))
  const of = (key: string) => {
    const value = point.get(key)
    return typeof value === 'string' ? value : ''
  }
  const role = roleOf(name, of)
  if (role === undefined) return undefined
  const resources = new Map(Object.entries(decodeEntries(resource)))
  const entity = readEntity(resources, point) ?? (role === 'age' ? resourceService(resources) : undefined)
  if (entity === undefined || entity.name === '') return undefined
  const feature = of(scoreAttributes.feature)
  const named =
    feature === ''
      ? undefined
      : { feature, window: of(featureAttributes.window), quantile: of(featureAttributes.quantile), unit }
  return { role, entity, named, signal: of('signal') }
}

function roleOf(name: string, of: (key: string) => string): Role | undefined {
  const isMinute = of(featureAttributes.window) === '1m'
  switch (name) {
    case scores.p:
      return of(scoreAttributes.detector) === fused ? 'p' : undefined
    case scores.score:
      return of(scoreAttributes.detector) === fused ? 'score' : undefined
    case scores.cold:
      return 'cold'
    case explanations.onset:
      return 'onset'
    case explanations.onsetUncertainty:
      return 'uncertainty'
    case marks.signalAge:
      return 'age'
    case marks.completeness:
      return isMinute ? 'completeness' : undefined
    case 'vigil.request.count':
      return isMinute ? 'requests' : undefined
    case 'vigil.error.ratio':
      return isMinute ? 'error_ratio' : undefined
    case 'vigil.cpu.utilization':
      return isMinute ? 'cpu' : undefined
    case 'vigil.restarts':
      return of(featureAttributes.window) === '5m' ? 'restarts' : undefined
  }
  return of(scoreAttributes.feature) === '' ? undefined : explanationRole(name, of(scoreAttributes.bound))
}

function explanationRole(name: string, bound: string): Role | undefined {
  switch (name) {
    case explanations.contribution:
      return 'contribution'
    case explanations.observed:
      return 'observed'
    case explanations.samples:
      return 'samples'
    case explanations.expected:
      return bound === 'lower' || bound === 'upper' ? bound : undefined
  }
  return undefined
}
