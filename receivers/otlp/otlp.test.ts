import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { Rejected } from '../../pipeline/component.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { compress } from '../../pipeline/net/compression.ts'
import { Code, decodeStatus } from '../../pipeline/net/status.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { logsPayload, metricsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import { config } from './config.ts'
import factory from './index.ts'
import type { OtlpReceiver } from './receiver.ts'

const both = 'protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}'
const paths = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
}
const samples = { traces: tracesPayload(20), metrics: metricsPayload(20), logs: logsPayload(20) } as const
const signals = ['traces', 'metrics', 'logs'] as const

describeContract(factory, both)

const closers: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})

function create(yaml: string, options?: TestContextOptions) {
  const { instance, context } = build(factory, yaml, options)
  const receiver = instance as OtlpReceiver
  closers.push(() => receiver.shutdown(AbortSignal.abort()))
  return { receiver, context, recorded: context.recorded }
}
async function start(yaml = both, options?: TestContextOptions) {
  const created = create(yaml, options)
  await created.receiver.start()
  const { grpc: grpcAddress, http } = created.receiver.addresses
  return { ...created, grpcAddress: grpcAddress ?? '', url: `http://${http}` }
}

const clients = new Map<string, grpc.Client>()
function exportGrpc(
  address: string,
  signal: Signal,
  body: Uint8Array,
  metadata = new grpc.Metadata(),
): Promise<Buffer> {
  let client = clients.get(address)
  if (!client) {
    client = new grpc.Client(address, grpc.credentials.createInsecure())
    clients.set(address, client)
    closers.push(() => client?.close())
  }
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const raw = (bytes: Buffer) => bytes
  client.makeUnaryRequest(paths[signal], raw, raw, Buffer.from(body), metadata, (error, reply) =>
    error ? reject(error) : resolve(reply!),
  )
  return promise
}
const proto = { 'content-type': 'application/x-protobuf' }
const json = { 'content-type': 'application/json' }
const post = (url: string, body: Uint8Array | string, headers: Record<string, string> = proto) =>
  fetch(url, { method: 'POST', body: typeof body === 'string' ? body : Buffer.from(body), headers })
const bytesOf = (batch: Batch) => Buffer.concat(batch.chunks)

test('every signal comes in over gRPC, unchanged, with its origin', async () => {
  const { grpcAddress, recorded } = await start()
  for (const signal of signals) {
    assert.equal((await exportGrpc(grpcAddress, signal, bytesOf(samples[signal]))).length, 0)
    const last = recorded.emitted.at(-1)
    assert.equal(last?.signal, signal)
    assert.ok(bytesOf(samples[signal]).equals(bytesOf(last!.batch)))
    assert.equal(last.batch.count, samples[signal].count)
    assert.equal(last.batch.origin.transport, 'grpc')
    assert.match(last.batch.origin.address ?? '', /^127\.0\.0\.1:\d+$/)
  }
})

test('every signal comes in over HTTP, as protobuf and as JSON, and the answer has the content type of the request', async () => {
  const { url, recorded } = await start()
  for (const signal of signals)
    for (const [headers, body, answer] of [
      [proto, bytesOf(samples[signal]), ''],
      [json, writeJson(samples[signal]), '{"partialSuccess":{}}'],
      [{ 'content-type': 'Application/JSON; charset=utf-8' }, writeJson(samples[signal]), '{"partialSuccess":{}}'],
    ] as const) {
      const response = await post(`${url}/v1/${signal}`, body, headers)
      assert.deepEqual([response.status, await response.text()], [200, answer])
      assert.equal(
        response.headers.get('content-type'),
        headers === proto ? proto['content-type'] : json['content-type'],
      )
      const last = recorded.emitted.at(-1)
      assert.equal(last?.signal, signal)
      assert.equal(last.batch.count, samples[signal].count)
      assert.equal(last.batch.origin.transport, 'http')
    }
})

