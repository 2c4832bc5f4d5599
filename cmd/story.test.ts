/** The story of the lost index through the real binary: an innocent deploy, eight seconds later a query without its index. One incident tells it, and its cause. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { entityLabel } from '../pipeline/vocabulary/entity.ts'
import type { Incident } from '../pipeline/vocabulary/incident.ts'
import { runProgram } from './in-process.fixture.ts'
import { playStory } from './story.fixture.ts'

/** 10:14:38 */
const onsetMs = Date.parse('2026-11-21T10:14:38Z')

function secondsAfterOnset({ observed_time }: Incident): number {
  return Number(BigInt(observed_time) / 1_000_000n - BigInt(onsetMs)) / 1_000
}

test('the lost index: one incident, whose confirmed cause is the query, and the deploy before it is ruled out', {
  timeout: 600_000,
}, async (t) => {
  const { incidents, diagnoses, file } = await playStory(t, { events: ['deploy', 'lost_index'], minutes: 16.5 })
  assert.equal(new Set(incidents.map((one) => one.incident_id)).size, 1, 'one fault is one incident')
  const seconds = secondsAfterOnset(incidents[0]!)
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

  const [id = ''] = incidents.map((one) => one.incident_id)
  const asked = async (...argv: readonly string[]) => (await runProgram([...argv, '--file', file])).stdout
  assert.match(await asked('incidents'), /^1 incident open\n[\s\S]*\n {2}confirmed: /)
  assert.match(
    await asked('diagnose', id.slice(0, 8)),
    /\nCause confirmed: query paydb SELECT payments: query\n[\s\S]*\nRecommended: /,
  )
  assert.match(
    await asked('what-changed', '2026-11-21T10:10:00Z', '2026-11-21T10:20:00Z', '--time-zone', 'UTC'),
    /^1 change\n10:14:\d\d {2}deploy {2}order 2\.15\.0 runs, before it was 2\.14\.0\n$/,
  )
})

test('with the diagnosis hanging for ever the page leaves in time', { timeout: 600_000 }, async (t) => {
  const paged: string[] = []
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => paged.push(text))
    request.on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { incidents, diagnoses } = await playStory(t, {
    events: ['lost_index'],
    minutes: 16,
    plugin: fileURLToPath(new URL('./stuck-store.fixture.ts', import.meta.url)),
    config: `
processors: { rca: { feature_store: stuck_store } }
exporters: { notify: { channels: { hook: { webhook: { url: 'http://127.0.0.1:${port}/', body: { id: '{{ incident.incident_id }}' } } } }, routes: [{ channels: [hook] }] } }
extensions: { stuck_store: {} }
service:
  extensions: [health_check, file_storage, service_catalog, state_store, feature_store, flight_recorder, stuck_store]
  pipelines:
    logs/page: { receivers: [incidents], exporters: [notify] }
`,
  })
  const [opened] = incidents
  assert.ok(opened !== undefined && secondsAfterOnset(opened) <= 60)
  assert.deepEqual([...new Set(paged.map((text) => (JSON.parse(text) as { id: string }).id))], [opened.incident_id])
  assert.ok(diagnoses.every(({ verdict }) => verdict === 'inconclusive'))
})

test('without a fault nothing is an incident, whatever is deployed; when all telemetry is lost, that is one', {
  timeout: 600_000,
}, async (t) => {
  const { incidents } = await playStory(t, { events: ['deploy'], minutes: 18, silentMinutes: 2, rate: 1 })
  const ids = [...new Set(incidents.map((one) => one.incident_id))]
  const lostMs = Date.parse('2026-11-21T10:18:00Z')
  assert.equal(ids.length, 1, incidents.map(({ title }) => title).join('\n'))
  const [blind] = incidents
  assert.match(blind!.title, /^Telemetry lost from .*all sources$/)
  assert.ok(Number(BigInt(blind!.observed_time) / 1_000_000n) >= lostMs)
})
