/** What many have at once is one alarm to the person who gets it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import { type Anomaly, readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'
import { edge, operation, service, Tick, type Why } from './ticks.fixture.ts'

const start = Date.parse('2026-11-21T10:00:00Z') / 1000
const slow: Why = { feature: 'vigil.latency', quantile: '0.99', observed: 3.5, expected: [0.04, 0.06], samples: 9_000 }
const failing: Why = { feature: 'vigil.error.ratio', observed: 0.3, expected: [0, 0.01], samples: 9_000 }
const names = Array.from({ length: 30 }, (_, i) => `s${i}`)

function said({ recorded }: TestContext): Anomaly[] {
  return recorded.emitted.flatMap(({ batch }) =>
    [...(batch as Logs)].map((record) => readAnomaly(record) ?? assert.fail('an event that does not keep its schema')),
  )
}

class Shop {
  readonly #built = build(factory, '{}', { kind: 'connector' })
  at = start

  get context(): TestContext {
    return this.#built.context
  }

  async start(state?: Uint8Array): Promise<this> {
    if (state !== undefined) await this.#built.instance.restore?.(state)
    await this.#built.instance.start?.()
    return this
  }

  save(): Promise<Uint8Array | undefined> | undefined {
    return this.#built.instance.save?.()
  }

  /** Ticks of all services; those named are strange, with an operation and the calls to them. */
  async ticks(count: number, strange: readonly string[] = [], why: Why = slow): Promise<Anomaly[]> {
    for (let i = 0; i < count; i++, this.at += 10) {
      const tick = new Tick(this.at)
      for (const name of names) {
        const p = strange.includes(name) ? 1e-12 : 0.4
        for (const entity of [service(name), operation(name, 'GET /'), edge('frontend', name)]) {
          tick.p(entity, p)
          if (p < 0.1) tick.because(entity, this.at - 10, why)
        }
      }
      await this.#built.handle(tick.build())
    }
    return said(this.context).filter(({ state }) => state === 'active')
  }
}

test('when most services are slow in the same tick one alarm says so, all others are low and name it', async () => {
  const shop = await new Shop().start()
  await shop.ticks(30)
  const [common, ...others] = await shop.ticks(1, names.slice(0, 20))
  assert.equal(entityLabel(common!.entity), 'external all services')
  assert.deepEqual(
    [common?.type, common?.severity, common?.detector, common?.parent_id],
    ['slow', 'high', 'common_cause', undefined],
  )
  assert.equal(
    common?.text,
    '20 of 30 services are slow at once, which has one cause: s0, s1, s2 and 17 more; since 10:04:50 (+-30 s)',
  )
  assert.equal(others.length, 60)
  for (const one of others)
    assert.deepEqual([one.severity, one.parent_id], ['low', common?.id], entityLabel(one.entity))
})

test('it clears once few are left, and what is left may grow worse by itself', async () => {
  const shop = await new Shop().start()
  await shop.ticks(30)
  await shop.ticks(6, names.slice(0, 20))
  const before = said(shop.context).length
  await shop.ticks(60, ['s3'])
  const after = said(shop.context).slice(before)
  const cleared = after.filter(({ detector, state }) => detector === 'common_cause' && state === 'cleared')
  assert.equal(cleared.length, 1)
  assert.equal(cleared[0]?.text, 'services are no longer slow all at once; they were from 10:04:50 to 10:08:00')
  const worse = after.filter(({ state, severity }) => state === 'active' && severity === 'high')
  assert.deepEqual(
    worse.map(({ entity }) => entityLabel(entity)),
    ['s3', 's3 GET /', 'edge frontend -> s3'],
  )
})

test('it lasts over a reload, and is cleared by the successor', async () => {
  const shop = await new Shop().start()
  await shop.ticks(30)
  await shop.ticks(6, names.slice(0, 20))
  const successor = await new Shop().start(await shop.save())
  successor.at = shop.at
  const more = await successor.ticks(1, names.slice(0, 22))
  assert.deepEqual([...new Set(more.map(({ severity }) => severity))], ['low'])
  await successor.ticks(80)
  const states = said(successor.context).filter(({ detector }) => detector === 'common_cause')
  assert.deepEqual(
    states.map(({ state }) => state),
    ['cleared'],
  )
})

test('a few services, other kinds of trouble, or the same an hour later are alarms of their own', async () => {
  const shop = await new Shop().start()
  await shop.ticks(30)
  await shop.ticks(12, names.slice(0, 10))
  await shop.ticks(12, names.slice(10, 20), failing)
  await shop.ticks(360)
  const all = await shop.ticks(12, names.slice(20, 30))
  assert.deepEqual(
    all.filter(({ detector }) => detector === 'common_cause'),
    [],
  )
  assert.equal(all.filter(({ severity, entity }) => severity === 'high' && entity.kind === 'service').length, 30)
})
