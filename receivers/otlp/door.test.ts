/** Who may come in: authenticators and middlewares of both listeners, with real clients. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import grpc from '@grpc/grpc-js'
import {
  type ServerAuthenticator,
  serverAuthentication,
  Unauthenticated,
} from '../../pipeline/capability/authentication.ts'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type ServerMiddleware, serverMiddleware } from '../../pipeline/capability/middleware.ts'
import { Code, decodeStatus } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'
import { build } from '../../pipeline/testing/build.ts'
import { logsPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'
import type { OtlpReceiver } from './receiver.ts'

const closers: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})
const body = Buffer.concat(logsPayload(5).chunks)
const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'

async function start(door: string, offers: readonly (readonly [Capability<unknown>, unknown])[]) {
  const yaml = `protocols: {grpc: {endpoint: "127.0.0.1:0", ${door}}, http: {endpoint: "127.0.0.1:0", ${door}}}`
  const { instance, context } = build(factory, yaml, { capabilities: new Map(offers) })
  const receiver = instance as OtlpReceiver
  closers.push(() => receiver.shutdown(AbortSignal.abort()))
  await receiver.start()
  const client = new grpc.Client(receiver.addresses.grpc ?? '', grpc.credentials.createInsecure())
  closers.push(() => client.close())
  const asIs = (bytes: Buffer) => bytes
  const call = (headers: Record<string, string> = {}) =>
    new Promise<grpc.ServiceError | undefined>((resolve) => {
      const metadata = new grpc.Metadata()
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
      client.makeUnaryRequest(path, asIs, asIs, body, metadata, (error) => resolve(error ?? undefined))
    })
  const post = (headers: Record<string, string> = {}, query = '') =>
    fetch(`http://${receiver.addresses.http}/v1/logs${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', ...headers },
      body,
    })
  return { receiver, context, call, post, emitted: context.recorded.emitted }
}

/** Takes `token <who>`; `late` after a while. */
const tokens: ServerAuthenticator = {
  authenticate(header) {
    const [value] = header('x-token') ?? []
    if (value === undefined) throw new Unauthenticated('no token provided')
    const who = value.replace('token ', '')
    if (who === 'mallory') throw new Unauthenticated('invalid token')
    if (who === 'busy') throw new StatusError(Code.UNAVAILABLE, 'come back', 3_000)
    if (who === 'bug') throw new TypeError('oops')
    return who === 'late' ? setImmediate({ who }) : { who }
  },
}
const authenticated = [[serverAuthentication, tokens]] as const
const auth = 'auth: {authenticator: tokens}'

test('who is let in is known to the pipeline, at once or late, over gRPC and HTTP', async () => {
  const { call, post, emitted } = await start(auth, authenticated)
  for (const who of ['alice', 'late']) {
    assert.equal(await call({ 'x-token': `token ${who}` }), undefined)
    assert.equal((await post({ 'x-token': `token ${who}` })).status, 200)
    assert.deepEqual(
      emitted.splice(0).map(({ batch }) => batch.origin.auth),
      [{ who }, { who }],
    )
  }
})

test("who is not let in reads the authenticator's words, as UNAUTHENTICATED and 401", async () => {
  const { call, post, emitted } = await start(auth, authenticated)
  for (const [headers, message] of [
    [{}, 'no token provided'],
    [{ 'x-token': 'token mallory' }, 'invalid token'],
  ] as const) {
    const refused = await call(headers)
    assert.deepEqual([refused?.code, refused?.details], [Code.UNAUTHENTICATED, message])
    const response = await post(headers)
    assert.equal(response.status, 401)
    assert.deepEqual(decodeStatus(new Uint8Array(await response.arrayBuffer())), {
      code: Code.UNAUTHENTICATED,
      message,
    })
    const json = await post({ ...headers, 'content-type': 'application/json' })
    assert.deepEqual([json.status, await json.json()], [401, { code: Code.UNAUTHENTICATED, message }])
  }
  assert.equal(emitted.length, 0)
})

test('an authenticator that is busy says when to come back; one that fails harms nobody', async () => {
  const { call, post, context } = await start(auth, authenticated)
  const busy = await call({ 'x-token': 'token busy' })
  assert.equal(busy?.code, Code.UNAVAILABLE)
  const response = await post({ 'x-token': 'token busy' })
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '3'])
  assert.equal((await call({ 'x-token': 'token bug' }))?.code, Code.INTERNAL)
  assert.equal((await post({ 'x-token': 'token bug' })).status, 500)
  assert.equal(context.recorded.lines.filter(({ level }) => level === 'error').length, 2)
  assert.equal(await call({ 'x-token': 'token alice' }), undefined)
})

