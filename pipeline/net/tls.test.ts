import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { join } from 'node:path'
import { after, test } from 'node:test'
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { z } from 'zod'
import {
  caCert,
  clientCert,
  clientKey,
  serverCert,
  serverKey,
  strangerCert,
  strangerKey,
} from '../testing/certificates.ts'
import { testContext } from '../testing/context.ts'
import { testFolder } from '../testing/test-folder.ts'
import { GrpcServer } from './grpc-server.ts'
import { grpcServerShape } from './grpc-server-keys.ts'
import { HttpServer } from './http-server.ts'
import { httpServerShape } from './http-server-keys.ts'
import { clientTls, clientTlsKeys, serverTls, serverTlsKeys } from './tls.ts'

const grpcKeys = z.strictObject(grpcServerShape({ endpoint: '127.0.0.1:0' }))
const httpKeys = z.strictObject(httpServerShape({ endpoint: '127.0.0.1:0' }))
const closers: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})
const folder = testFolder('tls')
function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const certified = { cert_pem: serverCert, key_pem: serverKey }

async function serveGrpc(settings: object) {
  const { clock, logger } = testContext()
  const methods = new Map([['/test.Echo/Say', async (message: Uint8Array) => message]])
  const server = new GrpcServer({
    settings: grpcKeys.parse({ tls: settings }),
    methods,
    clock,
    random: () => 0,
    logger,
  })
  await server.listen()
  closers.push(() => server.close(AbortSignal.abort()))
  return { server, clock, address: server.address.replace('127.0.0.1', 'localhost') }
}
function call(address: string, credentials: grpc.ChannelCredentials): Promise<string> {
  const client = new grpc.Client(address, credentials)
  closers.push(() => client.close())
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const raw = (bytes: Buffer) => bytes
  client.makeUnaryRequest(
    '/test.Echo/Say',
    raw,
    raw,
    Buffer.from('hello'),
    { deadline: Date.now() + 3_000 },
    (error, reply) => (error ? reject(error) : resolve(String(reply))),
  )
  return promise
}
async function peerName(address: string): Promise<string | undefined> {
  const socket = tls.connect(Number(address.split(':')[1]), {
    ca: [caCert, strangerCert],
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  })
  await once(socket, 'secureConnect')
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return typeof name === 'string' ? name : name?.[0]
}

test('gRPC over TLS: a real client that trusts the CA gets through', async () => {
  const { address } = await serveGrpc({ cert_file: file('s.pem', serverCert), key_file: file('s.key', serverKey) })
  assert.equal(await call(address, grpc.credentials.createSsl(Buffer.from(caCert))), 'hello')
})

test('mutual TLS: a client without the right certificate is refused', async () => {
  const { address } = await serveGrpc({ ...certified, client_ca_file: file('ca.pem', caCert) })
  const [ca, cert, key] = [Buffer.from(caCert), Buffer.from(clientCert), Buffer.from(clientKey)]
  assert.equal(await call(address, grpc.credentials.createSsl(ca, key, cert)), 'hello')
  await assert.rejects(call(address, grpc.credentials.createSsl(ca)))
  await assert.rejects(
    call(address, grpc.credentials.createSsl(ca, Buffer.from(strangerKey), Buffer.from(strangerCert))),
  )
})

test('a client that offers no h2 is closed, and plain text on a TLS port harms nothing', async () => {
  const { address } = await serveGrpc(certified)
  const port = Number(address.split(':')[1])
  const http1 = https.request({ port, host: 'localhost', ca: caCert, method: 'POST' }).end('x')
  const [outcome] = (await Promise.race([once(http1, 'error'), once(http1, 'response')])) as [
    Error | { statusCode: number },
  ]
  assert.ok(outcome instanceof Error || outcome.statusCode === 403)
  const plain = http2.connect(`http://localhost:${port}`)
  plain.on('error', () => {})
  await new Promise<void>((resolve) => plain.once('close', resolve))
  assert.equal(await call(address, grpc.credentials.createSsl(Buffer.from(caCert))), 'hello')
})

test('HTTP over TLS, with mutual TLS and a minimum version', async () => {
  const { clock, logger } = testContext()
  const settings = httpKeys.parse({
    tls: { ...certified, client_ca_file: file('ca2.pem', caCert), min_version: '1.3' },
  })
  const handler = {
    answer: async () => ({ status: 200, headers: {}, body: 'yes' }),
    fail: () => ({ status: 500, headers: {}, body: '' }),
  }
  const server = new HttpServer({ settings, handler, clock, logger })
  await server.listen()
  closers.push(() => server.close(AbortSignal.abort()))
  const get = (options: https.RequestOptions) => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const port = Number(server.address.split(':')[1])
    https
      .get({ port, host: 'localhost', ca: caCert, agent: false, ...options }, (response) =>
        resolve(response.resume().statusCode),
      )
      .on('error', reject)
    return promise
  }
  const mine = clientTls(clientTlsKeys.parse({ ca_pem: caCert, cert_pem: clientCert, key_pem: clientKey }))
  assert.equal(await get({ ...mine }), 200)
  await assert.rejects(get({}))
  await assert.rejects(get({ cert: clientCert, key: clientKey, maxVersion: 'TLSv1.2' }))
})

