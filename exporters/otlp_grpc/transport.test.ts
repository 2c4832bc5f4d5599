/** How calls get to the backend: certificates, sockets, several addresses, proxies, credentials. Real servers throughout. */
import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { type ClientAuthenticator, clientAuthentication } from '../../pipeline/capability/authentication.ts'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type ClientMiddleware, clientMiddleware } from '../../pipeline/capability/middleware.ts'
import { Rejected } from '../../pipeline/component.ts'
import { logs, originWith } from '../../pipeline/export/test-batches.ts'
import { build } from '../../pipeline/testing/build.ts'
import {
  caCert,
  clientCert,
  clientKey,
  serverCert,
  serverKey,
  strangerCert,
  strangerKey,
} from '../../pipeline/testing/certificates.ts'
import { testFolder, writeAnew } from '../../pipeline/testing/test-folder.ts'
import factory from './index.ts'

const folder = testFolder('grpc')
const cleanups: (() => unknown)[] = []
after(async () => {
  for (const clean of cleanups.reverse()) await clean()
})
const write = (name: string, content: string) => writeAnew(join(folder, name), content)

interface Call {
  readonly headers: http2.IncomingHttpHeaders
  /** Of the client's certificate. */
  readonly client: string | undefined
}

/** Answers every call with an empty message. */
async function serve(
  options: http2.SecureServerOptions | undefined,
  place: { host: string; port: number } | { path: string } = { host: '127.0.0.1', port: 0 },
) {
  const server = options ? http2.createSecureServer(options) : http2.createServer()
  const calls: Call[] = []
  const sessions = new Set<http2.ServerHttp2Session>()
  let pings = 0
  server.on('session', (session: http2.ServerHttp2Session) => {
    sessions.add(session)
    session.on('ping', () => pings++)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    const socket = stream.session?.socket as TLSSocket
    const client = options?.requestCert ? String(socket.getPeerCertificate().subject.CN) : undefined
    calls.push({ headers, client })
    stream.resume().on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.alloc(5))
    })
  })
  await new Promise<void>((resolve) => server.listen(place, resolve))
  cleanups.push(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const port = 'path' in place ? 0 : (server.address() as AddressInfo).port
  return { calls, port, pings: () => pings }
}

const insecure = 'tls: {insecure: true}'

async function open(yaml: string, offers: readonly (readonly [Capability<unknown>, unknown])[] = []) {
  const built = build(factory, `${yaml}\ncompression: none`, { id: 'otlp_grpc', capabilities: new Map(offers) })
  await built.instance.start?.()
  cleanups.push(() => built.instance.shutdown?.(AbortSignal.abort()))
  return built
}

test('mutual TLS: the certificate is shown, and another one as soon as the files have changed', async () => {
  const server = await serve({
    cert: serverCert,
    key: serverKey,
    ca: [caCert, strangerCert],
    requestCert: true,
    rejectUnauthorized: true,
  })
  const [ca, cert, key] = [write('ca', caCert), write('cert', clientCert), write('key', clientKey)]
  const tls = `{ca_file: ${ca}, cert_file: ${cert}, key_file: ${key}, reload_interval: 10s}`
  const { handle, context } = await open(`endpoint: localhost:${server.port}\ntls: ${tls}`)
  await handle(logs('a'))
  write('cert', 'broken')
  await context.clock.advance(10_000)
  await handle(logs('b'))
  write('cert', strangerCert)
  write('key', strangerKey)
  const underWay = Array.from({ length: 20 }, () => handle(logs('c')))
  await context.clock.advance(10_000)
  await Promise.all(underWay)
  await handle(logs('d'))
  assert.deepEqual([...new Set(server.calls.map(({ client }) => client))], ['client', 'stranger'])
  assert.equal(server.calls.at(-1)?.client, 'stranger')
  const naked = await open(`endpoint: localhost:${server.port}\ntls: {ca_file: ${ca}}`)
  await assert.rejects(naked.handle(logs('e')), { name: 'Rejected', retryable: true })
})

test('a unix socket takes calls', async () => {
  const path = join(folder, 'grpc.sock')
  const server = await serve(undefined, { path })
  const { handle } = await open(`endpoint: unix://${path}\n${insecure}`)
  await handle(logs('a'))
  await handle(logs('b'))
  assert.equal(server.calls.length, 2)
})

test('round_robin spreads calls over all addresses, and goes on when one is gone; pick_first stays with one', async () => {
  const servers = [await serve(undefined), await serve(undefined)]
  const endpoint = `endpoint: ipv4:${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}\n${insecure}`
  const spread = await open(`${endpoint}\nwait_for_ready: true`)
  // Both connections need a moment: until then all calls go over the first.
  while (servers.some(({ calls }) => calls.length === 0)) await spread.handle(logs('a'))
  const before = servers.map(({ calls }) => calls.length)
  for (let i = 0; i < 10; i++) await spread.handle(logs('a'))
  assert.deepEqual(
    servers.map(({ calls }, i) => calls.length - before[i]!),
    [5, 5],
  )
  const gone = await open(`endpoint: ipv4:127.0.0.1:1,127.0.0.1:${servers[1]!.port}\n${insecure}\nwait_for_ready: true`)
  for (let i = 0; i < 4; i++) await gone.handle(logs('a'))
  const single = await open(`${endpoint}\nbalancer_name: pick_first`)
  const start = servers.map(({ calls }) => calls.length)
  for (let i = 0; i < 4; i++) await single.handle(logs('a'))
  assert.deepEqual(
    servers.map(({ calls }, i) => calls.length - start[i]!),
    [4, 0],
  )
})

