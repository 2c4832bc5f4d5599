import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { testContext } from '../testing/context.ts'
import { compress } from './compression.ts'
import { HttpError } from './http-body.ts'
import { type HttpHandler, type HttpRequest, HttpServer } from './http-server.ts'
import { httpServerShape } from './http-server-keys.ts'

const keys = z.strictObject(httpServerShape({ endpoint: '127.0.0.1:0' }))
const closers: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})

interface Options {
  readonly yaml?: string
  readonly answer?: HttpHandler['answer']
  readonly maxInFlightBytes?: number
}
const echo: HttpHandler['answer'] = async (request) => ({ status: 200, headers: {}, body: await request.body() })

async function serve({ yaml = '{}', answer = echo, maxInFlightBytes }: Options = {}) {
  const { clock, logger, recorded } = testContext()
  const handler: HttpHandler = {
    answer,
    fail: (_request, error) => ({
      status: error instanceof HttpError ? error.status : 500,
      headers: {},
      body: (error as Error).message,
    }),
  }
  const parts = {
    settings: keys.parse(parse(yaml)),
    handler,
    clock,
    logger,
    ...(maxInFlightBytes === undefined ? {} : { maxInFlightBytes }),
  }
  const server = new HttpServer(parts)
  await server.listen()
  closers.push(() => server.close(AbortSignal.abort()))
  return { server, parts, clock, recorded, url: `http://${server.address}/x` }
}
const post = (url: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body, headers, ...(body instanceof ReadableStream ? { duplex: 'half' } : {}) })
const textOf = async (response: Response) => [response.status, await response.text()]

/** Writes by hand, and reads until the server closes or `enough` was seen. */
async function talk(url: string, text: string, enough = /\r\n\r\n/): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  let seen = ''
  socket.on('error', () => {})
  socket.write(text)
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('close', () => resolve())
  socket.on('data', (chunk) => {
    seen += String(chunk)
    if (enough.test(seen)) resolve()
  })
  await promise
  socket.destroy()
  return seen
}

test('bodies with a length and chunked bodies come through whole', async () => {
  const { url } = await serve()
  for (const size of [0, 1, 70_000, 5_000_000]) {
    const body = Buffer.alloc(size, size & 255)
    assert.ok(body.equals(Buffer.from(await (await post(url, body)).arrayBuffer())))
    assert.ok(body.equals(Buffer.from(await (await post(url, new Blob([body]).stream())).arrayBuffer())))
  }
})

test('every coding is read, an unknown one and a bad body are refused', async () => {
  const { url } = await serve()
  const body = Buffer.from('telemetry '.repeat(1_000))
  for (const coding of ['gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed', 'identity']) {
    const response = await post(url, Buffer.from(await compress(coding, [body])), { 'content-encoding': coding })
    assert.deepEqual(await textOf(response), [200, String(body)], coding)
    if (coding === 'identity') continue
    const [status, text] = await textOf(await post(url, 'not compressed at all', { 'content-encoding': coding }))
    assert.equal(status, 400, coding)
    assert.match(String(text), /^(gzip|zstd|zlib|snappy|deflate|lz4): /)
  }
  assert.deepEqual(await textOf(await post(url, 'x', { 'content-encoding': 'br' })), [
    400,
    'unsupported Content-Encoding: br',
  ])
})

test('compression_algorithms lists what is taken, the empty name being no coding', async () => {
  const { url } = await serve({ yaml: 'compression_algorithms: [gzip]' })
  assert.deepEqual(await textOf(await post(url, 'x')), [400, 'unsupported Content-Encoding: '])
  const open = await serve({ yaml: 'compression_algorithms: []' })
  assert.deepEqual(await textOf(await post(open.url, 'as it is', { 'content-encoding': 'br' })), [200, 'as it is'])
})

