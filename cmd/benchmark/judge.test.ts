import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultTruth } from '../simulate/scenario/truth.ts'
import { parseTopology } from '../simulate/topology/read.ts'
import { tooEasyFor } from './baselines/baselines.ts'
import { Incidents } from './incidents.ts'
import { type Evidence, judge } from './judge.ts'
import { notesOf } from './report.ts'
import type { Run } from './scenario-set.ts'
import { drawSet } from './scenario-set.ts'
import { scoreOf } from './score.ts'
import type { Alert, Feature } from './subject.ts'

const topology = parseTopology(
  `
name: small
users: { rate: 10, operations: [{ call: web/GET /, weight: 1 }] }
services:
  web: { kind: service, operations: { GET /: { self: { median: 5ms }, steps: [{ call: api/Get }] } } }
  api: { kind: service, operations: { Get: { self: { median: 5ms } } } }
  other: { kind: service, operations: { Get: { self: { median: 5ms } } } }
`,
  'small.yaml',
)
const [drawn] = drawSet(topology, 1, { incidents: 1, quietDays: 0, incidentRate: 10, quietRate: 1 }).runs
const run: Run = { ...drawn!, scenario: { ...drawn!.scenario, duration: 1_500_000, events: [] } }
const minute = 60_000
const at = (ms: number) => new Date(run.startMs + ms).toISOString()

function fault(service: string, fromMs: number, toMs: number, isSilent = false): FaultTruth {
  return {
    fault: 'errors',
    root: { kind: 'operation', service, name: 'Get' },
    onset: at(fromMs),
    end: at(toMs),
    repairs: [],
    isSilent,
    impactStart: undefined,
    impactEnd: undefined,
    operations: [],
    lostRequests: 0,
  }
}

function alert(minutes: number, entity: string, feature: Feature = 'errors', isSuppressed = false): Alert {
  return { atMs: minutes * minute, entity, feature, score: 1, isSuppressed }
}

function evidence(faults: readonly FaultTruth[], alerts: readonly Alert[]): Evidence {
  const incidents = new Incidents(Number.POSITIVE_INFINITY)
  for (const one of alerts) incidents.add(one)
  const served = Array.from({ length: 150 }, (_, i) => ({
    fromMs: i * 10_000,
    all: 10,
    bad: i >= 100 && i < 130 ? 5 : 0,
  }))
  return { run, faults, served, incidents, known: { entities: [], events: [], random: () => 0 } }
}

const from = (1_000_000 / minute) | 0
const one = [fault('api', from * minute, (from + 5) * minute)]
const suspects = () => ['other', 'api']

test('a fault is noticed by the first alert of its root or of the way in, in an incident opened since', () => {
  const cases: readonly (readonly [why: string, alerts: readonly Alert[], delayMs: number | undefined])[] = [
    ['the root', [alert(from + 1, 'other'), alert(from + 2, 'api')], 2 * minute],
    ['the way in', [alert(from + 1, 'web')], minute],
    ['more users at the way in are no symptom', [alert(from + 1, 'web', 'rate')], undefined],
    ['somebody else', [alert(from + 1, 'other')], undefined],
    ['too early', [alert(from - 1, 'api')], undefined],
    ['an incident that was open before', [alert(from - 1, 'other'), alert(from + 1, 'api')], undefined],
    ['too late', [alert(from + 7, 'api')], undefined],
    ['kept from people', [alert(from + 1, 'api', 'errors', true)], undefined],
  ]
  for (const [why, alerts, delayMs] of cases)
    assert.equal(judge(evidence(one, alerts), suspects).sightings[0]!.delayMs, delayMs, why)
})

test('the rank is that of the root, from alerts of the first minutes only', () => {
  const alerts = [alert(from + 1, 'web'), alert(from + 1, 'api'), alert(from + 4, 'other')]
  let told = 0
  const [seen] = judge(evidence(one, alerts), (incident) => {
    told = incident.alerts.length
    return suspects()
  }).sightings
  assert.equal(told, 2)
  assert.equal(seen!.rank, 2)
  assert.equal(judge(evidence(one, alerts), () => ['web']).sightings[0]!.rank, undefined)
  assert.equal(judge(evidence(one, []), suspects).sightings[0]!.rank, undefined)
})

test('a root whose alerts were all suppressed is counted', () => {
  const alerts = [alert(from + 1, 'web'), alert(from + 1, 'api', 'errors', true)]
  assert.equal(judge(evidence(one, alerts), suspects).sightings[0]!.isRootSuppressed, true)
  assert.equal(
    judge(evidence(one, [...alerts, alert(from + 2, 'api')]), suspects).sightings[0]!.isRootSuppressed,
    false,
  )
})

