import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepare } from '../simulate/scenario/run.ts'
import { readTopology } from '../simulate/topology/read.ts'
import { knownTypes, unknownType } from './draw-fault.ts'
import { drawSet, faultsIn, type Run } from './scenario-set.ts'
import { trafficOf } from './traffic.ts'

const shop = await readTopology(new URL('../../examples/topologies/shop.yaml', import.meta.url).pathname)
const size = { incidents: 120, quietDays: 90, incidentRate: 4, quietRate: 0.5 }
const set = drawSet(shop, 1, size)
const incidents = set.runs.filter(({ isQuiet }) => !isQuiet)
const quiet = set.runs.filter(({ isQuiet }) => isQuiet)
const faultsOf = ({ scenario }: Run) => scenario.events.flatMap(({ fault }) => (fault === undefined ? [] : [fault]))

test('the same seed draws the same set, another seed or size another, and the hash says so', () => {
  assert.equal(drawSet(shop, 1, size).hash, set.hash)
  assert.deepEqual(drawSet(shop, 1, { ...size, quietDays: 0 }).runs, incidents)
  assert.notEqual(drawSet(shop, 2, size).hash, set.hash)
  assert.notEqual(drawSet(shop, 1, { ...size, incidentRate: 5 }).hash, set.hash)
})

test('every type of fault comes before any comes twice, as far as the topology has what it breaks', () => {
  const types = incidents.map((run) => faultsOf(run)[0]!.type)
  const seen = new Set(types)
  assert.deepEqual(
    knownTypes.filter((type) => !seen.has(type)),
    // No statement of the shop takes a lock.
    ['lock_contention'],
  )
  const known = types.filter((type) => type !== unknownType).slice(0, knownTypes.length - 1)
  assert.equal(new Set(known).size, known.length)
})

test('an eighth of the incidents are two faults at once and a twentieth are of the unknown class', () => {
  assert.equal(incidents.filter(({ isDouble }) => isDouble).length, 15)
  assert.equal(faultsIn(set.runs).faults, 135)
  assert.equal(incidents.filter((run) => faultsOf(run)[0]!.type === unknownType).length, 6)
})

test('half of the runs are head-sampled at 1 to 10 %', () => {
  const shares = set.runs.map(({ scenario }) => scenario.observation.sampling)
  const sampled = shares.filter((share) => share < 1)
  assert.equal(sampled.length, set.runs.length / 2)
  assert.ok(sampled.every((share) => share >= 0.01 && share <= 0.1))
})

test('severities go from mild to fatal', () => {
  const faults = incidents.flatMap(faultsOf)
  const shares = faults.flatMap((fault) => (fault.type === 'errors' ? [fault.share] : []))
  const delays = drawSet(shop, 3, { ...size, incidents: 400, quietDays: 0 })
    .runs.flatMap(faultsOf)
    .flatMap((fault) => (fault.type === 'latency' ? [fault.delay] : []))
  assert.ok(shares.length > 0 && Math.min(...delays) < 30 && Math.max(...delays) > 300, delays.join(' '))
})

test('innocent deploys lie near the onset, of another service than the one that is broken', () => {
  const near = incidents.filter(({ scenario }) => {
    const onset = scenario.events.find(({ fault }) => fault !== undefined)!
    return scenario.events.some(({ benign, at }) => benign?.type === 'deploy' && Math.abs(at - onset.at) <= 300_000)
  })
  assert.ok(near.length > 0.4 * incidents.length, String(near.length))
})

test('quiet days have ordinary events and no fault, and their days add up without the warm-up', () => {
  assert.deepEqual(quiet.flatMap(faultsOf), [])
  assert.ok(quiet.every(({ scenario }) => scenario.events.length > 0))
  const judged = quiet.reduce((sum, { scenario, warmUpMs }) => sum + scenario.duration - warmUpMs, 0)
  assert.equal(judged, 90 * 86_400_000)
  assert.ok(faultsIn(set.runs).faultFree > 0.95)
  assert.ok(faultsIn(drawSet(shop, 1, { ...size, quietDays: 0 }).runs).faultFree > 0.6)
})

test('every run fits its topology', () => {
  for (const { topology, scenario, seed, startMs } of set.runs) {
    prepare({ topology, scenario, seed, startMs, send: () => {} })
  }
})

test('traffic follows calls, queues, caches and chances', () => {
  const traffic = trafficOf(shop)
  const total = [...traffic].filter(([name]) => name.startsWith('frontend/')).reduce((sum, [, rate]) => sum + rate, 0)
  assert.ok(Math.abs(total - shop.users.rate) < 1e-9)
  const [order, charge] = [traffic.get('order/PlaceOrder')!, traffic.get('payment/Charge')!]
  assert.ok(Math.abs(charge - 0.95 * order) < 1e-9, `${charge} of ${order}`)
  assert.ok(traffic.get('kafka/orders')! > 0 && traffic.get('redis/GET')! > 0)
})
