/**
 * Alarms a second with 500 services, one batch each and in batches of 100, and a storm of 5,000 alarms: `node connectors/incidents/incidents.bench.ts`. Each service calls two
 * that come after it; alarms are of parts of services, within ten minutes.
 */
import { type Anomaly, anomalyTypes } from '../../pipeline/vocabulary/anomaly.ts'
import { anomaly, entity, open, start, storeOf } from './stream.fixture.ts'

const services = 500
const types = anomalyTypes.filter((type) => type !== 'slo_burn' && type !== 'blind')
const calls = Array.from({ length: services }, (_, i) => i).flatMap((i) =>
  [i * 2 + 1, i * 2 + 2].filter((callee) => callee < services).map((callee) => `s${i} -> s${callee}`),
)

function alarmsOf(count: number, within: number): Anomaly[] {
  let n = 7
  const next = (below: number) => (n = (n * 48_271) % 2_147_483_647) % below
  return Array.from({ length: count }, (_, i) => {
    const service = `s${next(services)}`
    const at = start + Math.floor((i * within) / count)
    const about = i % 3 === 0 ? entity(service) : entity(`op ${i}`, 'operation', service)
    return anomaly(about, at, { type: types[next(types.length)]!, found: at + 30 })
  })
}

async function measure(name: string, count: number, size: number, within: number): Promise<void> {
  const { hear, advance, now } = await open(undefined, storeOf(...calls))
  const alarms = alarmsOf(count, within)
  const before = process.cpuUsage()
  let longest = 0
  for (let i = 0; i < count; i += size) {
    const begun = performance.now()
    await hear(...alarms.slice(i, i + size))
    longest = Math.max(longest, performance.now() - begun)
  }
  await advance(6)
  const { user, system } = process.cpuUsage(before)
  const cpuSeconds = (user + system) / 1e6
  console.log(
    `${name.padEnd(36)} ${Math.round(count / cpuSeconds)
      .toLocaleString('en')
      .padStart(
        8,
      )} alarms/s CPU  ${longest.toFixed(0).padStart(5)} ms longest batch  ${String(now().length).padStart(5)} incidents`,
  )
}

await measure('500 alarms in 10 minutes, one each', 500, 1, 600)
await measure('500 alarms in 10 minutes, 100 each', 500, 100, 600)
await measure('storm: 5,000 in a minute, 100 each', 5_000, 100, 60)
await measure('storm: 5,000 in a minute, at once', 5_000, 5_000, 60)