test('authority names the server, the endpoint where it is not set', async () => {
  const server = await serve(undefined)
  const named = await open(`endpoint: 127.0.0.1:${server.port}\nauthority: backend.example\n${insecure}`)
  await named.handle(logs('a'))
  const plain = await open(`endpoint: 127.0.0.1:${server.port}\n${insecure}`)
  await plain.handle(logs('b'))
  assert.deepEqual(
    server.calls.map(({ headers }) => headers[':authority']),
    ['backend.example', `127.0.0.1:${server.port}`],
  )
})

test('keepalive pings an idle connection', async () => {
  const server = await serve(undefined)
  const keepalive = 'keepalive: {time: 50ms, timeout: 1s, permit_without_stream: true}'
  const { handle } = await open(`endpoint: 127.0.0.1:${server.port}\n${keepalive}\n${insecure}`)
  await handle(logs('a'))
  const deadline = Date.now() + 5_000
  while (server.pings() === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.ok(server.pings() > 0)
})

/** Knows every name ending in `.test` as 127.0.0.1. */
async function proxyServer() {
  const asked: string[] = []
  const proxy = http.createServer().on('connect', (incoming: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`CONNECT ${incoming.url} ${incoming.headers['proxy-authorization'] ?? ''}`.trim())
    const onward = net.connect(Number(incoming.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return { asked, port: (proxy.address() as AddressInfo).port }
}

test('HTTPS_PROXY of the environment is used as grpc-go uses it, but not for this machine', async () => {
  const secure = await serve({ cert: serverCert, key: serverKey })
  const plain = await serve(undefined)
  const { asked, port } = await proxyServer()
  const ca = write('proxied-ca', caCert)
  process.env['HTTPS_PROXY'] = `http://user:pass@127.0.0.1:${port}`
  try {
    const tunnelled = await open(
      `endpoint: https://backend.test:${secure.port}\ntls: {ca_file: ${ca}, server_name_override: localhost}`,
    )
    await tunnelled.handle(logs('a'))
    const clear = await open(`endpoint: clear.test:${plain.port}\n${insecure}`)
    await clear.handle(logs('b'))
    const local = await open(`endpoint: 127.0.0.1:${plain.port}\n${insecure}`)
    await local.handle(logs('c'))
  } finally {
    delete process.env['HTTPS_PROXY']
  }
  const credentials = `Basic ${Buffer.from('user:pass').toString('base64')}`
  assert.deepEqual(asked, [
    `CONNECT backend.test:${secure.port} ${credentials}`,
    `CONNECT clear.test:${plain.port} ${credentials}`,
  ])
  assert.deepEqual(
    plain.calls.map(({ headers }) => headers[':authority']),
    [`clear.test:${plain.port}`, `127.0.0.1:${plain.port}`],
  )
})

const tenant = (needsTls: boolean): ClientAuthenticator => ({
  needsTls,
  authorize(headers, { metadata }) {
    const [name = ''] = metadata.get('tenant') ?? []
    if (name === 'nobody') throw new Rejected('nobody is no tenant', { retryable: false })
    headers.set('x-tenant', name)
  },
})
const mark: ClientMiddleware = {
  prepare: ({ protocol, headers }) => void headers.set('x-mark', `${protocol} ${headers.get('x-tenant')}`),
}

test('authenticator and middlewares see the origin of each batch, and go before configured headers', async () => {
  const server = await serve(undefined)
  const { handle } = await open(
    `endpoint: 127.0.0.1:${server.port}\n${insecure}\nauth: {authenticator: tenant}\nmiddlewares: [{id: mark}]\nheaders: {X-Tenant: configured, other: kept}`,
    [
      [clientAuthentication, tenant(false)],
      [clientMiddleware, mark],
    ],
  )
  const of = (name: string) => logs('a', 1, { origin: originWith({ tenant: [name] }) })
  await Promise.all(['red', 'blue'].map((name) => handle(of(name))))
  assert.deepEqual(
    server.calls.map(({ headers }) => [headers['x-tenant'], headers['x-mark'], headers['other']].join('; ')).sort(),
    ['blue; grpc blue; kept', 'red; grpc red; kept'],
  )
  await assert.rejects(handle(of('nobody')), { name: 'Rejected', retryable: false, message: 'nobody is no tenant' })
  await assert.rejects(handle(of('snowman ☃')), { name: 'Rejected', retryable: false, message: /cannot be sent/ })
})

test('credentials that need TLS do not start without it', async () => {
  const offers = [[clientAuthentication, tenant(true)]] as const
  const auth = 'auth: {authenticator: tenant}'
  await assert.rejects(
    open(`endpoint: 127.0.0.1:1\n${insecure}\n${auth}`, offers),
    /^Error: grpc: the credentials require transport level security: "tenant" is not sent in the clear/,
  )
  await open(`endpoint: 127.0.0.1:1\n${auth}`, offers)
  await open(`endpoint: https://127.0.0.1:1\n${insecure}\n${auth}`, offers)
})