test('what the SDK serializes is taken', async () => {
  const { url, grpcAddress, recorded } = await start()
  const resource = { attributes: { 'service.name': 'shop' } }
  const instrumentationScope = { name: 'sdk', version: '1' }
  const span = {
    name: 'checkout',
    kind: 1,
    spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }),
    startTime: [1_700_000_000, 5],
    endTime: [1_700_000_001, 6],
    status: { code: 0 },
    attributes: { 'http.route': '/cart' },
    links: [],
    events: [],
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
  const spans = [span] as unknown as Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0]
  await exportGrpc(grpcAddress, 'traces', ProtobufTraceSerializer.serializeRequest(spans)!)
  assert.equal((await post(`${url}/v1/traces`, JsonTraceSerializer.serializeRequest(spans)!, json)).status, 200)
  for (const { batch } of recorded.emitted) {
    assert.ok(batch.signal === 'traces')
    const [read] = batch
    assert.equal(read?.name, 'checkout')
    assert.equal(read.traceId, '0af7651916cd43dd8448eb211c80319c')
    assert.equal(read.startUnixNano, 1_700_000_000_000_000_005n)
    assert.equal(read.resource.attributes.get('service.name'), 'shop')
  }
  assert.equal(recorded.emitted.length, 2)
})

test('every coding that upstream reads is read', async () => {
  const { url, grpcAddress, recorded } = await start()
  const body = bytesOf(samples.traces)
  for (const coding of ['gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed']) {
    const packed = await compress(coding, [body])
    assert.equal((await post(`${url}/v1/traces`, packed, { ...proto, 'content-encoding': coding })).status, 200, coding)
    assert.ok(body.equals(bytesOf(recorded.emitted.at(-1)!.batch)))
  }
  const client = new grpc.Client(grpcAddress, grpc.credentials.createInsecure(), {
    'grpc.default_compression_algorithm': 2,
  })
  closers.push(() => client.close())
  const raw = (bytes: Buffer) => bytes
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(paths.traces, raw, raw, body, (error) => (error ? reject(error) : resolve()))
  })
  assert.ok(body.equals(bytesOf(recorded.emitted.at(-1)!.batch)))
})

test('a request without items is answered OK and goes nowhere', async () => {
  const { url, grpcAddress, recorded } = await start()
  await exportGrpc(grpcAddress, 'traces', new Uint8Array(0))
  assert.equal((await post(`${url}/v1/traces`, '')).status, 200)
  assert.equal((await post(`${url}/v1/metrics`, '{"resourceMetrics":[{}]}', json)).status, 200)
  assert.deepEqual(recorded.emitted, [])
})

test('signals that no pipeline takes are UNIMPLEMENTED over gRPC and 404 over HTTP', async () => {
  const { url, grpcAddress } = await start(both, { signals: ['traces'] })
  await assert.rejects(exportGrpc(grpcAddress, 'logs', new Uint8Array(0)), {
    code: Code.UNIMPLEMENTED,
    details: 'unknown service opentelemetry.proto.collector.logs.v1.LogsService',
  })
  const response = await post(`${url}/v1/logs`, '')
  assert.deepEqual([response.status, await response.text()], [404, '404 page not found\n'])
})

test("a wrong path, method or content type is answered with upstream's text", async () => {
  const { url } = await start()
  const cases: readonly [string, RequestInit, number, string][] = [
    ['/nowhere', { method: 'POST', headers: proto }, 404, '404 page not found\n'],
    ['/v1/traces', {}, 405, '405 method not allowed, supported: [POST]'],
    [
      '/v1/traces',
      { method: 'POST', headers: { 'content-type': 'text/plain' } },
      415,
      '415 unsupported media type, supported: [application/json, application/x-protobuf]',
    ],
    [
      '/v1/traces',
      { method: 'POST' },
      415,
      '415 unsupported media type, supported: [application/json, application/x-protobuf]',
    ],
  ]
  for (const [path, init, status, text] of cases) {
    const response = await fetch(url + path, init)
    assert.deepEqual([response.status, await response.text()], [status, text])
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/)
  }
})

