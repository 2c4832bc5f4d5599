import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { after, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { parse } from 'yaml'
import { z } from 'zod'
import { testContext } from '../testing/context.ts'
import { compress } from './compression.ts'
import type { CallInfo, UnaryHandler } from './grpc-call.ts'
import { GrpcServer } from './grpc-server.ts'
import { grpcServerShape } from './grpc-server-keys.ts'
import { Code, decodeStatus } from './status.ts'
import { StatusError } from './status-error.ts'

const keys = z.strictObject(grpcServerShape({ endpoint: '127.0.0.1:0' }))
const echo = '/test.Echo/Say'
const closers: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})

interface Options {
  readonly yaml?: string
  readonly handler?: UnaryHandler
  readonly maxInFlightBytes?: number
}

async function serve({ yaml = '{}', handler = async (message) => message, maxInFlightBytes }: Options = {}) {
  const { clock, logger, recorded } = testContext()
  const parts = {
    settings: keys.parse(parse(yaml)),
    methods: new Map([[echo, handler]]),
    clock,
    random: () => 0.5,
    logger,
    ...(maxInFlightBytes === undefined ? {} : { maxInFlightBytes }),
  }
  const server = new GrpcServer(parts)
  await server.listen()
  closers.push(() => server.close(AbortSignal.abort()))
  return { server, clock, recorded, parts, address: server.address }
}

function connect(address: string, options: grpc.ClientOptions = {}): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    ...options,
  })
  closers.push(() => client.close())
  return client
}

function call(
  client: grpc.Client,
  message: Uint8Array,
  {
    path = echo,
    metadata = new grpc.Metadata(),
    deadline,
  }: { path?: string; metadata?: grpc.Metadata; deadline?: number } = {},
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const options = deadline === undefined ? {} : { deadline: Date.now() + deadline }
  const raw = (bytes: Buffer) => bytes
  client.makeUnaryRequest(path, raw, raw, Buffer.from(message), metadata, options, (error, reply) =>
    error ? reject(error) : resolve(reply!),
  )
  return promise
}

