/** Two real processes, an agent and a gateway: mutual TLS, credentials, a unix socket, and all of their files replaced while data flows. */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import tls from 'node:tls'
import { noOrigin } from '../pipeline/data/batch.ts'
import { newLogs } from '../pipeline/data/builders.ts'
import { readOtlp } from '../pipeline/data/read-otlp.ts'
import {
  caCert,
  clientCert,
  clientKey,
  serverCert,
  serverKey,
  strangerCert,
  strangerKey,
} from '../pipeline/testing/certificates.ts'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'

const gatewayYaml = (sink: number) => `
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: localhost:0
        tls: { cert_file: cert, key_file: key, client_ca_file: clients, client_ca_file_reload: true, reload_interval: 200ms }
        auth: { authenticator: bearertokenauth }
      http:
        endpoint: localhost:0
        tls: { cert_file: cert, key_file: key, reload_interval: 200ms }
        auth: { authenticator: basicauth }
        middlewares: [{ id: memory_limiter }]
  otlp/unix: { protocols: { grpc: { endpoint: gateway.sock, transport: unix } } }
processors: { batch: { timeout: 1ms } }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:${sink}", compression: none } }
extensions:
  bearertokenauth: { filename: tokens }
  basicauth: { htpasswd: { file: htpasswd } }
  memory_limiter: { check_interval: 1s, limit_mib: 4000 }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  extensions: [bearertokenauth, basicauth, memory_limiter]
  pipelines: { logs: { receivers: [otlp, otlp/unix], processors: [batch], exporters: [otlp_http] } }
`
const agentYaml = (grpc: number, http: number, socket: string) => `
receivers: { otlp: { protocols: { http: { endpoint: localhost:0 } } } }
exporters:
  otlp_grpc:
    endpoint: localhost:${grpc}
    tls: { ca_file: ca, cert_file: cert, key_file: key, reload_interval: 200ms }
    auth: { authenticator: bearer_token_auth }
    retry_on_failure: { initial_interval: 100ms, max_interval: 500ms }
  otlp_http:
    endpoint: https://localhost:${http}
    tls: { ca_file: ca }
    auth: { authenticator: basic_auth }
    retry_on_failure: { initial_interval: 100ms, max_interval: 500ms }
  otlp_grpc/unix:
    endpoint: unix://${socket}
    tls: { insecure: true }
extensions:
  bearer_token_auth: { filename: token }
  basic_auth: { client_auth: { username: agent, password_file: password } }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  extensions: [bearer_token_auth, basic_auth]
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc, otlp_http, otlp_grpc/unix] } }
`

test('an agent and a gateway go on while certificates, tokens and passwords are replaced', async () => {
  const received: string[] = []
  const sink = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const items = readOtlp('logs', new Uint8Array(Buffer.concat(parts)), 'proto', noOrigin)
      for (const { body } of items) received.push(body as string)
      response.end()
    })
  })
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const gateway = new VigilProcess(['--config', 'config.yaml'], {
    'config.yaml': gatewayYaml((sink.address() as AddressInfo).port),
    cert: serverCert,
    key: serverKey,
    clients: caCert,
    tokens: 'first',
    htpasswd: 'agent:one',
  })
  const [grpc, http] = [await gateway.port('gRPC'), await gateway.port('HTTP')]
  await gateway.ready()
  const agent = new VigilProcess(['--config', 'config.yaml'], {
    'config.yaml': agentYaml(grpc, http, join(gateway.folder, 'gateway.sock')),
    ca: caCert,
    cert: clientCert,
    key: clientKey,
    token: 'first',
    password: 'one',
  })
  const port = await agent.port('HTTP')
  await agent.ready()
  const send = async (name: string) => {
    const body = Buffer.concat(newLogs().resource({}).record({ body: name }).build().chunks)
    const headers = { 'content-type': 'application/x-protobuf' }
    assert.equal((await fetch(`http://localhost:${port}/v1/logs`, { method: 'POST', headers, body })).status, 200)
    const deadline = Date.now() + 15_000
    while (received.filter((one) => one === name).length < 3) {
      assert.ok(
        Date.now() < deadline,
        `${name} came ${received.filter((one) => one === name).length} times of 3:\n${agent.stderr}`,
      )
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  /** As tools replace files: whole. */
  const replace = (vigil: VigilProcess, name: string, content: string) => {
    writeFileSync(join(vigil.folder, `${name}.new`), content)
    renameSync(join(vigil.folder, `${name}.new`), join(vigil.folder, name))
  }
  const hasRead = (vigil: VigilProcess, after: number, file: string) =>
    vigil.line(/^Read a file again/, { after }).then((line) => assert.equal(line['file'], file))

  await send('before')

  // Both sides in turn, as an operator does it: first the server takes the new, then the clients use it.
  let after = gateway.lines.length
  replace(gateway, 'tokens', 'first\nsecond')
  await hasRead(gateway, after, 'tokens')
  after = gateway.lines.length
  replace(gateway, 'htpasswd', 'agent:two')
  await hasRead(gateway, after, 'htpasswd')
  after = agent.lines.length
  replace(agent, 'token', 'second')
  await hasRead(agent, after, 'token')
  after = agent.lines.length
  replace(agent, 'password', 'two')
  await hasRead(agent, after, 'password')
  await send('other credentials')

  replace(gateway, 'clients', strangerCert)
  replace(gateway, 'key', clientKey)
  replace(gateway, 'cert', clientCert)
  replace(agent, 'key', strangerKey)
  replace(agent, 'cert', strangerCert)
  while ((await nameOf(http)) !== 'client') await new Promise((resolve) => setTimeout(resolve, 50))
  await send('other certificates')

  assert.deepEqual(await agent.stop(), 0)
  assert.deepEqual(await gateway.stop(), 0)
  sink.close()
  sink.closeAllConnections()
  assert.equal(received.length, 9)
  const output = agent.stderr + gateway.stderr
  for (const secret of ['first', 'second', 'PRIVATE KEY']) assert.ok(!output.includes(secret), `${secret} in the log`)
})

/** Of the certificate that a server shows. */
function nameOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: 'localhost', ca: caCert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
