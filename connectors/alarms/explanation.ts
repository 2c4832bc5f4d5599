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
  /** The least memory that it used since that is above its range; undefined where it was not until now. */
  readonly memory: MemoryUse | undefined
}

export interface MemoryUse {
  /** Share of the limit. */
  readonly used: number
  /** Seconds. */
  readonly at: number
}

/** Explanations have few features; what is beyond was not among the strongest. */
const maxFindings = 64

/** Use of memory is the newest reading, so that two that are explained may be of one: what is further apart is not seen together. Seconds. */
const memoryGap = 180
/** Of the range that 95 of 100 readings lie in: what rises by more goes on rising, what stepped up does not. */
const leastRise = 2

/** What came after `before`, which says how it has been. */
export function newExplanation(at: number, before?: Explanation): Explanation {
  return { at, onset: undefined, uncertainty: undefined, findings: new Map(), memory: memoryBefore(at, before) }
}

function memoryBefore(at: number, before: Explanation | undefined): MemoryUse | undefined {
  if (before === undefined || at - before.at > memoryGap) return undefined
  const finding = memoryOf(before)
  if (finding === undefined || !isBad(finding)) return undefined
  const { memory } = before
  return memory === undefined || finding.observed < memory.used ? { used: finding.observed, at: before.at } : memory
}

/**
 * By how much of the limit an hour memory grows, by its readings since they are out of range; undefined where they do not go on rising. A slope over
 * minutes knows it more exactly, but only once a third of those minutes are of the leak.
 */
export function memoryGrowth(explanation: Explanation): number | undefined {
  const { memory, at } = explanation
  const now = memoryOf(explanation)
  if (memory === undefined || now?.lower === undefined || now.upper === undefined || !isBad(now)) return undefined
  const rise = now.observed - memory.used
  return rise > leastRise * (now.upper - now.lower) ? rise / ((at - memory.at) / 3_600) : undefined
}

function memoryOf({ findings }: Explanation): Finding | undefined {
  return findings.get('vigil.memory.utilization 1m ')
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

/** What is used in shares of a limit, where queues form long before all of it is. */
const shared: ReadonlySet<string> = new Set(['vigil.cpu.utilization', 'vigil.pool.usage'])
/** Below it, requests wait for less time than they are served in (M/M/1: u / (1 - u) of it): nobody notices. */
const plenty = 0.5

/** Outside what was expected, on the side that is bad news: an error ratio that falls is none, and neither is use that leaves plenty. */
export function isBad(finding: Finding): boolean {
  const side = sideOf(finding)
  if (side === 'within') return false
  const { feature, observed } = finding
  if (side === 'high' && observed < plenty && shared.has(feature)) return false
  const bad = Object.hasOwn(features, feature) ? features[feature as FeatureName].bad : 'both'
  return bad === 'both' || bad === side
}
