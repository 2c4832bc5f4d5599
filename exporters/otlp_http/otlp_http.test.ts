import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { logs, manyChunks } from '../../pipeline/export/test-batches.ts'
import { decompress } from '../../pipeline/net/compression.ts'
import { encodeStatus } from '../../pipeline/net/status.ts'
import { build } from '../../pipeline/testing/build.ts'
import { caCert, serverCert, serverKey } from '../../pipeline/testing/certificates.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { rejection } from '../../pipeline/testing/rejection.ts'
import factory from './index.ts'

interface Request {
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  readonly socket: net.Socket
}
type Answer = (response: http.ServerResponse, request: Request) => void

const cleanups: (() => unknown)[] = []
after(() => Promise.all(cleanups.map((clean) => clean())))

async function listen(server: http.Server | https.Server | net.Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  if (server instanceof http.Server) cleanups.push(() => server.closeAllConnections())
  return (server.address() as AddressInfo).port
}

function recorder(requests: Request[], answer: Answer): http.RequestListener {
  return (incoming, response) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      const { url = '', headers, socket } = incoming
      const request = { url, headers, socket, body: Buffer.concat(parts) }
      requests.push(request)
      answer(response, request)
    })
  }
}

/** An HTTP server that records. */
async function serve(answer: Answer = (response) => response.end(), port = 0) {
  const requests: Request[] = []
  const server = http.createServer(recorder(requests, answer))
  const bound = await listen(server, port)
  return { requests, server, port: bound, endpoint: `endpoint: http://127.0.0.1:${bound}` }
}

async function open(yaml: string) {
  const built = build(factory, yaml, { id: 'otlp_http', signals: ['logs'] })
  await built.instance.start?.()
  cleanups.push(() => built.instance.shutdown?.(AbortSignal.abort()))
  return built
}

describeContract(factory, 'endpoint: http://127.0.0.1:1')

