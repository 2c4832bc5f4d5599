/** Properties over random alarms in a random graph. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Anomaly, AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import { anomaly, burn, entity, open, start, storeOf } from './stream.fixture.ts'

/** The same in each run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
const rounds = 25
const types: readonly AnomalyType[] = ['slow', 'failing', 'saturated', 'drop', 'surge', 'leaking', 'unusual', 'silent']

/** Services that call others, now and then in a circle, and alarms of a few minutes. */
function scene(seed: number) {
  const random = randomOf(seed)
  const below = (n: number) => Math.floor(random() * n)
  const services = Array.from({ length: 4 + below(12) }, (_, i) => `s${i}`)
  const calls = services.flatMap((name, i) =>
    Array.from({ length: 1 + below(2) }, () => {
      const callee = random() < 0.1 ? below(services.length) : i + 1 + below(4)
      return callee === i || callee >= services.length ? `${name} -> database:db${below(4)}` : `${name} -> s${callee}`
    }),
  )
  const alarms: Anomaly[] = Array.from({ length: 2 + below(14) }, () => {
    const about = random() < 0.2 ? entity(`db${below(4)}`, 'database') : services[below(services.length)]!
    const at = start + below(300)
    if (random() < 0.1) return burn(about, at, { found: start + 400 })
    const severity = (['low', 'medium', 'high', 'critical'] as const)[below(4)]!
    return anomaly(about, at, { type: types[below(types.length)]!, severity, found: start + 400 })
  })
  return {
    calls,
    alarms,
    shuffled: () =>
      alarms
        .map((one) => [random(), one] as const)
        .sort((a, b) => a[0] - b[0])
        .map(([, one]) => one),
  }
}

const isOpen = ({ state }: Incident) => state !== 'merged' && state !== 'resolved'
/** Who is with whom, and in which role. */
function membership(incidents: readonly Incident[]): string[] {
  return incidents
    .filter(isOpen)
    .map(({ members }) =>
      members
        .map(({ entity: of, type, role }) => `${entityId(of)} ${type} ${role}`)
        .sort()
        .join('\n'),
    )
    .sort()
}

/** Batches of one to three alarms, a moment after each other. */
async function play(calls: readonly string[], alarms: readonly Anomaly[]) {
  const opened = await open(undefined, storeOf(...calls))
  for (let i = 0; i < alarms.length; ) {
    const some = alarms.slice(i, i + 1 + (i % 3))
    await opened.hear(...some)
    i += some.length
  }
  await opened.advance(6)
  return opened
}

test('in whatever order alarms come, the same are together in the same roles', async () => {
  for (let seed = 1; seed <= rounds; seed++) {
    const { calls, alarms, shuffled } = scene(seed)
    const expected = membership((await play(calls, alarms)).now())
    for (let i = 0; i < 3; i++)
      assert.deepEqual(membership((await play(calls, shuffled())).now()), expected, `seed ${seed}`)
  }
})

test('no alarm is in two open incidents, and every one that is worth telling is in one', async () => {
  for (let seed = 1_000; seed < 1_000 + rounds; seed++) {
    const { calls, alarms } = scene(seed)
    const { now } = await play(calls, alarms)
    const told = now()
      .filter(isOpen)
      .flatMap(({ members }) => members.map(({ event_id: id }) => id))
    assert.equal(new Set(told).size, told.length, `seed ${seed}`)
    const keys = new Set(
      now()
        .filter(isOpen)
        .flatMap(({ members }) => members.map(({ entity: of, type }) => `${entityId(of)} ${type}`)),
    )
    for (const { severity, entity: of, type } of alarms)
      if (severity !== 'low') assert.ok(keys.has(`${entityId(of)} ${type}`), `seed ${seed}`)
  }
})

test('every incident with a symptom has what explains it, every one has a suspect or a page, and no page is suppressed', async () => {
  for (let seed = 2_000; seed < 2_000 + rounds; seed++) {
    const { calls, alarms } = scene(seed)
    for (const { members } of (await play(calls, alarms)).now().filter(isOpen)) {
      const ids = new Set(members.map(({ event_id: id }) => id))
      for (const { role, explained_by: by, type } of members) {
        if (role === 'symptom') assert.ok(by !== undefined && ids.has(by), `seed ${seed}`)
        if (type === 'slo_burn') assert.equal(role, 'attached')
      }
      assert.ok(
        members.some(({ role }) => role !== 'symptom'),
        `seed ${seed}`,
      )
    }
  }
})

test('the first alarm below which nothing is wrong is never a symptom', async () => {
  for (let seed = 3_000; seed < 3_000 + rounds; seed++) {
    const { calls, alarms } = scene(seed)
    const faults = alarms.filter(({ type }) => type !== 'slo_burn')
    const alarmed = new Set(faults.map(({ entity: { name } }) => name))
    const next = Map.groupBy(
      calls.map((call) => call.split(' -> ').map((one) => one.split(':').at(-1)!)),
      ([from]) => from!,
    )
    const isDeepest = (name: string) => {
      const seen = new Set([name])
      for (const at of seen) for (const [, to] of next.get(at) ?? []) seen.add(to!)
      return [...seen].every((one) => one === name || !alarmed.has(one))
    }
    const first = faults.toSorted((a, b) => Number(BigInt(a.time) - BigInt(b.time)))[0]
    if (first === undefined || !isDeepest(first.entity.name)) continue
    const found = (await play(calls, alarms))
      .now()
      .filter(isOpen)
      .flatMap(({ members }) => members)
    const same = found.filter(({ entity: of, type }) => entityId(of) === entityId(first.entity) && type === first.type)
    for (const { role } of same) assert.equal(role, 'suspect', `seed ${seed}`)
  }
})