test('max_request_body_size holds before and after decompression, with a length and without', async () => {
  const { url } = await serve({ yaml: 'max_request_body_size: 1000' })
  const refused = [400, 'http: request body too large']
  assert.deepEqual(await textOf(await post(url, Buffer.alloc(1_000))), [200, '\0'.repeat(1_000)])
  assert.deepEqual(await textOf(await post(url, Buffer.alloc(1_001))), refused)
  assert.deepEqual(await textOf(await post(url, new Blob([Buffer.alloc(100_000)]).stream())), refused)
  for (const coding of ['gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed']) {
    const bomb = Buffer.from(await compress(coding, [Buffer.alloc(8_000)]))
    assert.ok(bomb.length < 1_000)
    assert.deepEqual(await textOf(await post(url, bomb, { 'content-encoding': coding })), refused, coding)
  }
})

test('a large body that is refused early still gets its answer', async () => {
  const { url } = await serve({ answer: async () => ({ status: 404, headers: {}, body: 'no' }) })
  assert.deepEqual(await textOf(await post(url, Buffer.alloc(10_000_000))), [404, 'no'])
})

test('headers that never end are given up after read_header_timeout', async () => {
  const { url } = await serve({ yaml: 'read_header_timeout: 200ms' })
  assert.match(await talk(url, 'POST /x HTTP/1.1\r\nHost: x\r\nX-Slow: '), /^HTTP\/1.1 408 /)
})

test('garbage and headers beyond the limit are refused, and the server lives', async () => {
  const { url } = await serve()
  assert.match(await talk(url, '\0\x01\x02 hello\r\n\r\n'), /^HTTP\/1.1 400 /)
  assert.match(
    await talk(url, `POST /x HTTP/1.1\r\nHost: x\r\nX-Huge: ${'x'.repeat(80_000)}\r\n\r\n`),
    /^HTTP\/1.1 431 /,
  )
  assert.deepEqual(await textOf(await post(url, 'fine')), [200, 'fine'])
})

test('a body that stops in the middle is given up, and what it held is free again', async () => {
  const { url, clock } = await serve({ yaml: 'write_timeout: 0', maxInFlightBytes: 1_000 })
  const head = 'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n'
  const answer = talk(url, head + 'x'.repeat(800), /minute/)
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal((await post(url, 'y'.repeat(900))).status, 503)
  await clock.advance(60_000)
  await clock.advance(60_000)
  assert.match(await answer, /^HTTP\/1.1 408 /)
  assert.equal((await post(url, 'y'.repeat(900))).status, 200)
})

