/** The story of the lost index through the real binary: an innocent deploy, eight seconds later a query without its index. One incident tells it, and its cause. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { noOrigin } from '../pipeline/data/batch.ts'
import { readOtlp } from '../pipeline/data/read-otlp.ts'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'
import { type Diagnosis, readDiagnosis } from '../pipeline/vocabulary/diagnosis.ts'
import { entityLabel } from '../pipeline/vocabulary/entity.ts'
import { type Incident, readIncident } from '../pipeline/vocabulary/incident.ts'
import { Shop } from './drill/shop.ts'
import { readScenario } from './simulate/scenario/read.ts'
import { readTopology } from './simulate/topology/read.ts'

const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url))
const learnMs = 35 * 60_000
const storyMs = 16.5 * 60_000
/** 10:14:38 */
const onsetMs = Date.parse('2026-11-21T10:14:38Z')

test('the lost index: one incident, whose confirmed cause is the query', { timeout: 600_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-story-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const told = join(folder, 'incidents.jsonl')
  const override = `
receivers: { otlp: { protocols: { grpc: { endpoint: 'localhost:0' }, http: { endpoint: 'localhost:0' } } } }
exporters:
  file/alarms: { path: ${join(folder, 'alarms.jsonl')} }
  file/kept: { path: ${join(folder, 'kept.jsonl')} }
  file/incidents: { path: ${told}, flush_interval: 50ms }
extensions:
  health_check: { endpoint: 'localhost:0' }
  file_storage: { directory: ${join(folder, 'storage')} }
  state_store: { path: ${join(folder, 'state.sqlite')} }
  flight_recorder: { directory: ${join(folder, 'recorder')} }
service: { telemetry: { logs: { encoding: json }, metrics: { level: none } } }
`
  const vigil = new VigilProcess(
    ['--config', 'aiops.yaml', '--config', 'override.yaml', '--clock', 'told'],
    { 'aiops.yaml': readFileSync(example('aiops.yaml'), 'utf8'), 'override.yaml': override },
    { tellsTime: true },
  )
  t.after(() => vigil.child.kill('SIGKILL'))
  await vigil.ready()
  const topology = await readTopology(example('topologies/shop.yaml'))
  const scenario = await readScenario(example('scenarios/ten-fifteen.yaml'))
  const startMs = Date.parse('2026-11-21T10:00:00Z') - learnMs
  const shop = new Shop({
    topology: { ...topology, users: { ...topology.users, rate: 3 } },
    seed: 1,
    startMs,
    scenario: { ...scenario, events: scenario.events.map((event) => ({ ...event, at: event.at + learnMs })) },
  })
  t.after(() => shop.close())
  shop.connect(await vigil.port('HTTP'))
  await shop.catchUp((unixMs) => vigil.tell(BigInt(Math.round(unixMs)) * 1_000_000n), startMs + learnMs + storyMs)
  await vigil.stop()
  assert.equal(shop.lost, 0)

  const incidents: Incident[] = []
  const diagnoses: Diagnosis[] = []
  for (const line of readFileSync(told, 'utf8').split('\n').filter(Boolean)) {
    for (const record of readOtlp('logs', Buffer.from(line), 'json', noOrigin)) {
      const incident = readIncident(record)
      const diagnosis = readDiagnosis(record)
      if (incident !== undefined) incidents.push(incident)
      if (diagnosis !== undefined) diagnoses.push(diagnosis)
    }
  }
  assert.equal(new Set(incidents.map((one) => one.incident_id)).size, 1, 'one fault is one incident')
  const opened = incidents[0]!
  const seconds = Number(BigInt(opened.observed_time) / 1_000_000n - BigInt(onsetMs)) / 1_000
  assert.ok(seconds > 0 && seconds <= 60, `opened ${seconds} s after the onset`)
  assert.ok(diagnoses.length > 0)
  const last = diagnoses.at(-1)!
  const [cause] = last.causes
  assert.equal(last.verdict, 'confirmed', last.text)
  assert.equal(cause && entityLabel(cause.entity), 'query paydb SELECT payments')
  assert.equal(cause?.hypothesis, 'query')
  assert.match(last.recommendation ?? '', /An index on .*payments.* would serve it/)
  const deploy = last.ruled_out.find(({ entity }) => entityLabel(entity) === 'order')
  assert.equal(deploy?.hypothesis, 'deploy', JSON.stringify(last.ruled_out))
  assert.match(deploy?.text ?? '', /^deploy of order 2\.15\.0, \d+ s (before|after) the onset: /)
  const checkout = last.affected.find(({ operation }) => operation.name === 'POST /checkout')
  assert.ok(checkout !== undefined && checkout.share > 0.7, JSON.stringify(last.affected))
})