test('a body that is not OTLP is refused: INTERNAL over gRPC, as by grpc-go, and 400 over HTTP, in the format of the request', async () => {
  const { url, grpcAddress, recorded } = await start()
  const garbage = Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])
  await assert.rejects(exportGrpc(grpcAddress, 'traces', garbage), { code: Code.INTERNAL })
  const asProto = await post(`${url}/v1/traces`, garbage)
  assert.equal(asProto.status, 400)
  assert.equal(decodeStatus(new Uint8Array(await asProto.arrayBuffer())).code, Code.INVALID_ARGUMENT)
  const asJson = await post(`${url}/v1/traces`, '{"resourceSpans": 7}', json)
  assert.equal(asJson.status, 400)
  const status = (await asJson.json()) as { code: number; message: string }
  assert.equal(status.code, Code.INVALID_ARGUMENT)
  assert.notEqual(status.message, '')
  const wrongCoding = await post(`${url}/v1/traces`, 'x', { ...json, 'content-encoding': 'br' })
  assert.deepEqual(
    [wrongCoding.status, await wrongCoding.json()],
    [400, { code: 3, message: 'unsupported Content-Encoding: br' }],
  )
  assert.deepEqual(recorded.emitted, [])
})

test('what the pipeline refuses is answered as upstream does, with RetryInfo and Retry-After', async () => {
  let error: Error = new Error('unset')
  const { url, grpcAddress } = await start(both, { accept: () => Promise.reject(error) })
  const cases: readonly [Error, { grpcCode: number; http: number; retryAfter?: string; delayMs?: number }][] = [
    [new Rejected('memory is low', { retryable: true }), { grpcCode: 14, http: 503 }],
    [
      new Rejected('slow down', { retryable: true, retryAfterMs: 1_500 }),
      { grpcCode: 14, http: 503, retryAfter: '2', delayMs: 1_500 },
    ],
    [new Rejected('never', { retryable: false }), { grpcCode: 13, http: 500 }],
    [
      new Rejected('too much', { retryable: true, grpcCode: 8, retryAfterMs: 3_000 }),
      { grpcCode: 8, http: 429, retryAfter: '3', delayMs: 3_000 },
    ],
    [new Rejected('too much', { retryable: true, grpcCode: 8 }), { grpcCode: 8, http: 429, delayMs: 0 }],
    [new Rejected('who are you', { retryable: false, grpcCode: 16 }), { grpcCode: 16, http: 401 }],
    [new Rejected('no', { retryable: false, grpcCode: 7 }), { grpcCode: 7, http: 403 }],
    [new TypeError('a bug'), { grpcCode: 13, http: 500 }],
  ]
  const body = bytesOf(samples.traces)
  for (const [thrown, expected] of cases) {
    error = thrown
    const failure = (await exportGrpc(grpcAddress, 'traces', body).catch((e: unknown) => e)) as grpc.ServiceError
    assert.deepEqual([failure.code, failure.details], [expected.grpcCode, thrown.message])
    const [details] = failure.metadata.get('grpc-status-details-bin')
    assert.equal(details && decodeStatus(details as Buffer).retryDelayMs, expected.delayMs)
    const response = await post(`${url}/v1/traces`, body)
    assert.equal(response.status, expected.http)
    assert.equal(response.headers.get('retry-after'), expected.retryAfter ?? null)
    const status = decodeStatus(new Uint8Array(await response.arrayBuffer()))
    assert.deepEqual([status.code, status.message], [expected.grpcCode, thrown.message])
  }
})

