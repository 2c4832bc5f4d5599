/**
 * `npm run drill`: a fire drill at real time. The simulated shop runs into examples/aiops.yaml in the real binary; one service after the other is made slow,
 * failing, silent, leaking, noisy in its logs, and in the end everything falls silent. How long until somebody is told, and of what?
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { newLogs } from '../../pipeline/data/builders.ts'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { localClient } from '../generate/local-client.ts'
import { readTopology } from '../simulate/topology/read.ts'
import { followAlarms, type Told } from './alarms-file.ts'
import { blindness, type Drill, drills, goalSeconds, isAnswer, restSeconds } from './drills.ts'
import { Shop } from './shop.ts'

const { values } = parseArgs({
  options: {
    'learn-minutes': { type: 'string', default: '120' },
    rate: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    config: { type: 'string', default: fileURLToPath(new URL('../../examples/aiops.yaml', import.meta.url)) },
  },
})
const learnMinutes = Number(values['learn-minutes'])
const seed = Number(values.seed)
const rate = Number(values.rate)
if (!(learnMinutes >= 10 && learnMinutes <= 1_440 && rate > 0 && rate <= 100 && Number.isInteger(seed))) {
  console.error('write --learn-minutes 10 to 1440, --rate in requests a second, 1 to 100, and --seed as a whole number')
  process.exit(2)
}

/** From the present until the first drill. */
const settleSeconds = 90
const logsPerSecond = 60

const folder = mkdtempSync(join(tmpdir(), 'vigil-drill-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const alarmsFile = join(folder, 'alarms.jsonl')
const override = `
receivers: { otlp: { protocols: { grpc: { endpoint: 'localhost:0' }, http: { endpoint: 'localhost:0' } } } }
exporters: { file/alarms: { path: ${alarmsFile}, append: true, flush_interval: 100ms } }
extensions:
  health_check: { endpoint: 'localhost:0' }
  file_storage: { directory: ${join(folder, 'storage')} }
  state_store: { path: ${join(folder, 'state.sqlite')} }
service: { telemetry: { logs: { encoding: json }, metrics: { level: none } } }
`
function startVigil(tellsTime: boolean): VigilProcess {
  const started = new VigilProcess(
    ['--config', 'aiops.yaml', '--config', 'override.yaml', ...(tellsTime ? ['--clock', 'told'] : [])],
    { 'aiops.yaml': readFileSync(values.config, 'utf8'), 'override.yaml': override },
    { tellsTime },
  )
  process.on('exit', () => started.child.kill('SIGKILL'))
  return started
}

const told: Told[] = []
const following = new AbortController()
const followed = followAlarms(alarmsFile, (one) => told.push(one), following.signal)

const topology = await readTopology(fileURLToPath(new URL('../../examples/topologies/shop.yaml', import.meta.url)))
const startMs = Date.now() - learnMinutes * 60_000
const shop = new Shop({ topology: { ...topology, users: { ...topology.users, rate } }, seed, startMs })

// What is learned is learned at full speed, by a clock that the world tells, and kept; then Vigil starts anew by the clock on the wall.
const student = startVigil(true)
await student.ready()
shop.connect(await student.port('HTTP'))
await shop.catchUp(async (unixMs) => {
  await student.tell(BigInt(Math.round(unixMs)) * 1_000_000n)
  process.stderr.write(`\rlearning: ${Math.round((Date.now() - unixMs) / 60_000)} min behind the present `)
})
await student.stop()
process.stderr.write('\n')
const vigil = startVigil(false)
await vigil.ready()
const http = await vigil.port('HTTP')
shop.connect(http)
const ending = new AbortController()
const lived = shop.live(ending.signal)
await delay(settleSeconds * 1_000)
const quietAlarms = told.filter(({ anomaly }) => anomaly.state === 'active')
console.log(`${learnMinutes} min of a quiet world to learn from, ${quietAlarms.length} alarms in it`)
for (const one of quietAlarms) console.log(`  ${line(one)}`)

const rows: { drill: Drill; onsetMs: number; told: readonly Told[] }[] = []
for (const drill of drills) {
  const onsetMs = Date.now()
  const fault = drill.fault === undefined ? undefined : shop.fail(drill.fault)
  if (fault === undefined) await sendNoise(drill)
  await delay(Math.max(0, onsetMs + drill.seconds * 1_000 - Date.now()))
  fault?.stop()
  report(drill, onsetMs)
  await delay(restSeconds * 1_000)
}
const silentMs = Date.now()
ending.abort()
await lived
await delay(blindness.seconds * 1_000)
report(blindness, silentMs)
following.abort()
await followed
await vigil.stop()
const missed = rows.filter(({ drill, onsetMs, told: during }) => !(delayOf(drill, onsetMs, during) <= goalSeconds))
console.log(
  missed.length === 0
    ? `all ${rows.length} told within ${goalSeconds} s`
    : `not told within ${goalSeconds} s: ${missed.map(({ drill }) => drill.name).join(', ')}`,
)
process.exit(missed.length === 0 ? 0 : 1)

function report(drill: Drill, onsetMs: number): void {
  const during = told.filter(({ atMs, anomaly }) => atMs >= onsetMs && anomaly.state === 'active')
  rows.push({ drill, onsetMs, told: during })
  const seconds = delayOf(drill, onsetMs, during)
  const verdict = Number.isFinite(seconds) ? `told after ${seconds.toFixed(1)} s` : 'NOT told'
  console.log(`\n${drill.name}${drill.entity === '' ? '' : ` (${drill.entity})`}: ${verdict}`)
  for (const one of during) console.log(`  +${((one.atMs - onsetMs) / 1_000).toFixed(1)} s ${line(one)}`)
}

function delayOf(drill: Drill, onsetMs: number, during: readonly Told[]): number {
  const first = during.find(({ anomaly }) => isAnswer(drill, anomaly))
  return first === undefined ? Number.POSITIVE_INFINITY : (first.atMs - onsetMs) / 1_000
}

function line({ anomaly }: Told): string {
  return `[${anomaly.type}, ${anomaly.severity}] ${entityLabel(anomaly.entity)}: ${anomaly.text}`
}

/** A service that says one thing over and over that it never said. */
async function sendNoise({ entity, seconds }: Drill): Promise<void> {
  const client = localClient({ port: http, signal: 'logs', timeoutMs: 5_000, userAgent: 'vigil-drill' })
  for (let second = 0; second < seconds; second++) {
    const builder = newLogs()
      .resource({
        'service.name': entity,
        'deployment.environment.name': 'production',
        'k8s.cluster.name': 'main',
      })
      .scope('drill')
    const now = BigInt(Date.now()) * 1_000_000n
    for (let i = 0; i < logsPerSecond; i++) {
      builder.record({
        timeUnixNano: now,
        severityNumber: 17,
        severityText: 'ERROR',
        body: `carrier gateway answered with an unreadable manifest, page ${i}`,
      })
    }
    await client.send(await client.encode(Buffer.concat(builder.build().chunks)))
    await delay(1_000)
  }
  client.close()
}
