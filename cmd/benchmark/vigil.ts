/** Vigil as a subject: its alerts are the `vigil.anomaly` events that came out of the configuration under test. */
import type { Anomaly, AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { highestScore, mostAlerts } from './baselines/rankings.ts'
import type { Alert, Detector, Event, Feature, Subject, Window } from './subject.ts'

/** As what is measured calls symptoms: a rate at the users' way in is none, all others are. */
const symptoms: Readonly<Record<AnomalyType, Feature>> = {
  slow: 'p99',
  failing: 'errors',
  silent: 'rate',
  surge: 'rate',
  drop: 'rate',
  saturated: 'cpu',
  leaking: 'memory',
  backlog: 'lag',
  cache_misses: 'p50',
  restarting: 'memory',
  noisy_logs: 'logs',
  new_logs: 'logs',
  dependency_change: 'rate',
  unusual: 'p50',
  slo_burn: 'errors',
  blind: 'logs',
}

const detector = { detector: 'vigil', detect: watch } as const

export const vigil: readonly Subject[] = [
  { ...detector, name: 'vigil, most alerts', rank: mostAlerts },
  { ...detector, name: 'vigil, highest score', rank: highestScore },
]

function watch(): Detector {
  return { observe: ({ events }: Window) => events.flatMap(alertsOf) }
}

function alertsOf({ atMs, entity, anomaly }: Event): readonly Alert[] {
  if (anomaly === undefined || anomaly.state !== 'active') return []
  const { type, caused_by_action: action, wakes } = anomaly
  const feature = symptoms[type]
  return [{ atMs, entity, feature, score: scoreOf(anomaly), isSuppressed: action !== undefined, isPage: wakes }]
}

/** Strange by a small chance is stranger than any score, which ends at 1. */
function scoreOf({ score, p_value: p }: Anomaly): number {
  return p === undefined ? (score ?? 0) : -Math.log10(Math.max(p, Number.MIN_VALUE))
}
