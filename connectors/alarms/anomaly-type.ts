/** What kind of thing is wrong, by the features that are strangest and their side. */
import type { AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { type Explanation, type Finding, isBad, memoryGrowth, sideOf, strongest } from './explanation.ts'

/** By feature and side; what is not named here says nothing of a kind. */
const kinds: Readonly<Record<string, AnomalyType>> = {
  'vigil.latency high': 'slow',
  'vigil.self_time high': 'slow',
  'vigil.network_gap high': 'slow',
  'vigil.error.ratio high': 'failing',
  'vigil.error.count high': 'failing',
  'vigil.request.rate high': 'surge',
  'vigil.request.count high': 'surge',
  'vigil.request.rate low': 'drop',
  'vigil.request.count low': 'drop',
  'vigil.cpu.utilization high': 'saturated',
  'vigil.pool.usage high': 'saturated',
  'vigil.pool.waiting high': 'saturated',
  'vigil.memory.slope high': 'leaking',
  'vigil.queue.lag high': 'backlog',
  'vigil.cache.hit_ratio low': 'cache_misses',
  'vigil.restarts high': 'restarting',
  'vigil.dependency.count high': 'dependency_change',
  'vigil.dependency.count low': 'dependency_change',
  'vigil.log.rate high': 'noisy_logs',
  'vigil.log.error_rate high': 'noisy_logs',
  'vigil.log.burst high': 'noisy_logs',
  'vigil.log.new_templates high': 'new_logs',
}

/** Next to nothing is left of what was expected. */
const silentShare = 0.02
/** Of what makes an entity strange, so much must be bad by itself. */
const leastBad = 0.25
/** Memory that grows is a leak rather than a small limit; what uses more than always and has plenty left is not saturated. */
const slope = 'vigil.memory.slope'
const memory = 'vigil.memory.utilization'
const scarce = 0.8

function isGrowing(explanation: Explanation, findings: readonly Finding[]): boolean {
  return (
    findings.some((finding) => finding.feature === slope && isBad(finding)) || memoryGrowth(explanation) !== undefined
  )
}

function kindOf(finding: Finding, isLeak: boolean): AnomalyType {
  const side = sideOf(finding)
  if (finding.feature === memory && side === 'high') {
    if (isLeak) return 'leaking'
    return finding.observed < scarce ? 'unusual' : 'saturated'
  }
  const kind = kinds[`${finding.feature} ${side}`] ?? 'unusual'
  if (kind === 'drop' && finding.observed <= silentShare * (finding.lower ?? 0)) return 'silent'
  return kind
}

/**
 * The share of the strangeness that each kind has, largest first. Only what is outside of its own bounds on its bad side counts: a combination that is odd
 * while each of its parts is as always is nothing that one can tell a person. Empty where that is so of most of it.
 */
export function kindsOf(explanation: Explanation): [AnomalyType, number][] {
  const findings = strongest(explanation)
  const isLeak = isGrowing(explanation, findings)
  const shares = new Map<AnomalyType, number>()
  let [total, bad] = [0, 0]
  for (const finding of findings) {
    total += finding.contribution
    if (!isBad(finding)) continue
    bad += finding.contribution
    const kind = kindOf(finding, isLeak)
    shares.set(kind, (shares.get(kind) ?? 0) + finding.contribution)
  }
  if (!(bad > 0) || bad < leastBad * total) return []
  // "unusual" is the answer only where no feature has a better one.
  const sorted = [...shares].sort(([a, x], [b, y]) => Number(a === 'unusual') - Number(b === 'unusual') || y - x)
  return sorted.map(([kind, share]) => [kind, share / total])
}

/** What was seen of one kind, strongest first; of everything where there is no kind. */
export function findingsOf(explanation: Explanation, type: AnomalyType): Finding[] {
  const all = strongest(explanation)
  const isLeak = type === 'leaking' || isGrowing(explanation, all)
  const own = all.filter((finding) => {
    const kind = isBad(finding) ? kindOf(finding, isLeak) : undefined
    return kind === type || (type === 'leaking' && finding.feature === memory)
  })
  return [...own, ...all.filter((finding) => !own.includes(finding))]
}
