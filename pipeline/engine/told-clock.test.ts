import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { VigilProcess } from '../testing/vigil-process.ts'

const config = `
receivers: { otlp: { protocols: { http: { endpoint: 'localhost:0' } } } }
processors: { batch: { timeout: 1h } }
exporters: { debug: {} }
service:
  telemetry: { metrics: { level: none }, logs: { encoding: json } }
  pipelines: { logs: { receivers: [otlp], processors: [batch], exporters: [debug] } }
`
const record = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }] })

test('with --clock told an hour of the world passes when the parent says so', { timeout: 60_000 }, async (t) => {
  const vigil = new VigilProcess(
    ['--config', 'config.yaml', '--clock', 'told'],
    { 'config.yaml': config },
    { tellsTime: true },
  )
  t.after(() => vigil.stop())
  await vigil.ready()
  const begin = 1_700_000_000_000_000_000n
  await vigil.tell(begin)
  const sent = await fetch(`http://localhost:${await vigil.port('HTTP')}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: record,
  })
  assert.equal(sent.status, 200)
  const isExported = () => vigil.lines.some((line) => line['log records'] === 1)
  await vigil.tell(begin + 3_599_000_000_000n)
  assert.equal(isExported(), false)
  await vigil.tell(begin + 3_601_000_000_000n)
  await vigil.line('Logs')
  assert.equal(isExported(), true)
  assert.equal(await vigil.stop(), 0)
})

test('--clock told without a parent who tells it says what is missing', async (t) => {
  const vigil = new VigilProcess(['--config', 'config.yaml', '--clock', 'told'], { 'config.yaml': config })
  t.after(() => vigil.stop())
  await once(vigil.child, 'exit')
  assert.match(vigil.stderr, /--clock told needs a parent process that tells the time over an IPC channel/)
})