test('a batch of many chunks arrives byte for byte, with its length', async () => {
  const { requests, endpoint } = await serve()
  const { handle } = await open(`${endpoint}\ncompression: none`)
  const batch = manyChunks()
  await handle(batch)
  const { url, headers, body } = requests[0]!
  assert.ok(body.equals(Buffer.concat(batch.chunks)))
  assert.equal(url, '/v1/logs')
  assert.equal(headers['content-length'], String(batch.byteLength))
  assert.equal(headers['content-type'], 'application/x-protobuf')
  assert.equal(headers['content-encoding'], undefined)
  assert.match(headers['user-agent'] ?? '', /^Vigil under test\/0\.0\.0 \(linux\//)
})

for (const coding of ['gzip', 'zlib', 'deflate', 'snappy', 'x-snappy-framed', 'zstd', 'lz4']) {
  test(`${coding} is announced and arrives as it was`, async () => {
    const { requests, endpoint } = await serve()
    const { handle } = await open(`${endpoint}\ncompression: ${coding}`)
    const batch = manyChunks()
    await handle(batch)
    const { headers, body } = requests[0]!
    assert.equal(headers['content-encoding'], coding)
    assert.ok(Buffer.concat(batch.chunks).equals(await decompress(coding, body, 100_000_000)))
  })
}

test('gzip is the default', async () => {
  const { requests, endpoint } = await serve()
  const { handle } = await open(endpoint)
  await handle(logs('a'))
  assert.equal(requests[0]?.headers['content-encoding'], 'gzip')
})

test('encoding json writes OTLP JSON', async () => {
  const { requests, endpoint } = await serve()
  const { handle } = await open(`${endpoint}\nencoding: json\ncompression: none`)
  await handle(logs('a', 2))
  assert.equal(requests[0]?.headers['content-type'], 'application/json')
  assert.equal(requests[0].body.toString(), writeJson(logs('a', 2)))
})

test('a signal may have an endpoint of its own', async () => {
  const { requests, port } = await serve()
  const { handle } = await open(`logs_endpoint: http://127.0.0.1:${port}/custom?x=1`)
  await handle(logs('a'))
  assert.equal(requests[0]?.url, '/custom?x=1')
})

test('a signal without any endpoint is an error before anything starts', () => {
  assert.throws(() => build(factory, 'traces_endpoint: http://127.0.0.1:1/x', { signals: ['logs'] }), {
    message: 'either endpoint or logs_endpoint must be specified',
  })
})

test('headers are sent, a connection is used again', async () => {
  const { requests, endpoint } = await serve()
  const { handle } = await open(`${endpoint}/\nheaders: [{name: X-Tenant, value: blue}, {name: Host, value: other}]`)
  await handle(logs('a'))
  await handle(logs('b'))
  assert.deepEqual([requests[0]?.headers['x-tenant'], requests[0]?.headers.host], ['blue', 'other'])
  assert.equal(requests[0]?.url, '/v1/logs')
  assert.equal(requests[1]?.socket, requests[0].socket)
})

test('keepalive can be turned off', async () => {
  const { requests, endpoint } = await serve()
  const { handle } = await open(`${endpoint}\nkeepalive: {enabled: false}`)
  await handle(logs('a'))
  assert.equal(requests[0]?.headers.connection, 'close')
})

test('what is retryable is as OTLP says', async () => {
  let status = 0
  const { endpoint } = await serve((response) => response.writeHead(status).end())
  const { handle } = await open(endpoint)
  const expected: readonly (readonly [number, boolean, number])[] = [
    [400, false, 3],
    [401, false, 16],
    [403, false, 7],
    [404, false, 12],
    [413, false, 2],
    [429, true, 8],
    [500, false, 2],
    [502, true, 14],
    [503, true, 14],
    [504, true, 14],
    [302, false, 2],
  ]
  for (const [each, retryable, grpcCode] of expected) {
    status = each
    const refusal = await rejection(handle(logs('a')))
    assert.deepEqual([each, refusal.retryable, refusal.grpcCode], [each, retryable, grpcCode])
  }
})

test('an error reads as upstream writes it', async () => {
  const body = encodeStatus({ code: 14, message: 'overloaded' })
  const { endpoint, port } = await serve((response) => response.writeHead(503).end(body))
  const { handle } = await open(endpoint)
  assert.equal(
    (await rejection(handle(logs('a')))).message,
    `rpc error: code = Unavailable desc = error exporting items, request to http://127.0.0.1:${port}/v1/logs responded with HTTP Status Code 503, Message=overloaded, Details=[]`,
  )
})

test('an error body that is no status is left out', async () => {
  const { endpoint } = await serve((response) => response.writeHead(500).end('<html>oops</html>'))
  const { handle } = await open(endpoint)
  assert.match((await rejection(handle(logs('a')))).message, /responded with HTTP Status Code 500$/)
})

test('a password in the endpoint is sent, and never shown', async () => {
  const { requests, port } = await serve((response) => response.writeHead(500).end())
  const { handle } = await open(`endpoint: http://me:s3cret@127.0.0.1:${port}`)
  const refusal = await rejection(handle(logs('a')))
  assert.equal(requests[0]?.headers.authorization, `Basic ${Buffer.from('me:s3cret').toString('base64')}`)
  assert.doesNotMatch(refusal.message, /s3cret/)
})

test('Retry-After is seconds or a date', async () => {
  let value = ''
  const { endpoint } = await serve((response) => response.writeHead(429, { 'retry-after': value }).end())
  const { handle, context } = await open(endpoint)
  const nowMs = Number(context.clock.nowUnixNano() / 1_000_000n)
  const expected: readonly (readonly [string, number | undefined])[] = [
    ['17', 17_000],
    [new Date(nowMs + 90_000).toUTCString(), 90_000],
    [new Date(nowMs - 90_000).toUTCString(), 0],
    ['soon', undefined],
  ]
  for (const [text, ms] of expected) {
    value = text
    assert.equal((await rejection(handle(logs('a')))).retryAfterMs, ms)
  }
})

const partial = Buffer.from([0x0a, 0x07, 0x08, 0x03, 0x12, 0x03, 0x62, 0x61, 0x64])
const partialJson = '{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"bad"}}'
for (const [type, body] of [
  ['application/x-protobuf', partial],
  ['application/json', partialJson],
] as const) {
  test(`a partial success is logged and counted as a drop: ${type}`, async () => {
    const { endpoint } = await serve((response) => response.writeHead(200, { 'content-type': type }).end(body))
    const { handle, context } = await open(endpoint)
    await handle(logs('a', 5))
    assert.deepEqual(context.recorded.lines, [
      { level: 'warn', message: 'Partial success response', fields: { message: 'bad', dropped_log_records: 3 } },
    ])
    assert.deepEqual(context.recorded.drops, [{ items: 3, reason: 'partial_success', intent: 'lost' }])
  })
}

test('an endless answer is cut at 64 KiB', async () => {
  const { endpoint } = await serve((response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write(Buffer.alloc(32_768)), 1)
    response.on('close', () => clearInterval(timer))
  })
  const { handle } = await open(endpoint)
  await handle(logs('a'))
})

test('307 and 308 repeat the request elsewhere, without our headers for another host', async () => {
  const target = await serve()
  const { endpoint } = await serve((response, { url }) => {
    const location = url === '/v1/logs' ? '/moved' : `http://127.0.0.1:${target.port}/there`
    response.writeHead(url === '/v1/logs' ? 307 : 308, { location }).end()
  })
  const { handle } = await open(`${endpoint}\ncompression: none\nheaders: {authorization: secret}`)
  await handle(logs('a', 3))
  assert.equal(target.requests[0]?.url, '/there')
  assert.ok(target.requests[0].body.equals(Buffer.concat(logs('a', 3).chunks)))
  assert.equal(target.requests[0].headers.authorization, undefined)
})

test('a redirect that goes in circles ends', async () => {
  const { requests, endpoint } = await serve((response) => response.writeHead(307, { location: '/v1/logs' }).end())
  const { handle } = await open(endpoint)
  assert.match((await rejection(handle(logs('a')))).message, /stopped after 10 redirects/)
  assert.equal(requests.length, 11)
})

test('a redirect that would lose the body is a final error with the cure', async () => {
  const { endpoint } = await serve((response) => response.writeHead(301, { location: 'https://new/' }).end())
  const { handle } = await open(endpoint)
  const refusal = await rejection(handle(logs('a')))
  assert.equal(refusal.retryable, false)
  assert.match(refusal.message, /set the endpoint to https:\/\/new\//)
})

test('without a server an attempt fails for now, and works once there is one', async () => {
  const first = await serve()
  first.server.close()
  const { handle } = await open(first.endpoint)
  const refusal = await rejection(handle(logs('a')))
  assert.equal(refusal.retryable, true)
  assert.match(refusal.message, /^failed to make an HTTP request: .*ECONNREFUSED/)
  const second = await serve(undefined, first.port)
  await handle(logs('b'))
  assert.equal(second.requests.length, 1)
})

test('a connection that the server closed meanwhile is replaced without an error', async () => {
  let isFirst = true
  const { requests, endpoint } = await serve((response, { socket }) => {
    if (requests.length === 2 && isFirst) {
      isFirst = false
      socket.resetAndDestroy()
    } else response.end()
  })
  const { handle } = await open(endpoint)
  await handle(logs('a'))
  await handle(logs('b'))
  assert.equal(requests.length, 3)
})

test('an aborted attempt closes its connection', async () => {
  const closed = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const { endpoint } = await serve((_response, { socket }) => {
    socket.on('close', () => closed.resolve())
    arrived.resolve()
  })
  const { instance } = await open(endpoint)
  const send = instance.logs as unknown as (batch: Batch, attempt: object) => Promise<void>
  const abort = new AbortController()
  const sent = rejection(send(logs('a'), { signal: abort.signal, timeoutMs: 0 }))
  await arrived.promise
  abort.abort()
  assert.equal((await sent).retryable, true)
  await closed.promise
})

test('proxy_url sends the request through the proxy', async () => {
  const target = await serve()
  const proxied: string[] = []
  const proxy = http.createServer((incoming, response) => {
    proxied.push(incoming.url ?? '')
    const onward = http.request(incoming.url ?? '', { method: 'POST', headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0)
      answer.pipe(response)
    })
    incoming.pipe(onward)
  })
  const port = await listen(proxy)
  const { handle } = await open(`${target.endpoint}\nproxy_url: http://127.0.0.1:${port}\ncompression: none`)
  await handle(logs('a'))
  assert.deepEqual(proxied, [`http://127.0.0.1:${target.port}/v1/logs`])
  assert.ok(target.requests[0]?.body.equals(Buffer.concat(logs('a').chunks)))
})

test('TLS verifies the server by the CA that is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vigil-tls-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, caCert)
  const requests: Request[] = []
  const pair = { cert: serverCert, key: serverKey }
  const server = https.createServer(
    pair,
    recorder(requests, (response) => response.end()),
  )
  cleanups.push(() => server.closeAllConnections())
  const port = await listen(server)
  const endpoint = `endpoint: https://127.0.0.1:${port}`
  const trusting = await open(`${endpoint}\ntls: {ca_file: ${caFile}}`)
  await trusting.handle(logs('a'))
  const careless = await open(`${endpoint}\ntls: {insecure_skip_verify: true}`)
  await careless.handle(logs('b'))
  const suspicious = await open(endpoint)
  assert.match((await rejection(suspicious.handle(logs('c')))).message, /certificate/)
  assert.equal(requests.length, 2)
})

