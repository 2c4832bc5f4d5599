/** How bad it is: by the size of the effect in its own unit, by how much of its service is affected, and by how much the service matters. */
import type { Tier } from '../../pipeline/capability/service-catalog.ts'
import type { AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import type { Finding } from './explanation.ts'

export const ranks = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[]

export function rankOf(severity: Severity): number {
  return ranks.indexOf(severity)
}

interface Circumstances {
  /** Of its service's requests, 0 to 1. */
  readonly share: number
  /** Of memory, in shares of the limit an hour, where its readings go on rising. */
  readonly growth: number | undefined
  readonly tier: Tier | undefined
}

/** Less than this of a service is affected: one step less. */
const smallShare = 0.05
/** A few milliseconds more may be five times as much; nobody notices. */
const noticeableSeconds = 0.05

/** `findings` are those of the type, strongest first. */
export function severityOf(
  type: AnomalyType,
  findings: readonly Finding[],
  { share, growth, tier }: Circumstances,
): Severity {
  let rank = effectRank(type, findings, growth)
  if (share < smallShare) rank--
  if (tier === 1 && rank >= rankOf('high')) rank++
  if (tier === 3) rank = Math.min(rank, rankOf('high'))
  if (tier === 4) rank = Math.min(rank, rankOf('medium'))
  // What users notice at once is critical only where somebody has said that they do.
  if (tier !== 1) rank = Math.min(rank, rankOf('high'))
  return ranks[Math.max(0, rank)] ?? 'critical'
}

/** 0 = low, 1 = medium, 2 = high. */
function effectRank(type: AnomalyType, findings: readonly Finding[], growth: number | undefined): number {
  const [first] = findings
  if (first === undefined) return type === 'silent' ? 2 : 0
  const above = ratio(first.observed, first.upper)
  const below = ratio(first.lower ?? 0, first.observed)
  switch (type) {
    case 'slow':
      return first.observed - (first.upper ?? 0) < noticeableSeconds
        ? Math.min(1, steps(above, 2, 5))
        : steps(above, 2, 5)
    case 'failing':
      return failingRank(findings)
    case 'silent':
      return 2
    case 'drop':
      return steps(below, 2, 10)
    case 'surge':
      return steps(above, 3, 20)
    case 'saturated':
      return first.unit === '1' ? steps(first.observed, 0.8, 0.95) : steps(above, 2, 10)
    case 'leaking':
      return leakRank(findings, growth)
    case 'backlog':
      return steps(above, 2, 20)
    case 'cache_misses':
      return steps(below, 1.5, 5)
    case 'restarting':
      return steps(first.observed, 1, 3)
    case 'noisy_logs':
      return Math.min(1, steps(above, 10, Number.POSITIVE_INFINITY))
    default:
      return 0
  }
}

function failingRank(findings: readonly Finding[]): number {
  const share = findings.find(({ feature }) => feature === 'vigil.error.ratio')?.observed
  return share === undefined ? 1 : steps(share, 0.01, 0.1)
}

/** By the time that is left until memory is full. */
function leakRank(findings: readonly Finding[], growth = Number.NEGATIVE_INFINITY): number {
  // A slope over minutes is that of the time before, too.
  const slope = findings.reduce(
    (most, { feature, observed }) => (feature === 'vigil.memory.slope' ? Math.max(most, observed) : most),
    growth,
  )
  const used = findings.find(({ feature }) => feature === 'vigil.memory.utilization')?.observed
  if (!(slope > 0)) return 1
  const hoursLeft = (1 - Math.min(1, used ?? 0.5)) / slope
  return hoursLeft < 1 ? 2 : hoursLeft < 6 ? 1 : 0
}

function ratio(large: number, small: number | undefined): number {
  return small === undefined || small <= 0 ? (large > 0 ? Number.POSITIVE_INFINITY : 1) : large / small
}

function steps(value: number, medium: number, high: number): number {
  return value >= high ? 2 : value >= medium ? 1 : 0
}
