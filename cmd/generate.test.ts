import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { encodeStatus } from '../pipeline/net/status.ts'
import { startSink } from './bench/sink-server.ts'
import type { Summary } from './generate/send.ts'
import { register } from './generate.ts'
import { runCommands } from './in-process.fixture.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const vigil = (...argv: readonly string[]) => runCommands([register], argv)
async function generate(port: number, ...argv: readonly string[]): Promise<Summary & { code: number }> {
  const outcome = await vigil('generate', ...argv, '--endpoint', `127.0.0.1:${port}`, '--insecure', '--output', 'json')
  assert.notEqual(outcome.stdout, '', outcome.stderr)
  return { ...(JSON.parse(outcome.stdout) as Summary), code: outcome.code }
}

async function listen(server: Server | http.Server | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

interface GrpcReply {
  readonly trailers: http2.OutgoingHttpHeaders
  readonly body?: Uint8Array
}
/** Gives the replies one after another, the last one for ever. */
async function grpcServer(replies: readonly GrpcReply[], seen: http2.IncomingHttpHeaders[] = []): Promise<number> {
  const server = http2.createServer()
  let turn = 0
  server.on('stream', (stream, headers) => {
    seen.push(headers)
    stream.resume().on('end', () => {
      const { trailers, body } = replies[Math.min(turn++, replies.length - 1)]!
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      stream.end(body === undefined ? undefined : Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]))
    })
  })
  return listen(server)
}
async function httpServer(answer: http.RequestListener): Promise<number> {
  return listen(
    http.createServer((request, response) => void request.resume().on('end', () => answer(request, response))),
  )
}
const ok: GrpcReply = { trailers: { 'grpc-status': '0' }, body: new Uint8Array() }

describe('every signal, transport and coding arrives whole', () => {
  for (const signal of ['traces', 'metrics', 'logs'] as const)
    for (const protocol of ['grpc', 'http/protobuf'] as const)
      for (const compression of ['none', 'gzip', 'zstd'])
        test(`${signal} ${protocol} ${compression}`, async () => {
          const sink = await startSink(signal, protocol === 'grpc' ? 'grpc' : 'http')
          closers.push(() => sink.close())
          const flags = ['--protocol', protocol, '--compression', compression, '--rate', '0']
          const summary = await generate(sink.port, signal, '--total', '250', ...flags)
          assert.deepEqual(
            {
              accepted: summary.accepted,
              refused: summary.refused,
              requests: summary.requests,
              code: summary.code,
            },
            { accepted: 250, refused: 0, requests: 3, code: 0 },
          )
          assert.deepEqual({ ...sink.counts(), wireBytes: 0 }, { items: 250, requests: 3, wireBytes: 0, failure: '' })
        })
})

test('http/json sends OTLP JSON to the path of the signal', async () => {
  const seen: unknown[] = []
  const port = await listen(
    http.createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8')
      request.on('data', (part: string) => (body += part))
      request.on('end', () => {
        seen.push([request.url, request.headers['content-type'], Object.keys(JSON.parse(body) as object)])
        response.end()
      })
    }),
  )
  await generate(port, 'logs', '--protocol', 'http/json', '--total', '5')
  assert.deepEqual(seen, [['/v1/logs', 'application/json', ['resourceLogs']]])
})

test('headers and user agent go with every request', async () => {
  const seen: http2.IncomingHttpHeaders[] = []
  const port = await grpcServer([ok], seen)
  await generate(port, 'traces', '--total', '1', '--header', 'X-Tenant=acme', '--header', 'authorization=Bearer a=b')
  const [headers] = seen
  assert.equal(headers?.['x-tenant'], 'acme')
  assert.equal(headers?.['authorization'], 'Bearer a=b')
  assert.match(String(headers?.['user-agent']), /^Vigil\/0\.1\.0/)
})

test('UNAVAILABLE is retried until it is taken, and counted', async () => {
  const unavailable: GrpcReply = { trailers: { 'grpc-status': '14', 'grpc-message': 'queue%20is full' } }
  const port = await grpcServer([unavailable, unavailable, ok])
  const summary = await generate(port, 'traces', '--total', '10')
  assert.deepEqual([summary.accepted, summary.retries, summary.requests, summary.code], [10, 2, 3, 0])
  assert.deepEqual(summary.errors, { 'UNAVAILABLE: queue is full': 2 })
})

test('INVALID_ARGUMENT is refused at once, and the command fails', async () => {
  const port = await grpcServer([{ trailers: { 'grpc-status': '3', 'grpc-message': 'no' } }])
  const summary = await generate(port, 'traces', '--total', '10')
  assert.deepEqual([summary.accepted, summary.refused, summary.requests, summary.code], [0, 10, 1, 1])
})

test('RESOURCE_EXHAUSTED is retried only when the server says when', async () => {
  const details = Buffer.from(encodeStatus({ code: 8, message: 'slow down', retryDelayMs: 10 })).toString('base64')
  const trailers = { 'grpc-status': '8', 'grpc-message': 'slow down' }
  const patient = await generate(
    await grpcServer([{ trailers: { ...trailers, 'grpc-status-details-bin': details } }, ok]),
    'traces',
    '--total',
    '10',
  )
  assert.deepEqual([patient.accepted, patient.retries], [10, 1])
  const hopeless = await generate(await grpcServer([{ trailers }, ok]), 'traces', '--total', '10')
  assert.deepEqual([hopeless.refused, hopeless.retries], [10, 0])
})