test('with cookies, what the balancer sets comes back to it; without them it does not', async () => {
  const { requests, endpoint } = await serve((response) => response.setHeader('set-cookie', 'lb=7; Path=/').end())
  const keeping = await open(`${endpoint}\ncookies: {}`)
  await keeping.handle(logs('first', 1))
  await keeping.handle(logs('second', 1))
  const plain = await open(endpoint)
  await plain.handle(logs('third', 1))
  await plain.handle(logs('fourth', 1))
  assert.deepEqual(
    requests.map(({ headers }) => headers.cookie),
    [undefined, 'lb=7', undefined, undefined],
  )
})

test('an authenticator that does not exist stops the start', async () => {
  await assert.rejects(open('endpoint: http://127.0.0.1:1\nauth: {authenticator: oauth2client}'), {
    message:
      'failed to resolve authenticator "oauth2client": authenticator not found; add "oauth2client" to service::extensions',
  })
})

const problems: readonly (readonly [string, string])[] = [
  ['{}', 'at least one endpoint must be specified'],
  ['endpoint: localhost:4318', 'endpoint must be a valid URL'],
  ['endpoint: "http://a b%zz"', 'endpoint must be a valid URL'],
  ['traces_endpoint: ":::"', 'traces_endpoint must be a valid URL'],
  ['endpoint: http://x\nencoding: xml', 'invalid encoding type: xml'],
  ['endpoint: http://x\ncompression: foo', 'unsupported compression type "foo"'],
  [
    'endpoint: http://x\ncompression_params: {level: 99}',
    'unsupported parameters {Level:99} for compression type "gzip"',
  ],
  ['endpoint: http://x\nproxy_url: nonsense', 'proxy_url must be a valid URL'],
]
for (const [yaml, message] of problems) {
  test(`refused: ${yaml.replace('\n', ', ')}`, () => {
    assert.throws(
      () => build(factory, yaml),
      (error: Error) => error.message.includes(message) || assert.fail(error.message),
    )
  })
}
