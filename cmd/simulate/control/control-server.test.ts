import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Pace, play } from '../play/pace.ts'
import type { Sink } from '../play/sink.ts'
import { parseScenario } from '../scenario/read.ts'
import { prepare } from '../scenario/run.ts'
import { parseTopology } from '../topology/read.ts'
import { type Doors, openDoors } from './doors.ts'

const topology = parseTopology(
  `
name: bench
users: { rate: 20, retry: 0, operations: [{ call: web/GET, weight: 1 }] }
services:
  web: { kind: service, instances: 2, startup: 5s, operations: { GET: { self: { median: 2ms }, errors: 0 } } }`,
  'bench.yaml',
)
const scenario = parseScenario('{ name: x, duration: 1h, observation: { sampling: 0, scrape: 1h } }', 'x.yaml')
const sink: Sink = {
  send: () => {},
  caughtUp: () => undefined,
  close: () => Promise.resolve({ items: {}, requests: 0, lost: 0, errors: [] }),
}
const open: Doors[] = []
after(() => Promise.all(open.map((doors) => doors.close())))

async function start(flags: { readonly controlTruth?: boolean } = {}) {
  const startMs = Date.UTC(2026, 10, 21, 10)
  const playing = prepare({ topology, scenario, seed: 1, startMs, send: () => {} })
  const pace = new Pace(1)
  const stopped = new AbortController()
  const stop = () => stopped.abort()
  const doors = await openDoors({ playing, pace, stop, control: '127.0.0.1:0', ...flags })
  open.push(doors)
  const url = /http:\S+/.exec(doors.lines[0] ?? '')?.[0] ?? assert.fail(doors.lines.join())
  const ask = async (method: string, path: string, body?: unknown) => {
    const sent =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${url}${path}`, { method, ...sent })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const run = (durationMs: number) => play(playing.world, sink, { pace, durationMs, signal: stopped.signal })
  return { ...playing, pace, url, ask, run }
}

test('the state of the world can be read: its time, who runs what, and what users get', async () => {
  const { world, ask } = await start()
  world.runUntil(120_000)
  const { status, body } = await ask('GET', '/state')
  assert.equal(status, 200)
  assert.equal(body.time, '2026-11-21T10:02:00.000Z')
  const [operation] = body.operations as { operation: string; lastMinute: { goodShare: number; perSecond: number } }[]
  assert.deepEqual([operation?.operation, operation?.lastMinute.goodShare], ['web/GET', 1])
  assert.ok(operation!.lastMinute.perSecond > 10)
  const [web] = body.services as { name: string; version: string; replicas: number; instances: unknown[] }[]
  assert.deepEqual([web?.name, web?.version, web?.replicas, web?.instances.length], ['web', '1.0.0', 2, 2])
})

test('every action is in the catalogue with its arguments, can be done, and undone', async () => {
  const { world, ask } = await start()
  const { body } = await ask('GET', '/actions')
  const scale = (body as unknown as { name: string; arguments: { required: string[] } }[]).find(
    ({ name }) => name === 'scale',
  )
  assert.deepEqual(scale?.arguments.required, ['service', 'replicas'])
  const done = await ask('POST', '/actions/scale', { service: 'web', replicas: 5 })
  assert.deepEqual(done.body, {
    id: 1,
    at: '2026-11-21T10:00:00.000Z',
    action: 'scale',
    target: 'web',
    isReversible: true,
  })
  assert.equal(world.cluster.replicas(world.service('web')), 5)
  const reversed = await ask('POST', '/actions/reverse', { id: 1 })
  assert.deepEqual([reversed.status, reversed.body.action], [200, 'reverse'])
  assert.equal(world.cluster.replicas(world.service('web')), 2)
  const log = (await ask('GET', '/done')).body as unknown as { id: number; isReversed: boolean }[]
  assert.deepEqual(
    log.map(({ id, isReversed }) => [id, isReversed]),
    [[1, true]],
  )
})

test('the truth is told only where it was asked for at the start', async () => {
  const closed = await start()
  const { status, body } = await closed.ask('GET', '/truth')
  assert.deepEqual([status, body.error], [404, 'the truth is not told here: start vigil simulate with --control-truth'])
  const told = await start({ controlTruth: true })
  assert.deepEqual((await told.ask('GET', '/truth')).body, { faults: [], actions: [] })
})

test('the world pauses, goes on, goes faster and stops as it is told', async () => {
  const { world, ask, run, pace } = await start()
  await ask('POST', '/pause')
  const whole = run(60_000)
  assert.equal((await ask('GET', '/state')).body.isPaused, true)
  assert.equal(world.schedule.now, 0)
  await ask('POST', '/speed', { speed: 0 })
  await ask('POST', '/resume')
  await whole
  assert.equal(world.schedule.now, 60_000)

  pace.speed = 1
  const long = run(3_600_000)
  await ask('POST', '/stop')
  await long
  assert.ok(world.schedule.now < 3_600_000)
})

test('what is wrong with a request is said, with what would be right', async () => {
  const { ask, url } = await start()
  const cases: readonly (readonly [string, string, unknown, number, RegExp])[] = [
    ['GET', '/stat', undefined, 404, /there is no \/stat; did you mean "GET \/state"/],
    ['DELETE', '/state', undefined, 405, /\/state takes GET/],
    ['GET', '/actions/scale', undefined, 405, /\/actions\/scale takes POST/],
    ['POST', '/actions/scal', {}, 404, /there is no action "scal"; did you mean "scale"/],
    ['POST', '/actions/scale', { service: 'wep', replicas: 1 }, 404, /did you mean "web"/],
    ['POST', '/actions/scale', undefined, 400, /scale: service: Invalid input/],
    ['POST', '/actions/reverse', {}, 400, /send \{"id": n\}/],
    ['POST', '/speed', { speed: -1 }, 400, /x from 0/],
  ]
  for (const [method, path, body, status, message] of cases) {
    const answer = await ask(method, path, body)
    assert.equal(answer.status, status, path)
    assert.match(String(answer.body.error), message)
  }
  const other = await fetch(`${url}/stop`, { method: 'POST', headers: { origin: 'http://evil.example.com' } })
  assert.equal(other.status, 403)
  const plain = await fetch(`${url}/speed`, {
    method: 'POST',
    body: '{"speed":0}',
    headers: { 'content-type': 'text/plain' },
  })
  assert.equal(plain.status, 415)
})

test('a port that is taken is an error, and opens nothing', async () => {
  const { url, ...playing } = await start()
  const taken = url.replace('http://', '')
  const wanted = { playing, pace: new Pace(1), stop: () => {}, kubernetes: '127.0.0.1:0', control: taken }
  await assert.rejects(openDoors(wanted), /EADDRINUSE|in use/)
})
