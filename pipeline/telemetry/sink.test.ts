import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { parse } from 'yaml'
import { newLogs } from '../data/builders.ts'
import { caCert, clientCert, clientKey, serverCert, serverKey } from '../testing/certificates.ts'
import { grpcBackend, httpBackend } from '../testing/otlp-backend.ts'
import type { ExporterSettings } from './settings.ts'
import { openSink } from './sink.ts'
import { serviceTelemetry, telemetryKeys } from './telemetry-keys.ts'

const batch = newLogs().resource({}).record({ body: 'x' }).build()
const soon = () => AbortSignal.timeout(5_000)
function exporter(otlp: string): ExporterSettings {
  const keys = telemetryKeys.parse(parse(`{ logs: { processors: [{ simple: { exporter: { otlp: { ${otlp} } } } }] } }`))
  const [processor] = serviceTelemetry(keys).logs.processors
  assert.ok(processor)
  return processor.exporter
}

suite('sink', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-sink-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const [ca, cert, key] = [file('ca', caCert), file('cert', clientCert), file('key', clientKey)]
  const server = { cert: serverCert, key: serverKey, ca: caCert }
  after(() => rmSync(folder, { recursive: true }))

  test('what may get through later is tried again, what may not is told at once with its status', async () => {
    const backend = await httpBackend()
    const sink = openSink(exporter(`endpoint: '${backend.url}'`), 'test')
    backend.failures.push(503)
    await sink.send(batch, soon())
    assert.equal(backend.received.length, 1)
    backend.failures.push(400)
    await assert.rejects(sink.send(batch, soon()), /v1\/logs responded with HTTP Status Code 400$/)
    backend.failures.push(503, 503, 503)
    await assert.rejects(sink.send(batch, AbortSignal.timeout(100)), /Status Code 503$/)
    sink.close()
    await backend.close()
    await assert.rejects(sink.send(batch, AbortSignal.timeout(100)), /ECONNREFUSED/)
  })

  test('a path in the endpoint is used as it is, and passwords in it are not told', async () => {
    const backend = await httpBackend()
    const sink = openSink(exporter(`endpoint: '${backend.url.replace('//', '//me:s3cret@')}/otlp/v1/logs'`), 'test')
    await sink.send(batch, soon())
    backend.failures.push(400)
    await assert.rejects(sink.send(batch, soon()), ({ message }: Error) => !message.includes('s3cret'))
    sink.close()
    await backend.close()
  })

  for (const [protocol, start] of [
    ['http/protobuf', httpBackend],
    ['grpc', grpcBackend],
  ] as const) {
    // biome-ignore format: a table
    test(`${protocol} over TLS trusts the certificate that it is given, and nobody else`, async () => {
      const backend = await start(server)
      const trusting = `endpoint: '${backend.url}', protocol: ${protocol}, certificate: ${ca}`
      const sink = openSink(exporter(`${trusting}, client_certificate: ${cert}, client_key: ${key}`), 'test')
      await sink.send(batch, soon())
      assert.equal(backend.received.length, 1)
      sink.close()
      const stranger = openSink(exporter(`endpoint: '${backend.url}', protocol: ${protocol}`), 'test')
      await assert.rejects(stranger.send(batch, AbortSignal.timeout(300)))
      stranger.close()
      await backend.close()
      assert.equal(backend.received.length, 1)
    })
  }

  test('a certificate that cannot be read is told when the sink is opened', () => {
    const missing = exporter(`endpoint: 'https://localhost:1', certificate: /nowhere/ca.pem`)
    assert.throws(() => openSink(missing, 'test'), /failed to load cert \/nowhere\/ca\.pem/)
  })
})