test('what users lost after the first right alert could have been saved, what they lost before could not', () => {
  const [seen] = judge(evidence(one, [alert(from + 2, 'api')]), suspects).sightings
  assert.equal(seen!.lost, 150)
  assert.equal(seen!.lostAfter, 110)
  assert.equal(judge(evidence(one, []), suspects).sightings[0]!.lostAfter, 0)
})

test('alerts belong to the fault whose root they name, or else to the first; outside of faults to none', () => {
  const two = [...one, fault('other', (from + 1) * minute, (from + 4) * minute)]
  const alerts = [alert(2, 'api'), alert(from + 2, 'other'), alert(from + 2, 'web')]
  assert.deepEqual(
    judge(evidence(two, alerts), suspects).members.map(({ truth, cluster }) => `${truth} ${cluster}`),
    ['no fault 0', '1 1', '0 1'].map((text) => {
      const [truth, cluster] = text.split(/ (?=\d$)/)
      return `${run.name}/${truth} ${run.name}/${cluster}`
    }),
  )
})

test('incidents end after five quiet minutes, and what never ends is told again every hour', () => {
  const incidents = new Incidents(2 * minute)
  for (let i = 0; i <= 70; i++) incidents.add(alert(i, 'api'))
  incidents.add(alert(76, 'api'))
  assert.deepEqual(
    incidents.all.map(({ openMs }) => openMs / minute),
    [0, 61, 76],
  )
  assert.equal(incidents.alerts, 72)
  assert.equal(incidents.all[0]!.alerts.length, 3)
})

test('scores count misses as wrong, censor them, and keep silent faults apart', () => {
  const silent = [fault('api', from * minute, (from + 5) * minute, true)]
  const judged = [
    judge(evidence(one, [alert(from + 1, 'api')]), () => ['api']),
    judge(evidence(one, [alert(from + 3, 'api')]), suspects),
    judge(evidence(one, []), suspects),
    judge(evidence(silent, [alert(from + 1, 'api')]), suspects),
  ]
  const quiet = { alerts: 20, parts: [1, 0, 0, 3].map((incidents) => ({ days: 0.25, incidents, pages: incidents })) }
  const score = scoreOf('subject', judged, quiet, 8)
  assert.equal(score.faults, 3)
  assert.equal(score.silentFaults, 1)
  assert.ok(Math.abs(score.detected.value - 2 / 3) < 1e-9)
  assert.equal(score.secondsToDetect.value, 180)
  assert.equal(score.secondsToDetect.high, Number.POSITIVE_INFINITY)
  assert.ok(Math.abs(score.top1.value - 1 / 3) < 1e-9 && Math.abs(score.top3.value - 2 / 3) < 1e-9)
  assert.equal(score.top1OfDetected.value, 0.5)
  assert.equal(score.silentDetected.value, 1)
  assert.equal(score.falseIncidentsPerDay.value, 4)
  assert.equal(score.pagesPerWeek.value, 28)
  const none = scoreOf(
    'subject',
    judged,
    { alerts: 0, parts: [{ days: 2, incidents: 0, pages: 0 }] },
    8,
  ).falseIncidentsPerDay
  assert.equal(none.value, 0)
  assert.ok(Math.abs(none.high - 1.844) < 1e-3, String(none.high))
  assert.ok(Math.abs(score.noiseReduction - (1 - 8 / 23)) < 1e-9)
})

test('a set that max-z and most alerts solve is reported as too easy', () => {
  const judged = [judge(evidence(one, [alert(from + 1, 'api')]), () => ['api'])]
  const easy = scoreOf(tooEasyFor, judged, { alerts: 0, parts: [] }, 1)
  const hard = scoreOf(tooEasyFor, [judge(evidence(one, []), suspects)], { alerts: 0, parts: [] }, 0)
  const counts = { traces: 0, metrics: 0, logs: 0 }
  const rest = {
    judged: new Map(),
    repairs: [],
    sent: counts,
    received: counts,
    notLookedAt: 0,
    played: [],
    incidents: 200,
    quietDays: 90,
    wallSeconds: 1,
  }
  const set = { version: '1.1', hash: '', runs: [] }
  assert.ok(notesOf(set, { ...rest, scores: [easy] }).some((note) => note.startsWith('TOO EASY')))
  assert.ok(notesOf(set, { ...rest, scores: [hard] }).every((note) => !note.startsWith('TOO EASY')))
})
