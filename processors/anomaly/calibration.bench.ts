/**
 * Whether p is how often it happens, on days on which nothing happens: `node processors/anomaly/calibration.bench.ts [services] [days]`. Services have a day's
 * and a week's rhythm, autocorrelated noise and counting noise; each is judged once a minute.
 */
import { gaugeRows } from '../../pipeline/data/gauges.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { marks } from '../../pipeline/vocabulary/features.ts'
import { FeatureStream, Service } from './feature-stream.fixture.ts'
import factory from './index.ts'
import { placeOfSeries, places } from './score-names.ts'

const [services = 50, days = 30] = process.argv.slice(2).map(Number)
const levels = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
/** The first Monday 0:00 of a calendar in which 1970 began with one. */
const start = 169_992_000 - (169_992_000 % 60_480)

const { instance, context, handle } = build(factory, '{}')
await instance.start?.()
const stream = new FeatureStream()
const all = Array.from({ length: services }, (_, i) => new Service(`s${i}`, i + 1))
const byWeek: { rows: number; readonly below: number[] }[] = []

for (let minute = 0; minute < days * 1_440; minute++) {
  const tick = start + minute * 6
  stream.add(undefined, { name: marks.hourOfWeek, value: Math.floor((tick / 360) % 168) })
  for (const one of all) one.write(stream, tick)
  await handle(stream.batch(tick))
  const week = (byWeek[Math.floor(minute / 10_080)] ??= { rows: 0, below: levels.map(() => 0) })
  for (const { batch } of context.recorded.emitted.splice(0)) {
    for (const p of fusedOf(batch as Metrics)) {
      week.rows++
      for (const [k, level] of levels.entries()) if (p < level) week.below[k] = (week.below[k] ?? 0) + 1
    }
  }
}

function fusedOf(batch: Metrics): Float64Array {
  const rows = gaugeRows(batch)
  if (rows === undefined) throw new Error('scores begin as columns')
  return rows.value.filter((_, row) => placeOfSeries(rows.series[row] ?? 0) === places.p)
}

console.log(`${services} services, ${days} days: observed over expected rows below`)
console.log(`${''.padEnd(10)}${levels.map((level) => String(level).padStart(9)).join('')}     rows`)
const line = (name: string, rows: number, below: readonly number[]) =>
  console.log(
    `${name.padEnd(10)}${below.map((count, k) => (count / rows / (levels[k] ?? 1)).toFixed(2).padStart(9)).join('')}${String(rows).padStart(9)}`,
  )
for (const [week, { rows, below }] of byWeek.entries()) line(`week ${week + 1}`, rows, below)
const total = byWeek.reduce((sum, { rows }) => sum + rows, 0)
line(
  'all',
  total,
  levels.map((_, k) => byWeek.reduce((sum, { below }) => sum + (below[k] ?? 0), 0)),
)
