import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort, freePorts } from '../pipeline/testing/free-ports.ts'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'

const yaml = (port: number, metrics: number, path = './out.jsonl', more = '') => `
receivers: { otlp: { protocols: { http: { endpoint: 'localhost:${port}' } } } }
processors: { batch: { timeout: 50ms } }
exporters: { file: { path: ${path} }, file/two: { path: ./two.jsonl } }
service:
  telemetry:
    logs: { encoding: json }
    metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metrics} } } } }] }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [file] }
${more}`

async function post(port: number, number: number): Promise<number> {
  const body = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { intValue: String(number) } }] }] }] }
  const answer = await fetch(`http://127.0.0.1:${port}/v1/logs`, {
    method: 'POST',
    // A connection of its own each time: the system spreads connections over the workers.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  })
  return answer.status
}
function numbersIn(file: string): number[] {
  return [...readFileSync(file, 'utf8').matchAll(/"intValue":"(\d+)"/g)]
    .map(([, text]) => Number(text))
    .sort((a, b) => a - b)
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('two workers receive behind one port, the owner batches and writes, and nothing is lost over a reload', async () => {
  const [port = 0, metrics = 0] = await freePorts(2)
  const vigil = new VigilProcess(['--workers', '2', '--config', 'config.yaml'], { 'config.yaml': yaml(port, metrics) })
  try {
    const ready = await vigil.ready()
    const started = vigil.lines.filter(({ msg }) => msg === 'Started the HTTP server.').map(({ worker }) => worker)
    assert.deepEqual(new Set(started), new Set([1, 2]))
    assert.ok(vigil.lines.indexOf(ready) > vigil.lines.findLastIndex(({ msg }) => msg === 'Started the HTTP server.'))

    for (const n of range(0, 60)) assert.equal(await post(port, n), 200)
    const after = vigil.lines.length
    const file = join(vigil.folder, 'config.yaml')
    writeFileSync(
      file,
      yaml(port, metrics, './out.jsonl', '    logs/two: { receivers: [otlp], exporters: [file/two] }\n'),
    )
    vigil.child.kill('SIGHUP')
    const reloading = range(60, 120).map((n) => post(port, n))
    await vigil.line('Configuration reloaded.', { after })
    assert.deepEqual(new Set(await Promise.all(reloading)), new Set([200]))
    for (const n of range(120, 160)) assert.equal(await post(port, n), 200)

    writeFileSync(file, yaml(port, metrics, './out.jsonl', 'rubbish: 1\n'))
    vigil.child.kill('SIGHUP')
    await vigil.line('The new configuration was not taken; the old one runs on.', { after })
    for (const n of range(160, 200)) assert.equal(await post(port, n), 200)

    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    const accepted = /^otelcol_receiver_accepted_log_records\{receiver="otlp",transport="http"\} (\d+)$/m.exec(
      text,
    )?.[1]
    assert.ok(Number(accepted) >= 200, `accepted ${accepted}`)
  } finally {
    const exit = new Promise((resolve) => vigil.child.once('exit', resolve))
    vigil.child.kill('SIGTERM')
    await exit
  }
  assert.deepEqual(numbersIn(join(vigil.folder, 'out.jsonl')), range(0, 200))
  const two = numbersIn(join(vigil.folder, 'two.jsonl'))
  assert.deepEqual(two.slice(-80), range(120, 200))
  assert.equal(await vigil.stop(), 0)
})

test('a worker that cannot start is a start error', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const vigil = new VigilProcess(['--workers', '2', '--config', 'config.yaml'], {
    'config.yaml': yaml(port, await freePort()),
  })
  await once(vigil.child, 'close')
  other.close()
  assert.equal(await vigil.stop(), 1)
  assert.match(
    vigil.stderr,
    /^Error: cannot start pipelines: failed to start "otlp" receiver: listen tcp localhost:\d+: bind: address already in use/m,
  )
})