test('a client that vanishes in the middle of a body harms nobody', async () => {
  const failures: unknown[] = []
  const { url } = await serve({
    answer: async (request) => {
      await request.body().catch((error: unknown) => failures.push(error))
      return { status: 200, headers: {}, body: '' }
    },
  })
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  socket.on('error', () => {})
  await new Promise<void>(
    (resolve) => void socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab', () => resolve()),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
  while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal((failures[0] as HttpError).message, 'unexpected EOF')
  assert.equal((await post(url, 'fine')).status, 200)
})

test('an error that is none of ours is 500 and logged', async () => {
  const { url, recorded } = await serve({ answer: () => Promise.reject(new TypeError('a bug')) })
  assert.deepEqual(await textOf(await post(url, 'x')), [500, 'a bug'])
  assert.deepEqual(
    recorded.lines.map(({ level }) => level),
    ['error'],
  )
})

test('metadata, the peer and response_headers', async () => {
  let seen: HttpRequest | undefined
  const answer: HttpHandler['answer'] = async (request) => {
    seen = request
    return { status: 200, headers: {}, body: '' }
  }
  const { url } = await serve({ yaml: 'include_metadata: true\nresponse_headers: {X-Server: vigil}', answer })
  const response = await post(`${url}?a=b`, '', { 'X-Tenant': 'a' })
  assert.equal(response.headers.get('x-server'), 'vigil')
  assert.deepEqual(seen?.metadata.get('x-tenant'), ['a'])
  assert.equal(seen?.path, '/x')
  assert.match(seen?.peer ?? '', /^127\.0\.0\.1:\d+$/)
  const plain = await serve({ answer })
  await post(plain.url, '')
  assert.equal(seen?.metadata.size, 0)
})

test('CORS answers preflights and marks answers, for allowed origins only', async () => {
  const yaml = `
cors:
  allowed_origins: ['https://*.example.com', 'http://localhost:3000']
  allowed_headers: [X-Tenant]
  exposed_headers: [X-Trace]
  max_age: 600`
  const { url } = await serve({ yaml })
  const preflight = (origin: string, headers: string) =>
    fetch(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
    })
  const good = await preflight('https://app.example.com', 'x-tenant')
  assert.equal(good.status, 204)
  assert.equal(good.headers.get('access-control-allow-origin'), 'https://app.example.com')
  assert.equal(good.headers.get('access-control-allow-methods'), 'POST')
  assert.equal(good.headers.get('access-control-allow-headers'), 'x-tenant')
  assert.equal(good.headers.get('access-control-max-age'), '600')
  for (const bad of [
    await preflight('https://evil.com', 'x-tenant'),
    await preflight('http://localhost:3000', 'x-other'),
  ]) {
    assert.equal(bad.status, 204)
    assert.equal(bad.headers.get('access-control-allow-origin'), null)
  }
  const actual = await post(url, 'x', { origin: 'http://localhost:3000' })
  assert.equal(actual.headers.get('access-control-allow-origin'), 'http://localhost:3000')
  assert.equal(actual.headers.get('access-control-expose-headers'), 'X-Trace')
  assert.equal(actual.headers.get('vary'), 'Origin')
})

test('keep-alive can be turned off, in the new spelling and in the old', async () => {
  for (const yaml of ['keepalive: {enabled: false}', 'keep_alives_enabled: false']) {
    const { url } = await serve({ yaml })
    const request = http.request(url, { method: 'POST', agent: new http.Agent({ keepAlive: true }) }).end('x')
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    assert.equal(response.headers.connection, 'close', yaml)
    response.resume()
  }
})

test('write_timeout ends a request that takes too long', async () => {
  const { url, clock } = await serve({ yaml: 'write_timeout: 5s', answer: () => new Promise(() => {}) })
  const answer = post(url, 'x').then(
    () => 'answered',
    () => 'cut off',
  )
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.advance(5_000)
  assert.equal(await answer, 'cut off')
})

test('close lets requests in flight finish, and the deadline ends those that do not', async () => {
  const work = Promise.withResolvers<void>()
  let calls = 0
  const answer: HttpHandler['answer'] = async () => {
    calls++
    await work.promise
    return { status: 200, headers: {}, body: 'done' }
  }
  const { url, server } = await serve({ answer })
  const response = post(url, 'x')
  while (calls === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = server.close(new AbortController().signal)
  work.resolve()
  assert.deepEqual(await textOf(await response), [200, 'done'])
  await closed

  const stuck = await serve({
    answer: () => {
      calls++
      return new Promise(() => {})
    },
  })
  const lost = post(stuck.url, 'x').then(
    () => 'answered',
    () => 'cut off',
  )
  while (calls === 1) await new Promise((resolve) => setImmediate(resolve))
  const deadline = new AbortController()
  const closing = stuck.server.close(deadline.signal)
  deadline.abort()
  await closing
  assert.equal(await lost, 'cut off')
})

test('reconfigure swaps the handler behind an open connection', async () => {
  const { url, server, parts } = await serve()
  assert.deepEqual(await textOf(await post(url, 'a')), [200, 'a'])
  const answer: HttpHandler['answer'] = async () => ({ status: 200, headers: {}, body: 'swapped' })
  server.reconfigure({ ...parts, handler: { ...parts.handler, answer } })
  assert.deepEqual(await textOf(await post(url, 'a')), [200, 'swapped'])
})
