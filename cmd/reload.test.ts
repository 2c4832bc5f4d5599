import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Client, credentials } from '@grpc/grpc-js'
import { newLogs } from '../pipeline/data/builders.ts'
import { exportLogs, GrpcLogsClient } from '../pipeline/testing/grpc-logs-client.ts'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'

/** The far end: remembers the number that each record carries. */
async function startBackend(): Promise<{ server: Server; port: number; seen: Map<number, number> }> {
  const seen = new Map<number, number>()
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { resourceLogs } = JSON.parse(Buffer.concat(parts).toString()) as Otlp
      for (const { scopeLogs } of resourceLogs) {
        for (const { logRecords } of scopeLogs) {
          for (const { body } of logRecords) {
            const number = Number(body.intValue)
            seen.set(number, (seen.get(number) ?? 0) + 1)
          }
        }
      }
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, seen }
}
interface Otlp {
  resourceLogs: { scopeLogs: { logRecords: { body: { intValue: string } }[] }[] }[]
}

function send(client: Client, from: number, count: number): Promise<void> {
  const builder = newLogs().resource({ 'service.name': 'shop' })
  for (let i = 0; i < count; i++) builder.record({ body: from + i })
  const [chunk = new Uint8Array()] = builder.build().chunks
  return exportLogs(client, chunk)
}

interface Knobs {
  port: number
  receiverLimit: number
  batchTimeout: string
  label: string
  isWithZpages: boolean
  level: string
  more: string
}
const yaml = ({ port, receiverLimit, batchTimeout, label, isWithZpages, level, more }: Knobs) => `
receivers:
  otlp: { protocols: { grpc: { endpoint: 'localhost:0', max_recv_msg_size_mib: ${receiverLimit} } } }
processors:
  batch: { timeout: ${batchTimeout} }
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:${port}
    encoding: json
    compression: none
    headers: { x-label: '${label}' }
  nop:
extensions:
  zpages: { endpoint: 'localhost:0' }
service:
  extensions: [${isWithZpages ? 'zpages' : ''}]
  telemetry: { logs: { encoding: json, level: ${level}, sampling: { enabled: false } }, metrics: { level: none } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp_http] }
${more}`

test('fifty reloads of six kinds under load lose nothing, and clients keep their connection', {
  timeout: 110_000,
}, async () => {
  const backend = await startBackend()
  const knobs: Knobs = {
    port: backend.port,
    receiverLimit: 4,
    batchTimeout: '50ms',
    label: 'a',
    isWithZpages: false,
    level: 'info',
    more: '',
  }
  const vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': yaml(knobs) })
  const file = join(vigil.folder, 'config.yaml')
  await vigil.ready()
  const client = new GrpcLogsClient(`127.0.0.1:${await vigil.port('gRPC')}`, credentials.createInsecure())

  let sent = 0
  let isDone = false
  const senders = Array.from({ length: 4 }, async () => {
    while (!isDone) {
      const from = sent
      sent += 10
      await send(client, from, 10)
    }
  })
  const kinds: ((round: number) => void)[] = [
    (round) => void (knobs.batchTimeout = `${40 + round}ms`),
    (round) => void (knobs.label = `label ${round}`),
    () => void (knobs.isWithZpages = !knobs.isWithZpages),
    (round) => void (knobs.receiverLimit = 4 + (round % 3)),
    () => void (knobs.more = knobs.more === '' ? '    traces: { receivers: [otlp], exporters: [nop] }\n' : ''),
    () => void (knobs.level = knobs.level === 'info' ? 'debug' : 'info'),
  ]
  try {
    for (let round = 0; round < 50; round++) {
      const after = vigil.lines.length
      if (round % 7 === 3) {
        writeFileSync(file, `${yaml(knobs)}\nrubbish: [`)
        vigil.child.kill('SIGHUP')
        await vigil.line('The new configuration was not taken; the old one runs on.', { after })
        continue
      }
      kinds[round % kinds.length]?.(round)
      writeFileSync(file, yaml(knobs))
      vigil.child.kill('SIGHUP')
      await vigil.line('Configuration reloaded.', { after })
    }
    isDone = true
    await Promise.all(senders)
  } finally {
    isDone = true
    client.close()
    assert.equal(await vigil.stop(), 0, vigil.stderr.slice(-2_000))
    backend.server.close()
  }
  assert.ok(sent > 1_000, `only ${sent} were sent`)
  assert.equal(backend.seen.size, sent, 'every acknowledged record arrived')
  assert.deepEqual(
    [...backend.seen].filter(([, times]) => times > 1),
    [],
    'none arrived twice',
  )
})
