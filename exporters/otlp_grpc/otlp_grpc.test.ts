import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { logs, manyChunks } from '../../pipeline/export/test-batches.ts'
import { decompress } from '../../pipeline/net/compression.ts'
import { encodeStatus } from '../../pipeline/net/status.ts'
import { build } from '../../pipeline/testing/build.ts'
import { caCert, serverCert, serverKey } from '../../pipeline/testing/certificates.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { rejection } from '../../pipeline/testing/rejection.ts'
import factory from './index.ts'

const logsPath = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const insecure = 'tls: {insecure: true}'

interface Call {
  readonly body: Buffer
  readonly metadata: grpc.Metadata
  readonly deadline: grpc.Deadline
}
type Answer = (call: Call) => Partial<grpc.StatusObject> | Buffer | undefined

const cleanups: (() => unknown)[] = []
after(() => Promise.all(cleanups.map((clean) => clean())))

/** A gRPC server that records; `answer` undefined = never answers. */
async function serve(
  answer: Answer = () => Buffer.alloc(0),
  port = 0,
  credentials = grpc.ServerCredentials.createInsecure(),
) {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 })
  const calls: Call[] = []
  const asIs = (bytes: Buffer) => bytes
  const method = { path: logsPath, requestStream: false, responseStream: false } as const
  const codec = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs }
  const handler: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const record = { body: call.request, metadata: call.metadata, deadline: call.getDeadline() }
    calls.push(record)
    const reply = answer(record)
    if (Buffer.isBuffer(reply)) callback(null, reply)
    else if (reply !== undefined) callback(reply)
  }
  server.addService({ Export: { ...method, ...codec } }, { Export: handler })
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, got) => (error ? reject(error) : resolve(got)))
  })
  cleanups.push(() => server.forceShutdown())
  return { calls, port: bound, stop: () => server.forceShutdown() }
}

async function open(yaml: string) {
  const built = build(factory, yaml, { id: 'otlp_grpc' })
  await built.instance.start?.()
  cleanups.push(() => void built.instance.shutdown?.(AbortSignal.abort()))
  return built
}

describeContract(factory, `endpoint: 127.0.0.1:1\n${insecure}`)

test('a batch of many chunks arrives byte for byte', async () => {
  const server = await serve()
  const { handle } = await open(`endpoint: 127.0.0.1:${server.port}\ncompression: none\n${insecure}`)
  const batch = manyChunks()
  await handle(batch)
  assert.ok(server.calls[0]?.body.equals(Buffer.concat(batch.chunks)))
})

test('memory that is used again never mixes requests', async () => {
  const server = await serve()
  const { handle } = await open(`endpoint: 127.0.0.1:${server.port}\ncompression: none\n${insecure}`)
  const batches = Array.from({ length: 40 }, (_, i) => logs(`batch ${i}`, 1 + ((i * 37) % 200), { padBytes: i * 20 }))
  for (let i = 0; i < batches.length; i += 8) await Promise.all(batches.slice(i, i + 8).map(handle))
  const sent = new Set(batches.map((batch) => Buffer.concat(batch.chunks).toString('latin1')))
  assert.deepEqual(new Set(server.calls.map(({ body }) => body.toString('latin1'))), sent)
})

test('gzip is the default and arrives as it was', async () => {
  const server = await serve()
  const { handle } = await open(`endpoint: http://127.0.0.1:${server.port}\n${insecure}`)
  const batch = manyChunks()
  await handle(batch)
  assert.ok(server.calls[0]?.body.equals(Buffer.concat(batch.chunks)))
})