/** A session of our own, for what a real client would never send. */
async function raw(address: string) {
  const session = http2.connect(`http://${address}`)
  session.on('error', () => {})
  closers.push(() => session.destroy())
  await once(session, 'connect')
  return session
}
interface Answer {
  readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader
  readonly trailers: http2.IncomingHttpHeaders
  readonly code: number
}
async function send(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  ...parts: Uint8Array[]
): Promise<Answer> {
  const stream = session.request({ ':method': 'POST', ':path': echo, 'content-type': 'application/grpc', ...headers })
  let seen: Answer['headers'] = {}
  let trailers: http2.IncomingHttpHeaders = {}
  stream.on('response', (got) => void (seen = got))
  stream.on('trailers', (got) => void (trailers = got))
  stream.on('error', () => {})
  stream.resume()
  for (const part of parts) stream.write(part)
  stream.end()
  await closeOf(stream)
  return { headers: seen, trailers, code: stream.rstCode ?? 0 }
}
/** Unlike `once`, whatever the error was that it closed of. */
function closeOf(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => emitter.once('close', () => resolve()))
}
/** Lets the server's side of what the client has seen already happen. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
function frame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, message])
}
function statusIn({ headers, trailers }: Answer) {
  const from = headers['grpc-status'] === undefined ? trailers : headers
  return { code: Number(from['grpc-status']), message: decodeURIComponent(String(from['grpc-message'] ?? '')) }
}

test('a unary call of any size up to the limit comes through whole, over many DATA frames', async () => {
  const { address } = await serve()
  const client = connect(address)
  for (const size of [0, 1, 16_384, 1_000_000, 4 << 20]) {
    const body = Buffer.alloc(size, size & 255)
    assert.ok(body.equals(await call(client, body)), `${size} bytes`)
  }
})

test('many calls at once on one connection get their own answers', async () => {
  const { address } = await serve({ handler: (message) => Promise.resolve().then(() => message) })
  const client = connect(address)
  const replies = await Promise.all(Array.from({ length: 500 }, (_, i) => call(client, Buffer.from(`call ${i}`))))
  assert.deepEqual(
    replies.map(String),
    Array.from({ length: 500 }, (_, i) => `call ${i}`),
  )
})

test("a message larger than max_recv_msg_size_mib is refused with grpc-go's text, and the connection lives", async () => {
  const { address } = await serve({ yaml: 'max_recv_msg_size_mib: 1' })
  const client = connect(address)
  await assert.rejects(call(client, Buffer.alloc((1 << 20) + 1)), {
    code: Code.RESOURCE_EXHAUSTED,
    details: 'grpc: received message larger than max (1048577 vs. 1048576)',
  })
  assert.equal(String(await call(client, Buffer.from('still here'))), 'still here')
})

test('gzip and deflate of a real client, snappy and zstd frames are decompressed', async () => {
  const { address } = await serve()
  const body = Buffer.from('telemetry '.repeat(10_000))
  for (const algorithm of [1, 2])
    assert.ok(body.equals(await call(connect(address, { 'grpc.default_compression_algorithm': algorithm }), body)))
  const session = await raw(address)
  for (const [name, coding] of [
    ['snappy', 'x-snappy-framed'],
    ['snappy', 'snappy'],
    ['zstd', 'zstd'],
    ['gzip', 'gzip'],
    ['deflate', 'deflate'],
  ] as const) {
    const answer = await send(session, { 'grpc-encoding': name }, frame(await compress(coding, [body]), 1))
    assert.deepEqual(statusIn(answer), { code: 0, message: '' }, `${name} as ${coding}`)
  }
})

test('a bomb in each coding is refused, and costs no more than the limit', async () => {
  const { address } = await serve({ yaml: 'max_recv_msg_size_mib: 1' })
  const session = await raw(address)
  for (const coding of ['gzip', 'deflate', 'zstd', 'snappy'])
    assert.deepEqual(
      statusIn(
        await send(session, { 'grpc-encoding': coding }, frame(await compress(coding, [Buffer.alloc(20 << 20)]), 1)),
      ),
      { code: Code.RESOURCE_EXHAUSTED, message: 'grpc: received message after decompression larger than max 1048576' },
      coding,
    )
})

const hostile: readonly [
  string,
  http2.OutgoingHttpHeaders,
  Buffer[],
  { code: number; message: string | RegExp; status?: number },
][] = [
  ['a truncated message', {}, [frame(Buffer.from('abc'), 0, 10)], { code: 13, message: 'unexpected EOF' }],
  ['half a frame header', {}, [Buffer.from([0, 0])], { code: 13, message: 'unexpected EOF' }],
  [
    'no message at all',
    {},
    [],
    { code: 13, message: 'cardinality violation: received no request message from non-client-streaming RPC' },
  ],
  [
    'two messages',
    {},
    [frame(Buffer.from('abc')), frame(Buffer.from('abc'))],
    { code: 13, message: /^cardinality violation: received multiple/ },
  ],
  [
    'an oversized declared length',
    {},
    [frame(Buffer.from('a'), 0, 0xffffffff)],
    { code: 8, message: 'grpc: received message larger than max (4294967295 vs. 4194304)' },
  ],
  [
    'an unknown payload format',
    {},
    [frame(Buffer.from('abc'), 7)],
    { code: 13, message: 'grpc: received unexpected payload format 7' },
  ],
  [
    'the compressed flag without a coding',
    {},
    [frame(Buffer.from('abc'), 1)],
    { code: 13, message: 'grpc: compressed flag set with identity or empty encoding' },
  ],
  [
    'a coding we do not have',
    { 'grpc-encoding': 'br' },
    [frame(Buffer.from('abc'), 1)],
    { code: 12, message: 'grpc: Decompressor is not installed for grpc-encoding "br"' },
  ],
  [
    'garbage that calls itself gzip',
    { 'grpc-encoding': 'gzip' },
    [frame(Buffer.from('abc'), 1)],
    { code: 13, message: /^grpc: failed to decompress the message: gzip: / },
  ],
  [
    'a wrong content type',
    { 'content-type': 'text/plain' },
    [frame(Buffer.from('abc'))],
    { code: 3, message: 'invalid gRPC request content-type "text/plain"', status: 415 },
  ],
  [
    'a GET',
    { ':method': 'GET' },
    [],
    { code: 13, message: 'Received a HEADERS frame with :method "GET" which should be POST', status: 405 },
  ],
  ['a malformed timeout', { 'grpc-timeout': '5x' }, [], { code: 13, message: /^malformed grpc-timeout/, status: 400 }],
  ['a timeout of nothing', { 'grpc-timeout': '0n' }, [], { code: 4, message: 'context deadline exceeded' }],
  ['an unknown service', { ':path': '/no.Such/Thing' }, [], { code: 12, message: 'unknown service no.Such' }],
  [
    'an unknown method',
    { ':path': '/test.Echo/Shout' },
    [],
    { code: 12, message: 'unknown method Shout for service test.Echo' },
  ],
  ['a malformed method', { ':path': '/nothing' }, [], { code: 12, message: 'malformed method name: "/nothing"' }],
]
test("whatever a client does wrong ends its call with grpc-go's answer, and nothing else", async () => {
  const { address } = await serve()
  const session = await raw(address)
  for (const [name, headers, parts, expected] of hostile) {
    const answer = await send(session, headers, ...parts)
    const { code, message } = statusIn(answer)
    assert.equal(code, expected.code, name)
    if (typeof expected.message === 'string') assert.equal(message, expected.message, name)
    else assert.match(message, expected.message, name)
    assert.equal(answer.headers[':status'], expected.status ?? 200, name)
  }
  assert.equal(statusIn(await send(session, {}, frame(Buffer.from('fine')))).code, 0)
})

test('the content type of the answer is the one of the request', async () => {
  const { address } = await serve()
  const session = await raw(address)
  for (const type of ['application/grpc', 'application/grpc+proto']) {
    const answer = await send(session, { 'content-type': type }, frame(Buffer.from('x')))
    assert.equal(answer.headers['content-type'], type)
  }
})

test('what a handler throws becomes its status, with RetryInfo; any other error is INTERNAL and logged', async () => {
  let error: Error = new StatusError(Code.UNAVAILABLE, 'später, 50 %\n', 1_500)
  const { address, recorded } = await serve({ handler: () => Promise.reject(error) })
  const client = connect(address)
  const failure = (await call(client, Buffer.from('x')).catch((e: unknown) => e)) as grpc.ServiceError
  assert.equal(failure.code, Code.UNAVAILABLE)
  assert.equal(failure.details, 'später, 50 %\n')
  const [details] = failure.metadata.get('grpc-status-details-bin')
  assert.deepEqual(decodeStatus(details as Buffer), { code: 14, message: 'später, 50 %\n', retryDelayMs: 1_500 })
  error = new TypeError('a bug')
  await assert.rejects(call(client, Buffer.from('x')), { code: Code.INTERNAL, details: 'a bug' })
  assert.deepEqual(
    recorded.lines.map(({ level }) => level),
    ['error'],
  )
})

test('a call whose deadline passes while the handler works ends as DEADLINE_EXCEEDED', async () => {
  const work = Promise.withResolvers<Uint8Array>()
  const { address, clock } = await serve({ handler: () => work.promise })
  const answer = send(await raw(address), { 'grpc-timeout': '250m' }, frame(Buffer.from('x')))
  await until(() => clock.pendingTimers === 3) // stalled calls, keepalive, the deadline
  await clock.advance(250)
  assert.deepEqual(statusIn(await answer), { code: 4, message: 'context deadline exceeded' })
  work.resolve(new Uint8Array(0))
})

test('an aborted stream never reaches the handler, and frees what it held', async () => {
  let calls = 0
  const { address } = await serve({
    handler: async (message) => {
      calls++
      return message
    },
    maxInFlightBytes: 100_000,
  })
  const session = await raw(address)
  for (let i = 0; i < 20; i++) {
    const stream = session.request({ ':method': 'POST', ':path': echo, 'content-type': 'application/grpc' })
    stream.on('error', () => {})
    stream.write(frame(Buffer.alloc(50_000), 0, 60_000))
    await new Promise((resolve) => stream.write(Buffer.alloc(1), resolve))
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await closeOf(stream)
  }
  assert.equal(statusIn(await send(session, {}, frame(Buffer.alloc(60_000)))).code, 0)
  assert.equal(calls, 1)
})

test('a client that vanishes in the middle of a request harms nobody', async () => {
  const { address } = await serve()
  const session = await raw(address)
  const stream = session.request({ ':method': 'POST', ':path': echo, 'content-type': 'application/grpc' })
  stream.on('error', () => {})
  await new Promise((resolve) => stream.write(frame(Buffer.alloc(10), 0, 1_000), resolve))
  session.destroy()
  assert.equal(String(await call(connect(address), Buffer.from('other'))), 'other')
})

test('requests beyond the bytes a server may hold are refused as UNAVAILABLE with RetryInfo', async () => {
  const work = Promise.withResolvers<void>()
  const { address } = await serve({
    handler: (message) => work.promise.then(() => message),
    maxInFlightBytes: 100_000,
  })
  const session = await raw(address)
  const first = send(session, {}, frame(Buffer.alloc(90_000)))
  const second = await send(session, {}, frame(Buffer.alloc(20_000)))
  assert.deepEqual(statusIn(second), { code: 14, message: 'too many bytes of requests in flight' })
  work.resolve()
  assert.equal(statusIn(await first).code, 0)
  assert.equal(statusIn(await send(session, {}, frame(Buffer.alloc(90_000)))).code, 0)
})

test("include_metadata keeps names in lower case, repeated values apart, and gRPC's own headers out", async () => {
  const calls: CallInfo[] = []
  const handler: UnaryHandler = async (message, info) => {
    calls.push(info)
    return message
  }
  const { address } = await serve({ yaml: 'include_metadata: true', handler })
  const metadata = new grpc.Metadata()
  metadata.add('X-Tenant', 'a')
  metadata.add('X-Tenant', 'b')
  await call(connect(address), Buffer.from('x'), { metadata })
  const [info] = calls
  assert.deepEqual(
    info?.metadata.get('x-tenant')?.flatMap((value) => value.split(', ')),
    ['a', 'b'],
  )
  assert.deepEqual(info?.metadata.get('host'), [address])
  assert.equal(info?.metadata.has('te'), false)
  assert.match(info?.peer ?? '', /^127\.0\.0\.1:\d+$/)
})

test('a connection older than max_connection_age is drained: calls in flight finish, new ones go elsewhere', async () => {
  const work = Promise.withResolvers<void>()
  const yaml = 'keepalive: {server_parameters: {max_connection_age: 10s, max_connection_age_grace: 5s}}'
  const { address, clock } = await serve({ yaml, handler: (message) => work.promise.then(() => message) })
  const session = await raw(address)
  const answer = send(session, {}, frame(Buffer.from('x')))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const goaway = once(session, 'goaway')
  await clock.advance(10_000)
  assert.equal((await goaway)[0], 0)
  work.resolve()
  assert.equal(statusIn(await answer).code, 0)
  if (!session.destroyed) await closeOf(session)
})

test('an idle connection is drained after max_connection_idle', async () => {
  const { address, clock } = await serve({ yaml: 'keepalive: {server_parameters: {max_connection_idle: 3s}}' })
  const session = await raw(address)
  assert.equal(statusIn(await send(session, {}, frame(Buffer.from('x')))).code, 0)
  const closed = closeOf(session)
  await until(() => clock.pendingTimers === 3) // stalled calls, keepalive, idleness
  const goaway = once(session, 'goaway')
  await clock.advance(3_000)
  await goaway
  await clock.advance(5_000) // Node's client does not answer the ping that says it has heard
  await closed
})

test('a client that pings too often is sent away with ENHANCE_YOUR_CALM', async () => {
  const { address } = await serve()
  const session = await raw(address)
  const goaway = once(session, 'goaway')
  for (let i = 0; i < 5; i++) session.ping(() => {})
  const [code, , data] = (await goaway) as [number, number, Buffer]
  assert.equal(code, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
  assert.equal(String(data), 'too_many_pings')
  if (!session.destroyed) await closeOf(session)
})

test('a client that does not answer a keepalive ping is disconnected', async () => {
  const { address, clock } = await serve({ yaml: 'keepalive: {server_parameters: {time: 10s, timeout: 2s}}' })
  const [host, port] = address.split(':')
  const socket = net.connect(Number(port), host)
  closers.push(() => void socket.destroy())
  // The preface and empty SETTINGS, then silence.
  socket.write(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex')]),
  )
  socket.on('error', () => {})
  await once(socket, 'data')
  const closed = closeOf(socket)
  socket.resume()
  await clock.advance(23_000)
  await closed
})

test('a connection that never speaks HTTP/2 is closed, and a wrong preface at once', async () => {
  const { address, clock } = await serve()
  const [host, port] = address.split(':')
  const silent = net.connect(Number(port), host)
  await once(silent, 'connect')
  await once(silent, 'data')
  silent.resume()
  const closed = closeOf(silent)
  await clock.advance(120_000)
  await closed
  const wrong = net.connect(Number(port), host)
  wrong.on('error', () => {})
  wrong.resume()
  wrong.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await closeOf(wrong)
})

test('a request that stalls is ended, and one that crawls is not', async () => {
  const { address, clock } = await serve()
  const session = await raw(address)
  const stream = session.request({ ':method': 'POST', ':path': echo, 'content-type': 'application/grpc' })
  stream.on('error', () => {})
  const response = once(stream, 'response')
  await new Promise((resolve) => stream.write(frame(Buffer.alloc(1), 0, 100), resolve))
  await new Promise((resolve) => setTimeout(resolve, 20))
  await clock.advance(60_000)
  await new Promise((resolve) => stream.write(Buffer.alloc(1), resolve))
  await new Promise((resolve) => setTimeout(resolve, 20))
  await clock.advance(60_000)
  assert.equal(stream.closed, false)
  await clock.advance(60_000)
  assert.equal((await response)[0]['grpc-status'], '1')
})

test('headers beyond the limit end the request, and a storm of resets the connection', async () => {
  const { address } = await serve()
  const session = await raw(address)
  const huge = await send(session, { 'x-huge': 'x'.repeat(70_000) }, frame(Buffer.from('x')))
  assert.notEqual(huge.headers[':status'], 200)
  const attacker = await raw(address)
  const closed = closeOf(attacker)
  for (let i = 0; i < 3_000 && !attacker.destroyed; i++) {
    const stream = attacker.request({ ':method': 'POST', ':path': echo, 'content-type': 'application/grpc' })
    stream.on('error', () => {})
    stream.close(http2.constants.NGHTTP2_CANCEL)
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await closed
  assert.equal(String(await call(connect(address), Buffer.from('ok'))), 'ok')
})

test('max_concurrent_streams is announced', async () => {
  const { address } = await serve({ yaml: 'max_concurrent_streams: 7' })
  const session = http2.connect(`http://${address}`)
  closers.push(() => session.destroy())
  const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings]
  assert.equal(settings.maxConcurrentStreams, 7)
  assert.equal(settings.initialWindowSize, 8 << 20)
})

test('close lets calls in flight finish, and the deadline ends those that do not', async () => {
  const work = Promise.withResolvers<void>()
  const { address, server } = await serve({ handler: (message) => work.promise.then(() => message) })
  const answer = send(await raw(address), {}, frame(Buffer.from('x')))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const closed = server.close(new AbortController().signal)
  work.resolve()
  assert.equal(statusIn(await answer).code, 0)
  await closed

  const stuck = await serve({ handler: () => new Promise(() => {}) })
  const lost = send(await raw(stuck.address), {}, frame(Buffer.from('x')))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const deadline = new AbortController()
  const closing = stuck.server.close(deadline.signal)
  deadline.abort()
  await closing
  assert.notEqual(statusIn(await lost).code, 0)
})

test('reconfigure swaps the methods behind an open connection', async () => {
  const { address, server, parts } = await serve()
  const client = connect(address)
  assert.equal(String(await call(client, Buffer.from('a'))), 'a')
  server.reconfigure({ ...parts, methods: new Map([[echo, async () => Buffer.from('swapped')]]) })
  assert.equal(String(await call(client, Buffer.from('a'))), 'swapped')
})

test("an authenticator or a middleware that nobody offers stops the start, with upstream's text", () => {
  const { clock, logger } = testContext()
  const make = (yaml: string) =>
    new GrpcServer({ settings: keys.parse(parse(yaml)), methods: new Map(), clock, random: () => 0, logger })
  assert.throws(() => make('auth: {authenticator: oidc}'), {
    message: 'failed to resolve authenticator "oidc": authenticator not found',
  })
  assert.throws(() => make('middlewares: [{id: limit}]'), {
    message: 'failed to resolve middleware "limit": middleware not found',
  })
})

test("wrong settings are named with upstream's texts", () => {
  const messages = (yaml: string) => keys.safeParse(parse(yaml)).error?.issues.map(({ message }) => message)
  assert.deepEqual(messages('max_recv_msg_size_mib: -1'), [
    'invalid max_recv_msg_size_mib value, must be between 1 and 8796093022207: -1',
  ])
  assert.deepEqual(messages('read_buffer_size: -1'), ['read_buffer_size value must be greater than or equal to 0'])
  assert.deepEqual(messages('transport: foo'), ['unsupported transport type "foo"'])
})