test('include_metadata keeps the headers with the batch', async () => {
  const yaml = `
protocols:
  grpc: {endpoint: "127.0.0.1:0", include_metadata: true}
  http: {endpoint: "127.0.0.1:0", include_metadata: true}`
  const { url, grpcAddress, recorded } = await start(yaml)
  const metadata = new grpc.Metadata()
  metadata.set('x-tenant', 'a')
  await exportGrpc(grpcAddress, 'traces', bytesOf(samples.traces), metadata)
  await post(`${url}/v1/traces`, bytesOf(samples.traces), { ...proto, 'X-Tenant': 'a' })
  for (const { batch } of recorded.emitted) assert.deepEqual(batch.origin.metadata.get('x-tenant'), ['a'])
  assert.equal(recorded.emitted.length, 2)
})

test('the paths can be changed', async () => {
  const yaml = 'protocols: {http: {endpoint: "127.0.0.1:0", traces_url_path: my/traces}}'
  const { url, recorded } = await start(yaml)
  assert.equal((await post(`${url}/my/traces`, bytesOf(samples.traces))).status, 200)
  assert.equal((await post(`${url}/v1/traces`, bytesOf(samples.traces))).status, 404)
  assert.equal(recorded.emitted.length, 1)
})

test('JSON too large for the event loop is read by a worker, and its errors come back', async () => {
  const { url, recorded } = await start()
  const large = logsPayload(5_000)
  const text = writeJson(large)
  assert.ok(text.length > 1_048_576)
  const replies = await Promise.all([1, 2, 3].map(() => post(`${url}/v1/logs`, text, json)))
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200],
  )
  assert.deepEqual(
    recorded.emitted.map(({ batch }) => batch.count),
    [5_000, 5_000, 5_000],
  )
  assert.equal(recorded.emitted[0]?.batch.origin.transport, 'http')
  const response = await post(`${url}/v1/logs`, `${text.slice(0, -2)}!!`, json)
  assert.deepEqual([response.status, ((await response.json()) as { code: number }).code], [400, Code.INVALID_ARGUMENT])
})

test('profiles of a version that we do not know are refused', async () => {
  const { url, grpcAddress } = await start()
  const message = 'invalid or unsupported otlp-profiles-development-version: supported version is 1'
  const headers = { ...json, 'otlp-profiles-development-version': '2' }
  const response = await post(`${url}/v1development/profiles`, '{}', headers)
  assert.deepEqual([response.status, await response.json()], [400, { code: 3, message }])
  const metadata = new grpc.Metadata()
  metadata.set('otlp-profiles-development-version', '2')
  await assert.rejects(exportGrpc(grpcAddress, 'profiles', new Uint8Array(0), metadata), { code: 3, details: message })
  assert.equal((await post(`${url}/v1development/profiles`, '{}', json)).status, 200)
})

test('it listens on a unix socket, also where a crash has left one behind', async () => {
  const path = join(tmpdir(), `vigil-otlp-${process.pid}.sock`)
  const crash = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', crash])
  assert.ok(existsSync(path))
  const { receiver, recorded } = await start(`protocols: {grpc: {endpoint: "${path}", transport: unix}}`)
  await exportGrpc(`unix:${path}`, 'traces', bytesOf(samples.traces))
  assert.equal(recorded.emitted.length, 1)
  await receiver.shutdown(AbortSignal.timeout(1_000))
})

test('localhost is 127.0.0.1, as Go resolves it', async () => {
  const { receiver } = await start('protocols: {http: {endpoint: "localhost:0"}}')
  assert.match(receiver.addresses.http ?? '', /^127\.0\.0\.1:\d+$/)
})

test('an address that is taken stops the start, says so, and leaves nothing open', async () => {
  const { receiver } = await start('protocols: {http: {endpoint: "127.0.0.1:0"}}')
  const taken = receiver.addresses.http
  const second = create(`protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "${taken}"}}`)
  await assert.rejects(second.receiver.start(), { message: `listen tcp ${taken}: bind: address already in use` })
  assert.equal(second.receiver.addresses.grpc, undefined)
})

