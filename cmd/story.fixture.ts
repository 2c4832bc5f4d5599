/** examples/aiops.yaml in the real binary before the simulated shop, in told time, and what it tells. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { noOrigin } from '../pipeline/data/batch.ts'
import { readOtlp } from '../pipeline/data/read-otlp.ts'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'
import { type Diagnosis, readDiagnosis } from '../pipeline/vocabulary/diagnosis.ts'
import { type Incident, readIncident } from '../pipeline/vocabulary/incident.ts'
import { Shop } from './drill/shop.ts'
import { readScenario } from './simulate/scenario/read.ts'
import { readTopology } from './simulate/topology/read.ts'

const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url))
const learnMs = 35 * 60_000
const startMs = Date.parse('2026-11-21T10:00:00Z') - learnMs
/** At least so often the time is told when no telemetry comes any more. */
const silentStepMs = 2_000

export interface Play {
  /** Those of the story that happen. */
  readonly events: readonly ('deploy' | 'lost_index')[]
  /** Minutes from ten o'clock that are played with telemetry. */
  readonly minutes: number
  /** Minutes after that in which no telemetry comes. */
  readonly silentMinutes?: number
  /** Of users' requests, a second; 3 if absent. */
  readonly rate?: number
  /** Merged over the example. */
  readonly config?: string
  readonly plugin?: string
}

export interface Told {
  readonly incidents: readonly Incident[]
  readonly diagnoses: readonly Diagnosis[]
  readonly stderr: string
  /** Where they were told. */
  readonly file: string
}

export async function playStory(t: TestContext, play: Play): Promise<Told> {
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
  const files = { 'aiops.yaml': readFileSync(example('aiops.yaml'), 'utf8'), 'override.yaml': override }
  const configs = ['aiops.yaml', 'override.yaml', ...(play.config === undefined ? [] : ['play.yaml'])]
  const vigil = new VigilProcess(
    [
      ...(play.plugin === undefined ? [] : ['--plugin', play.plugin]),
      ...configs.flatMap((name) => ['--config', name]),
      '--clock',
      'told',
    ],
    { ...files, ...(play.config === undefined ? {} : { 'play.yaml': play.config }) },
    { tellsTime: true },
  )
  t.after(() => vigil.child.kill('SIGKILL'))
  await vigil.ready()
  const topology = await readTopology(example('topologies/shop.yaml'))
  const scenario = await readScenario(example('scenarios/ten-fifteen.yaml'))
  const happens = scenario.events.filter((event) =>
    play.events.includes('fault' in event && event.fault !== undefined ? 'lost_index' : 'deploy'),
  )
  const shop = new Shop({
    topology: { ...topology, users: { ...topology.users, rate: play.rate ?? 3 } },
    seed: 1,
    startMs,
    scenario: { ...scenario, events: happens.map((event) => ({ ...event, at: event.at + learnMs })) },
  })
  t.after(() => shop.close())
  shop.connect(await vigil.port('HTTP'))
  const tell = (unixMs: number) => vigil.tell(BigInt(Math.round(unixMs)) * 1_000_000n)
  const endMs = startMs + learnMs + play.minutes * 60_000
  await shop.catchUp(tell, endMs)
  const lastMs = endMs + (play.silentMinutes ?? 0) * 60_000
  for (let at = endMs + silentStepMs; at <= lastMs; at += silentStepMs) await tell(at)
  await vigil.stop()
  if (shop.lost > 0) throw new Error(`${shop.lost} requests were not accepted:\n${vigil.stderr}`)
  return { ...readTold(told), stderr: vigil.stderr, file: told }
}

function readTold(path: string): Pick<Told, 'incidents' | 'diagnoses'> {
  const incidents: Incident[] = []
  const diagnoses: Diagnosis[] = []
  for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
    for (const record of readOtlp('logs', Buffer.from(line), 'json', noOrigin)) {
      const incident = readIncident(record)
      const diagnosis = readDiagnosis(record)
      if (incident !== undefined) incidents.push(incident)
      if (diagnosis !== undefined) diagnoses.push(diagnosis)
    }
  }
  return { incidents, diagnoses }
}
