/** Observed alarms against those agreed, on p-values of entities of which nothing is wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uniforms } from '../../models/fixtures/random.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import factory from './index.ts'
import { scoresOf, service, Tick } from './ticks.fixture.ts'

const weekSeconds = 604_800
const start = Date.parse('2026-11-02T00:00:00Z') / 1000

interface Quiet {
  readonly entities: number
  readonly weeks: number
  readonly tickSeconds: number
  readonly p: (entity: number) => number
  readonly yaml?: string
}

/** How many alarms a week. */
async function alarmsAWeek({ entities, weeks, tickSeconds, p, yaml = '{}' }: Quiet): Promise<number> {
  const { instance, context, handle } = build(factory, yaml, { kind: 'connector' })
  await instance.start?.()
  const batch = scoresOf(Array.from({ length: entities }, (_, i) => service(`service ${i}`)))
  const end = start + weeks * weekSeconds
  for (let at = start; at < end; at += tickSeconds) await handle(batch(at, p))
  let opened = 0
  for (const [name, count] of context.recorded.sums) if (name.includes('alarms_opened')) opened += count
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  return opened / weeks
}

function isNear(observed: number, agreed: number, what: string): void {
  const ratio = observed / agreed
  assert.ok(ratio >= 0.5 && ratio <= 2, `${what}: ${observed.toFixed(1)} a week where ${agreed} were agreed`)
}

test('uniform p-values alarm as often as was agreed', async () => {
  const random = uniforms(3)
  isNear(await alarmsAWeek({ entities: 60, weeks: 6, tickSeconds: 60, p: random }), 14, 'uniform')
})

test('p-values that are ten times too small alarm as often as was agreed, within weeks', async () => {
  const random = uniforms(5)
  isNear(await alarmsAWeek({ entities: 60, weeks: 6, tickSeconds: 60, p: () => random() / 10 }), 14, 'too small')
})

test('p-values that are ten times too large alarm as often as was agreed, within weeks', async () => {
  const random = uniforms(7)
  const p = () => Math.min(1, random() * 10)
  isNear(await alarmsAWeek({ entities: 60, weeks: 6, tickSeconds: 60, p }), 14, 'too large')
})

test('windows that overlap are not several: ticks of ten seconds alarm as often as was agreed', async () => {
  const random = uniforms(11)
  const entities = 10
  const sums = new Float64Array(entities)
  const parts = new Float64Array(entities * 6)
  let tick = 0
  const p = (entity: number) => {
    if (entity === 0) tick++
    const i = entity * 6 + (tick % 6)
    const fresh = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
    sums[entity] = sums[entity]! + fresh - parts[i]!
    parts[i] = fresh
    return normalAbove(sums[entity]! / Math.sqrt(6))
  }
  isNear(await alarmsAWeek({ entities, weeks: 5, tickSeconds: 10, p }), 14, 'overlapping')
})

test('teams have budgets of their own', async () => {
  const random = uniforms(13)
  const yaml = 'tickets_per_week: 50'
  isNear(await alarmsAWeek({ entities: 60, weeks: 3, tickSeconds: 60, p: random, yaml }), 50, 'more agreed')
})

const byTenant = { originKey: ({ metadata }: Metrics['origin']) => metadata.get('tenant')?.[0] ?? '' }

/** Alarms of three tenants together a week, the last of which is an hour late. */
async function ofTenants(yaml: string, weeks: number): Promise<number> {
  const random = uniforms(17)
  const { instance, context, handle } = build(factory, yaml, { kind: 'connector', ...byTenant })
  await instance.start?.()
  const batch = scoresOf(Array.from({ length: 20 }, (_, i) => service(`service ${i}`)))
  for (let at = start; at < start + weeks * weekSeconds; at += 60)
    for (const [tenant, late] of [
      ['a', 0],
      ['b', 0],
      ['c', 3_600],
    ] as const)
      await handle(batch(at - late, random, { metadata: new Map([['tenant', [tenant]]]) }))
  let opened = 0
  for (const [name, count] of context.recorded.sums) if (name.includes('alarms_opened')) opened += count
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  return opened / weeks
}

