/** The real binary with a real file storage, killed with an incident open. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { type Anomaly, writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { anomaly } from './stream.fixture.ts'

const folder = testFolder('incidents-kill')
const out = join(folder, 'incidents.jsonl')

const config = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
connectors: { incidents: { storage: file_storage, coalesce: 100ms } }
exporters: { file: { path: ${out}, append: true, flush_interval: 50ms } }
extensions: { file_storage: { directory: ${folder} } }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  extensions: [file_storage]
  pipelines:
    logs: { receivers: [otlp], exporters: [incidents] }
    logs/incidents: { receivers: [incidents], exporters: [file] }
`

async function send(port: number, ...alarms: readonly Anomaly[]): Promise<void> {
  const batch = eventLogs(undefined, (builder) => {
    for (const one of alarms) writeAnomaly(builder, one)
  })
  const headers = { 'content-type': 'application/x-protobuf' }
  const body = Buffer.concat(batch.chunks)
  const { status } = await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: 'POST', headers, body })
  assert.equal(status, 200)
}

/** `incident revision reason`, as they were written. */
function written(): string[] {
  if (!existsSync(out)) return []
  const words: string[] = []
  for (const line of readFileSync(out, 'utf8').split('\n')) {
    if (line === '') continue
    for (const { scopeLogs } of JSON.parse(line).resourceLogs)
      for (const { logRecords } of scopeLogs)
        for (const { attributes } of logRecords) {
          const of = new Map<string, { readonly stringValue?: string; readonly intValue?: string | number }>(
            attributes.map(({ key, value }: { key: string; value: object }) => [key, value]),
          )
          const text = (key: string) => of.get(key)?.stringValue ?? String(of.get(key)?.intValue)
          words.push(`${text('vigil.incident.id')} ${text('vigil.incident.revision')} ${text('vigil.incident.reason')}`)
        }
  }
  return words
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(condition(), `${String(condition)}: ${written().join('; ')}`)
}

test('an incident survives kill -9: it is not opened twice, and what belongs to it joins it', async () => {
  const now = Math.floor(Date.now() / 1_000)
  const slow = anomaly('payment', now - 60, { found: now })
  const first = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
  try {
    await send(await first.port('HTTP'), slow)
    await until(() => written().length === 1)
  } finally {
    await first.stop('SIGKILL')
  }
  const second = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
  try {
    const port = await second.port('HTTP')
    await send(port, slow)
    await send(port, anomaly('payment', now - 30, { type: 'failing', found: now }))
    await until(() => written().length >= 2)
  } finally {
    await second.stop()
  }
  const [opened, joined, ...more] = written()
  const id = opened!.split(' ')[0]
  assert.deepEqual([opened, joined, more], [`${id} 0 opened`, `${id} 1 joined`, []])
})