test('shutdown waits for what is in flight, then nothing listens any more', async () => {
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  const accept = () => {
    waiting++
    return gate.promise
  }
  const { receiver, url, grpcAddress, recorded } = await start(both, { accept })
  const answers = [
    exportGrpc(grpcAddress, 'traces', bytesOf(samples.traces)).then(() => 200),
    post(`${url}/v1/logs`, bytesOf(samples.logs)).then(({ status }) => status),
  ]
  while (waiting < 2) await new Promise((resolve) => setImmediate(resolve))
  const stopped = receiver.shutdown(new AbortController().signal)
  gate.resolve()
  assert.deepEqual(await Promise.all(answers), [200, 200])
  await stopped
  assert.equal(recorded.emitted.length, 2)
  await assert.rejects(fetch(`${url}/v1/logs`))
})

test('a reload keeps listeners and connections: what is in flight ends in the old pipeline, what follows goes to the new', async () => {
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  const accept = () => {
    waiting++
    return gate.promise
  }
  const before = await start(both, { accept })
  const { grpcAddress, url } = before
  const inFlight = exportGrpc(grpcAddress, 'traces', bytesOf(samples.traces))
  while (waiting === 0) await new Promise((resolve) => setImmediate(resolve))

  const next = create(both.replace('}, http', ', max_recv_msg_size_mib: 9}, http'))
  assert.equal(next.receiver.adopt(before.receiver), true)
  await next.receiver.start()
  assert.deepEqual(next.receiver.addresses, { grpc: grpcAddress, http: url.replace('http://', '') })
  const stopped = before.receiver.shutdown(new AbortController().signal)
  await exportGrpc(grpcAddress, 'traces', bytesOf(samples.traces))
  assert.equal((await post(`${url}/v1/traces`, bytesOf(samples.traces))).status, 200)
  gate.resolve()
  await inFlight
  await stopped
  assert.equal(before.recorded.emitted.length, 1)
  assert.equal(next.recorded.emitted.length, 2)
})

test('a listener at another place is not taken over', async () => {
  const before = await start('protocols: {grpc: {endpoint: "127.0.0.1:0"}}')
  const next = create('protocols: {grpc: {endpoint: "localhost:0"}}')
  assert.equal(next.receiver.adopt(before.receiver), false)
})

test("wrong settings are named with upstream's texts", () => {
  const cases: readonly [string, string][] = [
    ['protocols:', 'must specify at least one protocol when using the OTLP receiver'],
    ['protocols: {grpc: {enabled: false}}', 'must specify at least one protocol when using the OTLP receiver'],
    ['protocols: {http: {tls: {}}}', 'TLS configuration must include both certificate and key for server connections'],
    [
      'protocols: {http: {traces_url_path: "a%zz"}}',
      'invalid HTTP URL path set for signal: parse "a%zz": invalid URL escape "%zz"',
    ],
    [
      'protocols: {grpc: {max_recv_msg_size_mib: -1}}',
      'invalid max_recv_msg_size_mib value, must be between 1 and 8796093022207: -1',
    ],
  ]
  for (const [yaml, message] of cases)
    assert.throws(
      () => build(factory, yaml),
      (error: Error) => error.message.includes(message),
      yaml,
    )
})

test("protocols without a body get upstream's defaults, and those that are not named do not listen", () => {
  build(factory, 'protocols:\n  grpc:\n  http:\n')
  const { protocols } = config.parse({ protocols: { grpc: null, http: null } })
  assert.equal(protocols.grpc?.endpoint, 'localhost:4317')
  assert.equal(protocols.grpc.read_buffer_size, 524_288)
  assert.equal(protocols.grpc.tls, undefined)
  assert.equal(protocols.http?.endpoint, 'localhost:4318')
  assert.equal(protocols.http.max_request_body_size, 20_971_520)
  assert.equal(protocols.http.keepalive?.idle_timeout, 60_000)
  assert.deepEqual([protocols.http.write_timeout, protocols.http.read_header_timeout], [0, 0])
  assert.equal(config.parse({ protocols: { grpc: {} } }).protocols.http, undefined)
})