test('a team has one budget over all tenants', async () => {
  isNear(await ofTenants('{}', 4), 14, 'together')
})

test('with budget_per_tenant each tenant has it', async () => {
  isNear(await ofTenants('budget_per_tenant: true', 2), 42, 'apart')
})

test('a budget of a predecessor goes on: of all tenants as one, of each as its own', async () => {
  for (const yaml of ['{}', 'budget_per_tenant: true']) {
    const { instance, handle, context } = build(factory, yaml, { kind: 'connector', ...byTenant })
    await instance.start?.()
    const batch = scoresOf([service('a')])
    const threshold = 'otelcol_connector_alarms_correction{rule="window",team=""}'
    for (let at = start; at < start + weekSeconds; at += 600)
      await handle(batch(at, () => 0.5, { metadata: new Map([['tenant', ['a']]]) }))
    const before = read(context, threshold)
    assert.ok(before > 10, `${before}`)
    const successor = build(factory, yaml, { kind: 'connector', ...byTenant })
    await successor.instance.restore?.((await instance.save?.()) as Uint8Array)
    await successor.instance.start?.()
    assert.equal(read(successor.context, threshold), before, yaml)
  }
})

test('what is always as strange as can be said is told within the budget where its effect is small, and always where it is large', async () => {
  for (const [observed, most] of [
    [0.2, 65],
    [3.5, 700],
  ] as const) {
    const { instance, context, handle } = build(factory, 'flap_window: 1s', { kind: 'connector' })
    await instance.start?.()
    const payment = service('payment')
    // A single strange window every half hour, for two weeks.
    for (let at = start, i = 0; at < start + 2 * weekSeconds; at += 60, i++) {
      const tick = new Tick(at)
      const isStrange = i % 30 === 29
      tick.p(payment, isStrange ? 1e-12 : 0.4)
      if (isStrange)
        tick.because(payment, at - 60, { feature: 'vigil.latency', quantile: '0.99', observed, expected: [0.04, 0.09] })
      await handle(tick.build())
    }
    const opened = context.recorded.sums.get('otelcol_connector_alarms_opened{type="slow"}') ?? 0
    const held = context.recorded.sums.get('otelcol_connector_alarms_held_back{reason="over_budget"}') ?? 0
    assert.ok(opened <= most, `${opened} of 672, ${held} held back`)
    assert.equal(opened + held, 672)
    assert.equal(held === 0, observed > 1)
    await instance.shutdown?.(AbortSignal.timeout(1_000))
  }
})

function read({ recorded }: TestContext, gauge: string): number {
  return recorded.gauges.get(gauge)?.() ?? Number.NaN
}

/** P(Z > z); relative error below 1.2e-7 (Numerical Recipes' erfc). */
function normalAbove(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.5 * x)
  const series = [
    0.170_872_77, -0.822_152_23, 1.488_515_87, -1.135_203_98, 0.278_868_07, -0.186_288_06, 0.096_784_18, 0.374_091_96,
    1.000_023_68,
  ]
  let sum = 0
  for (const coefficient of series) sum = sum * t + coefficient
  const tail = 0.5 * t * Math.exp(-x * x - 1.265_512_23 + t * sum)
  return z > 0 ? tail : 1 - tail
}

test('windows of a quarter of an hour that are looked at each minute are one reason, not fifteen', async () => {
  const random = uniforms(29)
  const last = new Map<number, number>()
  const p = (entity: number) => {
    const before = last.get(entity)
    const now = before !== undefined && random() < 14 / 15 ? before : random()
    last.set(entity, now)
    return now
  }
  // From the first day on: in weeks the budget would hold itself against whatever p say.
  const observed = await alarmsAWeek({ entities: 400, weeks: 3 / 7, tickSeconds: 60, p })
  assert.ok(observed <= 28, `${observed.toFixed(1)} a week where 14 were agreed`)
})
