import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'

const yaml = ({ endpoint = 'localhost:0', more = '', exporter = 'nop' } = {}) => `
receivers: { otlp: { protocols: { http: { endpoint: '${endpoint}' } } } }
exporters: { ${exporter}: }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [${exporter}] } }
${more}`

const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'hi' } }] }] }] })
async function post(port: number): Promise<number> {
  const url = `http://127.0.0.1:${port}/v1/logs`
  return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status
}

test('SIGTERM and SIGINT end it with exit code 0, and it says so in the lines that people look for', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': yaml() })
    await vigil.ready()
    assert.equal(await vigil.stop(signal), 0)
    const messages = vigil.lines.map(({ msg }) => msg)
    for (const message of ['Starting vigil...', 'Starting shutdown...', 'Shutdown complete.']) {
      assert.ok(messages.includes(message), `${message} in ${messages.join('|')}`)
    }
  }
})

test('a port that is taken ends it with exit code 1 and the words of the Collector', async () => {
  const other: Server = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const vigil = new VigilProcess(['--config', 'config.yaml'], {
    'config.yaml': yaml({ endpoint: `127.0.0.1:${port}` }),
  })
  await once(vigil.child, 'close')
  other.close()
  assert.equal(await vigil.stop(), 1)
  assert.match(
    vigil.stderr,
    new RegExp(
      `^Error: cannot start pipelines: failed to start "otlp" receiver: listen tcp 127.0.0.1:${port}: bind: address already in use`,
      'm',
    ),
  )
})

test('with --watch it takes a change of the file by itself, and a broken one changes nothing', async () => {
  const vigil = new VigilProcess(['--watch', '--config', 'config.yaml'], { 'config.yaml': yaml() })
  try {
    await vigil.ready()
    const port = await vigil.port('HTTP')
    const file = join(vigil.folder, 'config.yaml')
    const rounds: [string, string][] = [
      [yaml({ exporter: 'debug' }), 'Configuration reloaded.'],
      [`${yaml()}\nservice: [`, 'The new configuration was not taken; the old one runs on.'],
      [yaml(), 'Configuration reloaded.'],
    ]
    for (const [text, message] of rounds) {
      const after = vigil.lines.length
      writeFileSync(file, text)
      await vigil.line(message, { after })
      assert.equal(await post(port), 200)
    }
  } finally {
    await vigil.stop()
  }
})

test('what a queue holds at shutdown is sent while the deadline lasts, and counted as lost after it', async () => {
  let isBroken = true
  const got: string[] = []
  const backend = createServer((request, response) => {
    request.resume().on('end', () => {
      if (!isBroken) got.push(request.url ?? '')
      response.writeHead(isBroken ? 503 : 200, { 'content-type': 'application/json' }).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const { port } = backend.address() as AddressInfo
  const config = `
receivers: { otlp: { protocols: { http: { endpoint: 'localhost:0' } } } }
exporters: { otlp_http: { endpoint: 'http://127.0.0.1:${port}', compression: none } }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
`
  const lost = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
  await lost.ready()
  assert.equal(await post(await lost.port('HTTP')), 200)
  assert.equal(await lost.stop(), 0)
  const line = lost.lines.find(({ msg }) => msg.startsWith('Exporting failed. Dropping data.'))
  assert.equal(line?.['dropped_items'], 1)

  const saved = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
  await saved.ready()
  assert.equal(await post(await saved.port('HTTP')), 200)
  await saved.line('Exporting failed. Will retry the request after interval.')
  isBroken = false
  assert.equal(await saved.stop(), 0)
  backend.close()
  assert.deepEqual(got, ['/v1/logs'])
})

test('without any configuration it says what to do', async () => {
  const vigil = new VigilProcess([])
  await once(vigil.child, 'close')
  assert.equal(await vigil.stop(), 1)
  assert.equal(vigil.stderr, 'Error: at least one config flag must be provided\n')
})

test('a closed stderr does not end it', async () => {
  const vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': yaml({ exporter: 'debug' }) })
  await vigil.ready()
  const port = await vigil.port('HTTP')
  vigil.child.stderr?.destroy()
  vigil.child.stdout?.destroy()
  for (let i = 0; i < 3; i++) assert.equal(await post(port), 200)
  assert.equal(await vigil.stop(), 0)
})
