import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitIsolationForest, isolationScores } from '../../../models/isolation-forest.ts'
import { Random } from '../../simulate/world/random.ts'
import { type Alert, type Detector, features, type Window, width } from '../subject.ts'
import { univariateForest } from './isolation-forest.ts'
import { maxZ } from './max-z.ts'
import { anybody, highestScore, latestDeploy, mostAlerts } from './rankings.ts'
import { staticThresholds } from './static-thresholds.ts'
import { StepForest } from './step-forest.ts'

const chance = new Random(1, 'values')
const p99 = features.indexOf('p99')

function window(i: number, isWarmUp: boolean, latency: number): Window {
  const values = new Float64Array(2 * width).fill(Number.NaN)
  values[p99] = latency
  values[width + p99] = 0.1 + 0.01 * chance.normal()
  return { startMs: i * 30_000, endMs: (i + 1) * 30_000, entities: ['api', 'web'], values, events: [], isWarmUp }
}

/** Sixty ordinary windows of warm-up, `after` in which the latency of api is as given. */
function watch(detector: Detector, after: readonly number[]): readonly (readonly Alert[])[] {
  const usual = () => 0.1 + 0.01 * chance.normal()
  for (let i = 0; i < 60; i++) assert.deepEqual(detector.observe(window(i, true, usual())), [])
  return after.map((latency, i) => detector.observe(window(60 + i, false, latency)))
}

test('max-z alerts for what is far from its own usual twice in a row', () => {
  const told = watch(maxZ(), [0.1, 0.5, 0.1, 0.5, 0.5])
  assert.deepEqual(
    told.map((alerts) => alerts.map(({ entity, feature }) => `${entity} ${feature}`)),
    [[], [], [], [], ['api p99']],
  )
})

test('the forest finds about a tenth of what is ordinary anomalous, and all that is not', () => {
  const random = new Random(2, 'forest')
  const ordinary = Array.from({ length: 200 }, () => 0.1 + 0.01 * chance.normal())
  const told = watch(
    univariateForest(() => random.next()),
    [...ordinary, 0.5],
  )
  const share = told.slice(0, -1).flat().length / 400
  assert.ok(share > 0.03 && share < 0.25, String(share))
  assert.ok(told.at(-1)!.some(({ entity }) => entity === 'api'))
})

test('a forest of steps scores as the trees that it was made of', () => {
  const random = new Random(4, 'steps')
  // Some values are alike.
  const values = Float64Array.from({ length: 240 }, () => Math.round(20 * random.normal()) / 20)
  const forest = fitIsolationForest(values, 1, { random: () => random.next() })
  const steps = new StepForest(forest)
  const asked = Float64Array.from([...values, ...Array.from({ length: 500 }, () => 3 * random.normal()), -1e9, 1e9])
  for (const [i, score] of isolationScores(forest, asked).entries())
    assert.ok(Math.abs(steps.score(asked[i]!) - score) < 1e-9, `${asked[i]}: ${steps.score(asked[i]!)}, ${score}`)
})

test('static thresholds know limits and no history', () => {
  const told = watch(staticThresholds(), [0.5, 1.5, 1.5])
  assert.deepEqual(
    told.map((alerts) => alerts.map(({ entity, score }) => `${entity} ${score}`)),
    [[], [], ['api 1.5']],
  )
})

test('rankings: by score, by number, by deploy, by chance', () => {
  const alert = (entity: string, score: number) => ({ atMs: 1, entity, feature: 'p99' as const, score })
  const incident = { openMs: 1, alerts: [alert('a', 2), alert('b', 9), alert('a', 3), alert('c', 1)] }
  const deploy = (entity: string, name = 'deploy') => ({ atMs: 1, name, entity, body: '', attributes: new Map() })
  const events = [deploy('x'), deploy('y'), deploy('x'), deploy('z', 'scale')]
  const random = new Random(3, 'ranking')
  const known = { entities: ['a', 'b', 'c'], events, random: () => random.next() }
  assert.deepEqual(highestScore(incident), ['b', 'a', 'c'])
  assert.deepEqual(mostAlerts(incident), ['a', 'b', 'c'])
  assert.deepEqual(latestDeploy(incident, known), ['x', 'y'])
  const firsts = new Set(Array.from({ length: 40 }, () => anybody(incident, known)[0]))
  assert.equal(firsts.size, 3)
  assert.equal(new Set(anybody(incident, known)).size, 3)
})