test('reload_interval reads new certificates, and a broken file leaves the old ones in force', async () => {
  const [cert, key] = [file('r.pem', serverCert), file('r.key', serverKey)]
  const { address, clock } = await serveGrpc({ cert_file: cert, key_file: key, reload_interval: '10s' })
  assert.equal(await peerName(address), 'server')
  writeFileSync(cert, 'broken')
  await clock.advance(10_000)
  assert.equal(await peerName(address), 'server')
  writeFileSync(cert, strangerCert)
  writeFileSync(key, strangerKey)
  await clock.advance(10_000)
  assert.equal(await peerName(address), 'stranger')
})

test('a client is plain only with insecure and without a CA; verification can be turned off; names can be overridden', () => {
  const options = (settings: object) => clientTls(clientTlsKeys.parse(settings))
  assert.equal(options({ insecure: true }), undefined)
  assert.notEqual(options({ insecure: true, ca_pem: caCert }), undefined)
  assert.equal(options({ insecure_skip_verify: true })?.rejectUnauthorized, false)
  assert.equal(options({ server_name_override: 'other' })?.servername, 'other')
  assert.equal(options({})?.minVersion, 'TLSv1.2')
})

test('cipher suites and curves have their Go names, and never switch TLS 1.3 off', () => {
  const suite = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
  const settings = serverTlsKeys.parse({ ...certified, cipher_suites: [suite], curve_preferences: ['X25519', 'P256'] })
  const { ciphers, ecdhCurve } = serverTls(settings)
  assert.equal(ciphers?.split(':').at(-1), 'ECDHE-RSA-AES128-GCM-SHA256')
  assert.ok(ciphers.includes('TLS_AES_128_GCM_SHA256'))
  assert.equal(ecdhCurve, 'X25519:P-256')
})

test("wrong settings are named with upstream's texts", () => {
  const messages = (settings: object) => serverTlsKeys.safeParse(settings).error?.issues.map(({ message }) => message)
  const missing = 'TLS configuration must include both certificate and key for server connections'
  assert.deepEqual(messages({}), [missing])
  assert.deepEqual(messages({ cert_pem: 'x' }), [
    'TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)',
  ])
  const cases: readonly [object, string][] = [
    [{ cert_file: 'x' }, 'provide either certificate file or PEM, but not both'],
    [{ key_file: 'x' }, 'provide either key file or PEM, but not both'],
    [{ ca_file: 'x', ca_pem: 'y' }, 'provide either a CA file or the PEM-encoded string, but not both'],
    [{ min_version: '1.9' }, 'invalid TLS min_version: unsupported TLS version: "1.9"'],
    [{ max_version: 'x' }, 'invalid TLS max_version: unsupported TLS version: "x"'],
    [
      { min_version: '1.3', max_version: '1.2' },
      'invalid TLS configuration: min_version cannot be greater than max_version',
    ],
    [{ cipher_suites: ['TLS_RSA_WITH_AES_128_CBC_SHA'] }, 'invalid TLS cipher suite: "TLS_RSA_WITH_AES_128_CBC_SHA"'],
    [
      { curve_preferences: ['P25'] },
      'invalid curve type: P25. Expected values are P256, P384, P521, X25519, X25519MLKEM768',
    ],
    [{ tpm: { enabled: true } }, 'tpm is not supported: give the key by key_file or key_pem'],
  ]
  for (const [settings, message] of cases) assert.deepEqual(messages({ ...certified, ...settings }), [message])
})

test("files that cannot be used stop the start, with the file's name", () => {
  const start = (settings: object) => () => serverTls(serverTlsKeys.parse(settings))
  assert.throws(
    start({ cert_file: '/no/such.pem', key_pem: serverKey }),
    /^Error: failed to load TLS config: failed to load TLS cert and key: .*\/no\/such.pem/,
  )
  assert.throws(start({ cert_pem: serverCert, key_pem: strangerKey }), /failed to load TLS cert and key PEMs/)
  assert.throws(start({ ...certified, client_ca_file: '/no/ca.pem' }), /^Error: failed to load CA \/no\/ca.pem: /)
  assert.throws(start({ ...certified, client_ca_file: file('junk.pem', 'junk') }), /junk.pem: failed to parse cert$/)
})