test('the body of a request that is not let in is never read', async () => {
  const { receiver, post } = await start(auth, authenticated)
  const [host, port] = (receiver.addresses.http ?? '').split(':')
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': 1e12 }
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const outgoing = request({ host, port, path: '/v1/logs', method: 'POST', headers }, (response) =>
    resolve(response.resume().statusCode),
  )
  outgoing.on('error', reject)
  outgoing.write('x')
  assert.equal(await promise, 401)
  outgoing
    .off('error', reject)
    .on('error', () => {})
    .destroy()
  assert.equal((await post({ 'x-token': 'token alice' })).status, 200)
})

test('request_params let a query parameter stand for a header', async () => {
  const { instance, context } = build(
    factory,
    'protocols: {http: {endpoint: "127.0.0.1:0", auth: {authenticator: tokens, request_params: [x-token]}}}',
    { capabilities: new Map(authenticated) },
  )
  const receiver = instance as OtlpReceiver
  closers.push(() => receiver.shutdown(AbortSignal.abort()))
  await receiver.start()
  const response = await fetch(`http://${receiver.addresses.http}/v1/logs?x-token=token%20alice`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body,
  })
  assert.equal(response.status, 200)
  assert.deepEqual(context.recorded.emitted[0]?.batch.origin.auth, { who: 'alice' })
})

test('a preflight is answered without credentials, as browsers need it', async () => {
  const { instance } = build(
    factory,
    'protocols: {http: {endpoint: "127.0.0.1:0", auth: {authenticator: tokens}, cors: {allowed_origins: ["https://shop"], allowed_headers: [x-token]}}}',
    { capabilities: new Map(authenticated) },
  )
  const receiver = instance as OtlpReceiver
  closers.push(() => receiver.shutdown(AbortSignal.abort()))
  await receiver.start()
  const headers = {
    origin: 'https://shop',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-token',
  }
  const url = `http://${receiver.addresses.http}/v1/logs`
  const preflight = await fetch(url, { method: 'OPTIONS', headers })
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, 'https://shop'])
  const refused = await fetch(url, { method: 'POST', headers: { origin: 'https://shop' }, body })
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, 'https://shop'])
})

test('middlewares come after authentication, and refuse with the time to come back', async () => {
  let isFull = true
  const seen: string[] = []
  const limit: ServerMiddleware = {
    admit({ protocol, path: asked }) {
      seen.push(`${protocol} ${asked}`)
      if (isFull) throw new StatusError(Code.RESOURCE_EXHAUSTED, 'full', 1_500)
    },
  }
  const { call, post, emitted } = await start(`${auth}, middlewares: [{id: limit}]`, [
    ...authenticated,
    [serverMiddleware, limit],
  ])
  await call()
  assert.equal((await post()).status, 401)
  assert.deepEqual(seen, [])
  const headers = { 'x-token': 'token alice' }
  const refused = await call(headers)
  assert.deepEqual([refused?.code, refused?.details], [Code.RESOURCE_EXHAUSTED, 'full'])
  const [details] = refused?.metadata.get('grpc-status-details-bin') ?? []
  assert.equal(decodeStatus(details as Buffer).retryDelayMs, 1_500)
  const response = await post(headers)
  assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '2'])
  assert.deepEqual(seen, [`grpc ${path}`, 'http /v1/logs'])
  isFull = false
  assert.equal(await call({ 'x-token': 'token late' }), undefined)
  assert.equal((await post(headers)).status, 200)
  assert.equal(emitted.length, 2)
})

test("extensions that are missing stop the start, with upstream's texts and the cure", async () => {
  for (const [yaml, message] of [
    [
      'grpc: {endpoint: "127.0.0.1:0", auth: {authenticator: oidc}}',
      'failed to resolve authenticator "oidc": authenticator not found; add "oidc" to service::extensions',
    ],
    [
      'http: {endpoint: "127.0.0.1:0", auth: {authenticator: oidc}}',
      'failed to resolve authenticator "oidc": authenticator not found; add "oidc" to service::extensions',
    ],
    [
      'http: {endpoint: "127.0.0.1:0", middlewares: [{id: limit}]}',
      'failed to resolve middleware "limit": middleware not found; add "limit" to service::extensions',
    ],
    [
      'grpc: {endpoint: "127.0.0.1:0", middlewares: [{id: limit}]}',
      'failed to get gRPC server options from middleware: failed to resolve middleware "limit": middleware not found; add "limit" to service::extensions',
    ],
  ] as const)
    await assert.rejects(async () => build(factory, `protocols: {${yaml}}`).instance.start?.(), { message })
})
