/** How requests get to the backend: certificates, sockets, proxies, credentials. Real servers throughout. */
import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
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

const folder = testFolder('http')
const cleanups: (() => unknown)[] = []
after(async () => {
  for (const clean of cleanups.reverse()) await clean()
})
const write = (name: string, content: string) => writeAnew(join(folder, name), content)

type Place = { host: string; port: number } | { path: string }
async function listen(server: http.Server | https.Server, place: Place = { host: '127.0.0.1', port: 0 }) {
  await new Promise<void>((resolve) => server.listen(place, resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return 'path' in place ? 0 : (server.address() as AddressInfo).port
}
function answering(seen: http.IncomingMessage[], answer = (response: http.ServerResponse) => void response.end()) {
  return (incoming: http.IncomingMessage, response: http.ServerResponse) => {
    seen.push(incoming)
    incoming.resume().on('end', () => answer(response))
  }
}

async function open(yaml: string, offers: readonly (readonly [Capability<unknown>, unknown])[] = []) {
  const built = build(factory, `${yaml}\ncompression: none`, {
    id: 'otlp_http',
    signals: ['logs'],
    capabilities: new Map(offers),
  })
  await built.instance.start?.()
  cleanups.push(() => built.instance.shutdown?.(AbortSignal.abort()))
  return built
}

test('mutual TLS: the certificate is shown, and another one as soon as the files have changed', async () => {
  const seen: string[] = []
  const server = https.createServer(
    { cert: serverCert, key: serverKey, ca: [caCert, strangerCert], requestCert: true, rejectUnauthorized: true },
    (incoming, response) => {
      seen.push(String((incoming.socket as TLSSocket).getPeerCertificate().subject.CN))
      incoming.resume().on('end', () => response.end())
    },
  )
  const port = await listen(server)
  const [ca, cert, key] = [write('ca', caCert), write('cert', clientCert), write('key', clientKey)]
  const tls = `{ca_file: ${ca}, cert_file: ${cert}, key_file: ${key}, reload_interval: 10s}`
  const { handle, context } = await open(
    `endpoint: https://localhost:${port}\ntls: ${tls}\nkeepalive: {enabled: false}`,
  )
  await handle(logs('a'))
  write('cert', 'broken')
  await context.clock.advance(10_000)
  await handle(logs('b'))
  write('cert', strangerCert)
  write('key', strangerKey)
  await context.clock.advance(10_000)
  await handle(logs('c'))
  assert.deepEqual(seen, ['client', 'client', 'stranger'])
  const naked = await open(`endpoint: https://localhost:${port}\ntls: {ca_file: ${ca}}`)
  await assert.rejects(naked.handle(logs('d')), { name: 'Rejected', retryable: true })
})

test('a unix socket takes requests, several over one connection', async () => {
  const seen: http.IncomingMessage[] = []
  const path = join(folder, 'http.sock')
  await listen(http.createServer(answering(seen)), { path })
  const { handle } = await open(`endpoint: unix://${path}`)
  await handle(logs('a'))
  await handle(logs('b'))
  assert.deepEqual(
    seen.map(({ url, headers }) => [url, headers.host]),
    [
      ['/v1/logs', 'localhost'],
      ['/v1/logs', 'localhost'],
    ],
  )
  assert.equal(seen[0]?.socket, seen[1]?.socket)
})

/** Knows every name ending in `.test` as 127.0.0.1. */
async function proxyServer() {
  const asked: string[] = []
  const proxy = http.createServer((incoming, response) => {
    const target = new URL(incoming.url ?? '')
    asked.push(`${incoming.method} ${target.href} ${incoming.headers['proxy-authorization'] ?? ''}`.trim())
    const { method, headers } = incoming
    const onward = http.request({ host: '127.0.0.1', port: target.port, path: target.pathname, method, headers })
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0)
      answer.pipe(response)
    })
    incoming.pipe(onward)
  })
  proxy.on('connect', (incoming: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`CONNECT ${incoming.url}`)
    const onward = net.connect(Number(incoming.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return { asked, port: await listen(proxy) }
}

/** The exporter reads the environment when it starts. */
async function withEnv<T>(env: Record<string, string>, work: () => Promise<T>): Promise<T> {
  Object.assign(process.env, env)
  try {
    return await work()
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
  }
}

test('HTTP_PROXY of the environment is used, but neither for this machine nor for what NO_PROXY lists', async () => {
  const seen: http.IncomingMessage[] = []
  const port = await listen(http.createServer(answering(seen)))
  const { asked, port: proxyPort } = await proxyServer()
  const env = { HTTP_PROXY: `http://user:pass@127.0.0.1:${proxyPort}`, NO_PROXY: 'exempt.test' }
  await withEnv(env, async () => {
    const { handle } = await open(`endpoint: http://backend.test:${port}`)
    await handle(logs('a'))
    const local = await open(`endpoint: http://127.0.0.1:${port}`)
    await local.handle(logs('b'))
    const exempt = await open(`endpoint: http://exempt.test:${port}`)
    await assert.rejects(exempt.handle(logs('c')), /ENOTFOUND|EAI_AGAIN/)
  })
  const credentials = Buffer.from('user:pass').toString('base64')
  assert.deepEqual(asked, [`POST http://backend.test:${port}/v1/logs Basic ${credentials}`])
  assert.equal(seen.length, 2)
})

test('HTTPS goes through the tunnel of a proxy, verified end to end', async () => {
  const seen: http.IncomingMessage[] = []
  const port = await listen(https.createServer({ cert: serverCert, key: serverKey }, answering(seen)))
  const { asked, port: proxyPort } = await proxyServer()
  const ca = write('proxied-ca', caCert)
  await withEnv({ HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` }, async () => {
    const { handle } = await open(
      `endpoint: https://backend.test:${port}\ntls: {ca_file: ${ca}, server_name_override: localhost}`,
    )
    await handle(logs('a'))
    const suspicious = await open(`endpoint: https://backend.test:${port}\ntls: {ca_file: ${ca}}`)
    await assert.rejects(suspicious.handle(logs('b')), { name: 'Rejected' })
  })
  assert.equal(asked[0], `CONNECT backend.test:${port}`)
  assert.equal(seen.length, 1)
})

test('an environment that names no usable proxy stops the start', async () => {
  await withEnv({ HTTP_PROXY: 'socks5://127.0.0.1:1' }, async () => {
    await assert.rejects(open('endpoint: http://backend.test:1'), /HTTP_PROXY is no proxy that can be used/)
  })
})

const tenant: ClientAuthenticator = {
  needsTls: true,
  authorize(headers, { metadata }) {
    const [name = ''] = metadata.get('tenant') ?? []
    if (name === 'nobody') throw new Rejected('nobody is no tenant', { retryable: false })
    headers.set('x-tenant', name)
    if (headers.get('x-configured') === 'yes') headers.set('x-configured', 'seen')
  },
}
const mark: ClientMiddleware = {
  prepare: ({ protocol, headers }) => void headers.set('x-mark', `${protocol} ${headers.get('x-tenant')}`),
}
const dressed = [
  [clientAuthentication, tenant],
  [clientMiddleware, mark],
] as const
const doors = 'auth: {authenticator: tenant}\nmiddlewares: [{id: mark}]\nheaders: {X-Configured: "yes"}'

test('authenticator and middlewares see the configured headers and the origin, one request after another', async () => {
  const seen: http.IncomingMessage[] = []
  const port = await listen(http.createServer(answering(seen)))
  const { handle } = await open(`endpoint: http://127.0.0.1:${port}\n${doors}`, dressed)
  const of = (name: string) => logs('a', 1, { origin: originWith({ tenant: [name] }) })
  await Promise.all(['red', 'blue'].map((name) => handle(of(name))))
  assert.deepEqual(
    seen.map(({ headers }) => [headers['x-tenant'], headers['x-mark'], headers['x-configured']].join('; ')).sort(),
    ['blue; http blue; seen', 'red; http red; seen'],
  )
  await assert.rejects(handle(of('nobody')), { name: 'Rejected', retryable: false, message: 'nobody is no tenant' })
  await assert.rejects(handle(of('with\nline break')), {
    name: 'Rejected',
    retryable: false,
    message: /cannot be sent/,
  })
  assert.equal(seen.length, 2)
})

test('credentials are not for the host that somebody redirects us to', async () => {
  const seen: http.IncomingMessage[] = []
  const elsewhere = await listen(http.createServer(answering(seen)))
  const redirect = http.createServer((incoming, response) => {
    incoming.resume()
    response.writeHead(307, { location: `http://127.0.0.1:${elsewhere}/v1/logs` }).end()
  })
  const port = await listen(redirect)
  const { handle } = await open(`endpoint: http://127.0.0.1:${port}\n${doors}`, dressed)
  await handle(logs('a', 1, { origin: originWith({ tenant: ['red'] }) }))
  const [request] = seen
  assert.deepEqual([request?.headers['x-tenant'], request?.headers['x-mark']], [undefined, undefined])
})
