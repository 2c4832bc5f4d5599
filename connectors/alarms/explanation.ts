/** Why an entity is strange: what was seen of it, what was expected, and since when. */
import { type FeatureName, features } from '../../pipeline/vocabulary/features.ts'
import type { Named } from './series.ts'

export interface Finding {
  readonly feature: string
  readonly window: string
  readonly quantile: string
  /** Of what was observed. */
  unit: string
  /** Share of the strangeness. */
  contribution: number
  observed: number
  lower: number | undefined
  upper: number | undefined
  samples: number | undefined
}

export interface Explanation {
  /** End of the window, seconds. */
  readonly at: number
  /** Seconds. */
  onset: number | undefined
  uncertainty: number | undefined
  readonly findings: Map<string, Finding>
}

/** Explanations have few features; what is beyond was not among the strongest. */
const maxFindings = 64

export function newExplanation(at: number): Explanation {
  return { at, onset: undefined, uncertainty: undefined, findings: new Map() }
}

/** Undefined where there is no room. */
export function findingOf({ findings }: Explanation, named: Named): Finding | undefined {
  const key = `${named.feature} ${named.window} ${named.quantile}`
  let finding = findings.get(key)
  if (finding === undefined) {
    if (findings.size >= maxFindings) return undefined
    finding = {
      ...named,
      unit: '',
      contribution: 0,
      observed: Number.NaN,
      lower: undefined,
      upper: undefined,
      samples: undefined,
    }
    findings.set(key, finding)
  }
  return finding
}

/** Strongest first, those without an observed value left out. */
export function strongest({ findings }: Explanation): Finding[] {
  return [...findings.values()]
    .filter(({ observed }) => Number.isFinite(observed))
    .sort((a, b) => b.contribution - a.contribution || (a.feature < b.feature ? -1 : 1))
}

/** `high`, `low`, or `within` what was expected. */
export function sideOf({ observed, lower, upper }: Finding): 'high' | 'low' | 'within' {
  if (upper !== undefined && observed > upper) return 'high'
  if (lower !== undefined && observed < lower) return 'low'
  return 'within'
}

/** Outside what was expected, on the side that is bad news: an error ratio that falls is none. */
export function isBad(finding: Finding): boolean {
  const side = sideOf(finding)
  if (side === 'within') return false
  const { feature } = finding
  const bad = Object.hasOwn(features, feature) ? features[feature as FeatureName].bad : 'both'
  return bad === 'both' || bad === side
}