// grpc-js cannot read these codings, so a bare HTTP/2 server does.
for (const [compression, coding] of [
  ['gzip', 'gzip'],
  ['zstd', 'zstd'],
  ['snappy', 'x-snappy-framed'],
] as const) {
  test(`${compression} is framed and announced as gRPC wants it`, async () => {
    const server = http2.createServer()
    const got = Promise.withResolvers<{ body: Buffer; encoding: unknown }>()
    server.on('stream', (stream, headers) => {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        got.resolve({ body: Buffer.concat(parts), encoding: headers['grpc-encoding'] })
        stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(Buffer.alloc(5))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const { handle } = await open(`endpoint: 127.0.0.1:${port}\ncompression: ${compression}\n${insecure}`)
    const batch = manyChunks()
    await handle(batch)
    const { body, encoding } = await got.promise
    assert.equal(encoding, compression)
    assert.equal(body[0], 1)
    assert.equal(body.readUInt32BE(1), body.length - 5)
    const plain = await decompress(coding, body.subarray(5), 100_000_000)
    assert.ok(Buffer.concat(batch.chunks).equals(plain))
  })
}

test('headers, user agent, the span of the export and the deadline reach the server', async () => {
  const server = await serve()
  const { instance } = await open(
    `endpoint: 127.0.0.1:${server.port}\n${insecure}\nheaders: {X-Tenant: blue, trace-bin: raw}`,
  )
  const send = instance.logs as unknown as (batch: Batch, attempt: object) => Promise<void>
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await send(logs('a'), { signal: new AbortController().signal, timeoutMs: 60_000, traceparent })
  const { metadata, deadline } = server.calls[0]!
  assert.deepEqual(metadata.get('x-tenant'), ['blue'])
  assert.deepEqual(metadata.get('trace-bin'), [Buffer.from('raw')])
  assert.deepEqual(metadata.get('traceparent'), [traceparent])
  assert.match(String(metadata.get('user-agent')[0]), /^Vigil under test\/0\.0\.0 \(linux\//)
  const leftMs = Number(deadline) - Date.now()
  assert.ok(leftMs > 50_000 && leftMs <= 61_000, `${leftMs}`)
})

const { status } = grpc
const codes: readonly (readonly [number, boolean])[] = [
  [status.CANCELLED, true],
  [status.DEADLINE_EXCEEDED, true],
  [status.ABORTED, true],
  [status.OUT_OF_RANGE, true],
  [status.UNAVAILABLE, true],
  [status.DATA_LOSS, true],
  [status.RESOURCE_EXHAUSTED, false],
  [status.INVALID_ARGUMENT, false],
  [status.UNAUTHENTICATED, false],
  [status.PERMISSION_DENIED, false],
  [status.UNIMPLEMENTED, false],
  [status.INTERNAL, false],
]
test('what is retryable is as OTLP says', async () => {
  let code = 0
  const server = await serve(() => ({ code, details: 'why' }))
  const { handle } = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  for (const [each, retryable] of codes) {
    code = each
    const refusal = await rejection(handle(logs('a')))
    assert.deepEqual([refusal.grpcCode, refusal.retryable], [each, retryable])
  }
})

test('an error reads as upstream writes it', async () => {
  const server = await serve(() => ({ code: status.INVALID_ARGUMENT, details: 'bad span' }))
  const { handle } = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  assert.equal((await rejection(handle(logs('a')))).message, 'rpc error: code = InvalidArgument desc = bad span')
})

test('RetryInfo makes ResourceExhausted retryable, after the time it names', async () => {
  const server = await serve(() => {
    const metadata = new grpc.Metadata()
    const details = encodeStatus({ code: status.RESOURCE_EXHAUSTED, message: 'full', retryDelayMs: 2_500 })
    metadata.set('grpc-status-details-bin', Buffer.from(details))
    return { code: status.RESOURCE_EXHAUSTED, details: 'full', metadata }
  })
  const { handle } = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  const refusal = await rejection(handle(logs('a')))
  assert.deepEqual([refusal.retryable, refusal.retryAfterMs], [true, 2_500])
})

test('a partial success is logged, counted as a drop, and not an error', async () => {
  const answer = Buffer.from([0x0a, 0x07, 0x08, 0x03, 0x12, 0x03, 0x62, 0x61, 0x64])
  const server = await serve(() => answer)
  const { handle, context } = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  await handle(logs('a', 5))
  assert.deepEqual(context.recorded.lines, [
    { level: 'warn', message: 'Partial success response', fields: { message: 'bad', dropped_log_records: 3 } },
  ])
  assert.deepEqual(context.recorded.drops, [{ items: 3, reason: 'partial_success', intent: 'lost' }])
})

test('an answer that cannot be read is a warning: the server has the data', async () => {
  const server = await serve(() => Buffer.from([0x0a, 0x7f, 1]))
  const { handle, context } = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  await handle(logs('a'))
  assert.equal(context.recorded.lines[0]?.level, 'warn')
})

test('without a server an attempt fails for now, and works once there is one', async () => {
  const first = await serve()
  first.stop()
  const { handle } = await open(`endpoint: 127.0.0.1:${first.port}\n${insecure}`)
  const refusal = await rejection(handle(logs('a')))
  assert.deepEqual([refusal.retryable, refusal.grpcCode], [true, status.UNAVAILABLE])
  const second = await serve(undefined, first.port)
  const giveUpMs = Date.now() + 10_000
  while (Date.now() < giveUpMs && second.calls.length === 0) {
    await handle(logs('b')).catch(() => new Promise((resolve) => setTimeout(resolve, 50)))
  }
  assert.ok(second.calls.length > 0)
})

test('wait_for_ready waits for a server that comes late', async () => {
  const first = await serve()
  first.stop()
  const { handle } = await open(`endpoint: 127.0.0.1:${first.port}\nwait_for_ready: true\n${insecure}`)
  const sent = handle(logs('a'))
  await serve(undefined, first.port)
  await sent
})

test('an aborted attempt is cancelled at the server', async () => {
  const server = await serve(() => undefined)
  const { instance } = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  const abort = new AbortController()
  const send = instance.logs as unknown as (batch: Batch, attempt: object) => Promise<void>
  const sent = rejection(send(logs('a'), { signal: abort.signal, timeoutMs: 0 }))
  while (server.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  abort.abort()
  assert.equal((await sent).grpcCode, status.CANCELLED)
})

test('TLS verifies the server by the CA that is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vigil-tls-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, caCert)
  const pair = { private_key: Buffer.from(serverKey), cert_chain: Buffer.from(serverCert) }
  const server = await serve(undefined, 0, grpc.ServerCredentials.createSsl(null, [pair]))
  const endpoint = `endpoint: https://127.0.0.1:${server.port}`
  const trusting = await open(`${endpoint}\ntls: {ca_file: ${caFile}}`)
  await trusting.handle(logs('a'))
  const careless = await open(`${endpoint}\ntls: {insecure_skip_verify: true}`)
  await careless.handle(logs('b'))
  const named = await open(`${endpoint}\ntls: {ca_file: ${caFile}, server_name_override: localhost}`)
  await named.handle(logs('c'))
  const suspicious = await open(endpoint)
  assert.equal((await rejection(suspicious.handle(logs('d')))).retryable, true)
  assert.equal(server.calls.length, 3)
})

test('an authenticator that does not exist stops the start', async () => {
  await assert.rejects(open(`endpoint: 127.0.0.1:1\n${insecure}\nauth: {authenticator: oauth2client}`), {
    message:
      'failed to resolve authenticator "oauth2client": authenticator not found; add "oauth2client" to service::extensions',
  })
})

const problems: readonly (readonly [string, string])[] = [
  ['{}', 'requires a non-empty "endpoint"'],
  ['endpoint: http://', 'requires a non-empty "endpoint"'],
  ['endpoint: localhost', 'address localhost: missing port in address'],
  ['endpoint: "::1:4317"', 'address ::1:4317: too many colons in address'],
  ['endpoint: localhost:abc', 'invalid port "abc"'],
  ['endpoint: dns:///localhost', 'address localhost: missing port in address'],
  ['endpoint: unix://', 'unix socket path cannot be empty'],
  ['endpoint: foo://x', 'unknown scheme "foo"'],
  ['endpoint: a:1\ncompression: lz4', 'unsupported compression type "lz4"'],
  ['endpoint: a:1\nbalancer_name: foo', 'invalid balancer_name: foo'],
]
for (const [yaml, message] of problems) {
  test(`refused: ${yaml.replace('\n', ', ')}`, () => {
    assert.throws(
      () => build(factory, yaml),
      (error: Error) => error.message.includes(message) || assert.fail(error.message),
    )
  })
}
