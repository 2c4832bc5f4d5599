/** Observed alarms against those agreed, on p-values of entities of which nothing is wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uniforms } from '../../models/fixtures/random.ts'
import { build } from '../../pipeline/testing/build.ts'
import factory from './index.ts'
import { scoresOf, service } from './ticks.fixture.ts'

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
