/**
 * Vigil as a subject. `vigil` is what people get: its incidents, and what its diagnoses say of them. The others take its `vigil.anomaly` events as the alerts of
 * the baselines, grouped and explained as theirs: what is better then is the detection alone.
 */
import type { Anomaly, AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { highestScore, mostAlerts } from './baselines/rankings.ts'
import { explainMs } from './judge.ts'
import type { Alert, Detector, Event, Feature, Incident, Known, Subject, Window } from './subject.ts'
import type { ToldDiagnosis } from './vigil-events.ts'

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
  {
    name: 'vigil',
    detector: 'vigil incidents',
    detect: () => ({ observe: ({ events }) => events.flatMap(membersOf) }),
    rank: (incident, known) => lastDiagnosis(incident, known)?.suspects ?? [],
    own: { withinMs: explainMs, verdict: (incident, known) => lastDiagnosis(incident, known)?.verdict },
  },
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

/** An alert of another system has no type: it counts as one of its logs. */
function membersOf({ atMs, incident }: Event): readonly Alert[] {
  if (incident === undefined) return []
  const { id, wakes, members } = incident
  return members.map(({ key, entity, type, isSymptom }) => ({
    atMs,
    entity,
    feature: type === 'foreign' ? 'logs' : symptoms[type],
    score: 1,
    isSuppressed: isSymptom,
    isPage: wakes,
    told: { incident: id, key },
  }))
}

function lastDiagnosis({ id }: Incident, { events }: Known): ToldDiagnosis | undefined {
  return events.findLast(({ diagnosis }) => diagnosis?.incident === id)?.diagnosis
}

/** Strange by a small chance is stranger than any score, which ends at 1. */
function scoreOf({ score, p_value: p }: Anomaly): number {
  return p === undefined ? (score ?? 0) : -Math.log10(Math.max(p, Number.MIN_VALUE))
}
