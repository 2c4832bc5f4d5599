import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultSpec } from '../../simulate/scenario/schema.ts'
import { parseTopology } from '../../simulate/topology/read.ts'
import { drawSet, type Run } from '../scenario-set.ts'
import type { Incident, Known } from '../subject.ts'
import { type Policy, planOf, policiesFor } from './policies.ts'
import { everybody, nobody, type Repair, repairsOf, somebody } from './repairs.ts'
import { replay } from './replay.ts'
import { repairScoreOf } from './score.ts'

const minute = 60_000
const topology = parseTopology(
  `
name: small
users: { rate: 4, noise: 0, operations: [{ call: web/GET /, weight: 1, slow: 200ms }] }
services:
  web: { kind: service, operations: { GET /: { self: { median: 5ms }, steps: [{ call: api/Get }] } } }
  api: { kind: service, operations: { Get: { self: { median: 5ms } } } }
  bank: { kind: external, host: bank.example, operations: { Pay: { self: { median: 5ms } } } }
`,
  'small.yaml',
)
const [drawn] = drawSet(topology, 1, { incidents: 1, quietDays: 0, incidentRate: 4, quietRate: 1 }).runs

function runOf(fault: FaultSpec): Run {
  const events = [{ at: 16 * minute, for: 6 * minute, fault }]
  const scenario = { ...drawn!.scenario, duration: 25 * minute, events }
  return { ...drawn!, topology, scenario, warmUpMs: 15 * minute }
}

const failing = runOf({
  type: 'errors',
  operation: 'api/Get',
  share: 0.5,
  early: false,
  errorType: 'IllegalStateException',
})
const unfelt = runOf({ type: 'telemetry_loss', service: 'api' })
const known: Known = { entities: [], events: [], random: () => 0 }
const alarmed: Incident = {
  openMs: 17 * minute,
  alerts: [{ atMs: 17 * minute, entity: 'api', feature: 'errors', score: 1 }],
}
const [rightly]: readonly Policy[] = policiesFor(new Set(['max-z']))
const rollBack: Policy = { ...rightly!, name: 'roll back', action: 'rollback' }
const refuse: Policy = {
  ...rightly!,
  name: 'refuse',
  action: 'rate_limit',
  args: (service) => ({ service, perSecond: 1 }),
}

function played(run: Run, policies: readonly Policy[]): Promise<Readonly<Record<string, Repair>>> {
  const { signal } = new AbortController()
  return repairsOf({ run, faults: replay(run, []).faults, known, incidents: () => [alarmed], signal }, policies)
}

test('nothing recovers nothing, the oracle nearly all, a human who knows less, and the right script as much as its alarm allows', async () => {
  const all = await played(failing, [rollBack])
  const [none, best, later, script] = [nobody, everybody, somebody, 'roll back'].map((who) => all[who]!)
  assert.deepEqual([none!.recovered, none!.harm, none!.done.length], [0, 0, 0])
  // Half of four a second for forty minutes.
  assert.ok(none!.lost > 3_500 && none!.lost < 6_500, String(none!.lost))
  assert.ok(best!.recovered > 0.9 * none!.lost && best!.isBetter && best!.isRight)
  assert.ok(later!.recovered < best!.recovered && later!.recovered > 0)
  assert.deepEqual(script!.done, ['rollback api'])
  assert.ok(script!.recovered > 0.85 * none!.lost && script!.isRight && !script!.isWorse)
  assert.ok(best!.impactMs! <= 4 * minute && none!.impactMs! >= 38 * minute, `${best!.impactMs} ${none!.impactMs}`)
})

test('what harms users is counted as harm, though nobody felt the fault', async () => {
  const { refuse: refused } = await played(unfelt, [refuse])
  assert.ok(refused!.isWorse && refused!.isSilent && !refused!.isRight)
  assert.ok(refused!.harm > 1_000 && refused!.recovered < -1_000, JSON.stringify(refused))
})

test('until the first action a world is the one that was left alone, and users come at the same moments after it', () => {
  const without = replay(failing, [])
  const act = planOf(rollBack, topology, [{ ...alarmed, openMs: 20 * minute }], known)
  const acted = replay(failing, act)
  assert.deepEqual(acted.bad.slice(0, 21), without.bad.slice(0, 21))
  assert.notDeepEqual(acted.bad, without.bad)
  const healthy = replay(failing, [], { isFaulty: false })
  assert.deepEqual(healthy.all.slice(0, 16), without.all.slice(0, 16))
  const retried = without.all.reduce((sum, one) => sum + one, 0) - healthy.all.reduce((sum, one) => sum + one, 0)
  assert.ok(retried > 0, 'those who failed came again, and nobody else did')
})

test('a script acts once on what it can act on, by what was known then, and rests', () => {
  const alert = (atMs: number, entity: string) => ({ atMs, entity, feature: 'errors' as const, score: 1 })
  const at = (openMs: number, ...alerts: readonly ReturnType<typeof alert>[]): Incident => ({ openMs, alerts })
  const incidents = [
    at(minute, alert(minute, 'bank'), alert(minute, 'bank'), alert(minute, 'web')),
    at(5 * minute, alert(5 * minute, 'web')),
    at(6 * minute, alert(6 * minute, 'node-1')),
    at(20 * minute, alert(20 * minute, 'web'), alert(22 * minute, 'api'), alert(22 * minute, 'api')),
  ]
  assert.deepEqual(
    planOf(rightly!, topology, incidents, known).map(({ atMs, what }) => [atMs / minute, what]),
    [
      [2, 'restart web'],
      [21, 'restart web'],
    ],
  )
})

test('attempts are right, harmless or harmful; what is recovered is a share of what was lost and of what the oracle recovers', () => {
  const repair: Repair = {
    done: [],
    refused: 0,
    isRight: false,
    lost: 100,
    recovered: 0,
    harm: 0,
    isBetter: false,
    isWorse: false,
    impactMs: 40 * minute,
    isImpactOver: false,
    isSilent: false,
  }
  const oracle = { ...repair, recovered: 80 }
  const right = {
    ...repair,
    done: ['x'],
    isRight: true,
    isBetter: true,
    recovered: 60,
    impactMs: 5 * minute,
    isImpactOver: true,
  }
  const harmless = { ...repair, done: ['x'] }
  const harmful = { ...repair, done: ['x'], isWorse: true, recovered: -20, harm: 30 }
  const acted = [right, harmless, harmful, repair].map((own) => ({ own, nothing: repair, oracle }))
  const score = repairScoreOf('somebody', acted, 0.5)
  const values = [score.attempted, score.correct, score.harmlessWrong, score.harmful].map(({ value }) => value)
  assert.deepEqual(values, [0.75, 0.25, 0.25, 0.25])
  assert.equal(score.recovered.value, 0.1)
  assert.equal(score.recoveredOfOracle.value, 0.125)
  assert.equal(score.goodputLost.value, 7.5)
  assert.equal(score.minutesToRepair.value, Number.POSITIVE_INFINITY)
})