test('what a partial success rejects is not counted as accepted', async () => {
  // partial_success { rejected_spans: 300, error_message: "dup" }
  const body = Uint8Array.of(10, 8, 8, 0xac, 2, 18, 3, 100, 117, 112)
  const summary = await generate(
    await grpcServer([{ ...ok, body }]),
    'traces',
    '--total',
    '1000',
    '--batch-size',
    '1000',
  )
  assert.deepEqual([summary.accepted, summary.rejected, summary.sent, summary.code], [700, 300, 1000, 1])
  assert.deepEqual(summary.errors, { dup: 1 })
})

test('a partial success in JSON counts, too', async () => {
  const port = await httpServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"partialSuccess":{"rejectedLogRecords":"4","errorMessage":"too old"}}')
  })
  const summary = await generate(port, 'logs', '--protocol', 'http/json', '--total', '10')
  assert.deepEqual([summary.accepted, summary.rejected, summary.errors], [6, 4, { 'too old': 1 }])
})

test('HTTP 503 is retried after Retry-After, HTTP 400 is not', async () => {
  let turn = 0
  const busy = await httpServer((_request, response) => {
    if (turn++ === 0) response.writeHead(503, { 'retry-after': '0' })
    response.end()
  })
  const summary = await generate(busy, 'metrics', '--protocol', 'http/protobuf', '--total', '10')
  assert.deepEqual([summary.accepted, summary.retries], [10, 1])
  const strict = await httpServer((_request, response) => response.writeHead(400).end('what is this'))
  const refused = await generate(strict, 'metrics', '--protocol', 'http/protobuf', '--total', '10')
  assert.deepEqual([refused.refused, refused.errors], [10, { 'HTTP 400: what is this': 1 }])
})

test('a port where nobody listens ends after the retries and says what to do', async () => {
  const server = createServer()
  const port = await listen(server)
  server.close()
  const argv = ['--endpoint', `127.0.0.1:${port}`, '--insecure', '--total', '10', '--max-retries', '1']
  for (const protocol of ['grpc', 'http/protobuf']) {
    const { code, stdout, stderr } = await vigil('generate', 'traces', ...argv, '--protocol', protocol)
    assert.equal(code, 1)
    assert.match(stdout, /^refused {3}10$/m)
    assert.match(stderr, /ECONNREFUSED.*\nNobody listens there: start a Collector/)
  }
})

test('a port that speaks HTTP/1 is not taken for a gRPC server', async () => {
  const port = await httpServer((_request, response) => response.end())
  const summary = await generate(port, 'traces', '--total', '1', '--max-retries', '0')
  assert.deepEqual([summary.refused, summary.code], [1, 1])
})

test('a server that never answers is given up after the timeout', async () => {
  const server = http2.createServer()
  server.on('stream', (stream) => stream.on('error', () => {}))
  const port = await listen(server)
  const summary = await generate(port, 'traces', '--total', '1', '--timeout', '50ms', '--max-retries', '0')
  assert.deepEqual(summary.errors, { 'no answer within 50 ms': 1 })
})

test('the rate is kept over all workers', async () => {
  const sink = await startSink('logs', 'grpc')
  closers.push(() => sink.close())
  const flags = ['--duration', '600ms', '--rate', '1000', '--batch-size', '20', '--workers', '3']
  const { accepted } = await generate(sink.port, 'logs', ...flags)
  assert.ok(accepted > 0 && accepted <= 640, String(accepted))
  assert.equal(sink.counts().items, accepted)
})

test('SIGINT ends it with the summary of what was sent', async () => {
  const sink = await startSink('traces', 'grpc')
  closers.push(() => sink.close())
  const running = generate(sink.port, 'traces', '--duration', '60s', '--rate', '200', '--batch-size', '10')
  while (sink.counts().requests === 0) await new Promise((resolve) => setImmediate(resolve))
  process.emit('SIGINT')
  const summary = await running
  assert.equal(summary.accepted, sink.counts().items)
  assert.equal(summary.code, 0)
  assert.ok(summary.seconds < 10)
})

describe('wrong flags are refused before anything is sent', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['generate', 'spans'], /Allowed choices are traces, metrics, logs/],
    [['generate', 'traces', '--rate', '-1'], /whole number of at least 0/],
    [['generate', 'traces', '--workers', '0'], /whole number from 1 to 1000/],
    [['generate', 'traces', '--duration', '10'], /missing unit in duration.*write it as 10s/],
    [['generate', 'traces', '--protocol', 'udp'], /Allowed choices are grpc, http\/protobuf, http\/json/],
    [['generate', 'traces', '--header', 'novalue'], /Write it as key=value/],
    [['generate', 'traces', '--endpoint', 'a b'], /write it as host:port/],
    [['generate', 'traces', '--endpoint', 'https://x:1', '--insecure'], /drop one of them/],
  ]
  for (const [argv, message] of cases)
    test(argv.slice(1).join(' '), async () => {
      const { code, stderr } = await vigil(...argv)
      assert.equal(code, 1)
      assert.match(stderr, message)
    })
})
