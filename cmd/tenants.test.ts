/** Whatever stands between them: the data of one tenant never goes out under the name of another. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import forward from '../connectors/forward/index.ts'
import otlpHttp from '../exporters/otlp_http/index.ts'
import basicAuth from '../extensions/basic_auth/index.ts'
import bearerTokenAuth from '../extensions/bearer_token_auth/index.ts'
import fileStorage from '../extensions/file_storage/index.ts'
import headersSetter from '../extensions/headers_setter/index.ts'
import { noOrigin } from '../pipeline/data/batch.ts'
import { newLogs } from '../pipeline/data/builders.ts'
import { readOtlp } from '../pipeline/data/read-otlp.ts'
import type { Logs, Origin } from '../pipeline/data/telemetry.ts'
import { startEngine } from '../pipeline/testing/engine.ts'
import { memorySink, memorySource } from '../pipeline/testing/memory.ts'
import batch from '../processors/batch/index.ts'
import otlp from '../receivers/otlp/index.ts'

interface Request {
  /** The exporter, by the path of its endpoint. */
  readonly sink: string
  readonly tenant: string | undefined
  readonly user: string | undefined
  /** Whose each item is, by what it says itself. */
  readonly owners: readonly string[]
}
let requests: Request[] = []
/** Answers every so often that it has no time, so that retries are part of the story. */
let refuseEvery = 0
let seen = 0

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    if (refuseEvery > 0 && ++seen % refuseEvery === 0) return void response.writeHead(503).end()
    const { headers, url = '' } = request
    const items = readOtlp('logs', new Uint8Array(Buffer.concat(parts)), 'proto', noOrigin)
    requests.push({
      sink: url.split('/')[1] ?? '',
      tenant: headers['x-tenant'] as string | undefined,
      user: headers['x-user'] as string | undefined,
      owners: ownersOf(items),
    })
    response.writeHead(200).end()
  })
})
before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
after(() => void server.close())
const port = () => (server.address() as AddressInfo).port

function ownersOf(items: Logs): string[] {
  return Array.from(items, ({ body }) => body as string)
}
function logsOf(tenant: string, count: number, origin: Origin): Logs {
  const builder = newLogs(origin).resource({ 'service.name': 'shop' })
  for (let i = 0; i < count; i++) builder.record({ body: tenant })
  return builder.build()
}

const batchSettings = fc.constantFrom(
  'batch/none',
  'batch/fast: {timeout: 5ms, send_batch_size: 7}',
  'batch/large: {timeout: 20ms, send_batch_size: 100, send_batch_max_size: 120}',
  'batch/tiny: {timeout: 1ms, send_batch_size: 1, send_batch_max_size: 3}',
)
const queueSettings = fc.constantFrom(
  '{enabled: false}',
  '{}',
  '{num_consumers: 2, batch: {min_size: 20, flush_timeout: 5ms}}',
  '{num_consumers: 1, batch: {min_size: 5, max_size: 9, flush_timeout: 2ms}}',
  '{storage: file_storage, num_consumers: 2}',
  '{storage: file_storage, num_consumers: 2, batch: {min_size: 20, max_size: 30, flush_timeout: 5ms}}',
  '{sizer: bytes, queue_size: 10000000, batch: {sizer: bytes, min_size: 2000, max_size: 3000, flush_timeout: 5ms}}',
)
const layout = fc.record({
  /** Of each pipeline: its processors. The first takes from the source, the others from a connector. */
  processors: fc.array(fc.uniqueArray(batchSettings, { maxLength: 2 }), { minLength: 1, maxLength: 4 }),
  queues: fc.array(queueSettings, { minLength: 1, maxLength: 2 }),
  /** Whether every pipeline has all exporters, or only the last one. */
  isWide: fc.boolean(),
  tenants: fc.integer({ min: 2, max: 5 }),
  sends: fc.integer({ min: 5, max: 40 }),
  by: fc.constantFrom('metadata', 'auth', 'both'),
  refuseEvery: fc.constantFrom(0, 5),
})
type Layout = typeof layout extends fc.Arbitrary<infer T> ? T : never

/** A chain of pipelines, joined by connectors, each of which feeds all that follow. */
function yamlOf({ processors, queues, isWide }: Layout, folder: string): { yaml: string; copies: number } {
  const used = new Set(processors.flat().filter((name) => name !== 'batch/none'))
  const ids = (names: readonly string[]) =>
    names.flatMap((name) => (name === 'batch/none' ? [] : [name.slice(0, name.indexOf(':'))]))
  const sinks = queues.map((_, i) => `otlp_http/${i}`)
  const links = processors.slice(1).map((_, i) => `forward/${i + 1}`)
  const pipelines = processors.map((names, i) => {
    const isLast = i === processors.length - 1
    const exporters = [...links.slice(i), ...(isWide || isLast ? [...sinks, 'sink'] : [])]
    return `    logs/${i}: { receivers: [${i === 0 ? 'source' : links[i - 1]}], processors: [${ids(names).join(', ')}], exporters: [${exporters.join(', ')}] }`
  })
  // Ways from the first pipeline to each: the sum of those to all before it.
  const ways = processors.reduce<number[]>((all) => [...all, all.length === 0 ? 1 : all.reduce((a, b) => a + b)], [])
  const copies = isWide ? ways.reduce((a, b) => a + b) : ways.at(-1)!
  const exporters = queues.map(
    (queue, i) =>
      `  otlp_http/${i}: { endpoint: "http://127.0.0.1:${port()}/${i}", compression: none, auth: { authenticator: headers_setter }, retry_on_failure: { initial_interval: 2ms }, sending_queue: ${queue} }`,
  )
  const yaml = `
receivers: { source: }
processors: { ${[...used].join(', ')} }
connectors: { ${links.map((link) => `${link}: `).join(', ')} }
exporters:
  sink:
${exporters.join('\n')}
extensions:
  file_storage: { directory: ${folder} }
  headers_setter:
    headers:
      - { action: upsert, key: x-tenant, from_context: tenant, default_value: nobody }
      - { action: upsert, key: x-user, from_attribute: username, default_value: nobody }
service:
  extensions: [file_storage, headers_setter]
  pipelines:
${pipelines.join('\n')}
`
  return { yaml, copies }
}

test('over random pipelines every request carries the tenant of each of its items, and no item is lost', async () => {
  await fc.assert(
    fc.asyncProperty(layout, async (chosen) => {
      requests = []
      seen = 0
      refuseEvery = chosen.refuseEvery
      const folder = mkdtempSync(join(tmpdir(), 'vigil-tenants-'))
      const { yaml, copies } = yamlOf(chosen, folder)
      const source = memorySource()
      const sink = memorySink()
      const factories = [source.factory, sink.factory, batch, forward, otlpHttp, headersSetter, fileStorage]
      const { stop } = await startEngine(yaml, factories)
      const sends = Array.from({ length: chosen.sends }, async (_, i) => {
        const tenant = `tenant-${i % chosen.tenants}`
        const origin: Origin = {
          address: `10.0.0.${i}:1`,
          metadata: new Map([
            ['request-id', [String(i)]],
            ...(chosen.by === 'auth' ? [] : [['tenant', [tenant]] as const]),
          ]),
          ...(chosen.by === 'metadata' ? {} : { auth: { username: tenant, ticket: i } }),
        }
        await source.send(logsOf(tenant, 1 + (i % 6), origin))
      })
      await Promise.all(sends)
      const sent = Array.from({ length: chosen.sends }, (_, i) => 1 + (i % 6)).reduce((a, b) => a + b)
      // A retry is not repeated at shutdown: everything has to be there before.
      const arrived = () => requests.reduce((sum, { owners }) => sum + owners.length, 0)
      const deadline = Date.now() + 5_000
      while (arrived() < sent * copies * chosen.queues.length && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 2))
      await stop()
      rmSync(folder, { recursive: true })
      for (const { tenant, user, owners } of requests) {
        assert.equal(new Set(owners).size, 1, `one request with items of ${[...new Set(owners)].join(', ')}`)
        assert.equal(tenant, chosen.by === 'auth' ? 'nobody' : owners[0])
        assert.equal(user, chosen.by === 'metadata' ? 'nobody' : owners[0])
      }
      for (const [i] of chosen.queues.entries()) {
        const count = requests.filter((one) => one.sink === String(i)).reduce((sum, one) => sum + one.owners.length, 0)
        assert.equal(count, sent * copies, `items at sink ${i}`)
      }
      // Nobody reads anything of the origin here, so that tenants may merge: then the batch names none of them.
      for (const { batch: received } of sink.received) {
        const owners = new Set(ownersOf(received as Logs))
        const { metadata, auth } = received.origin
        for (const owner of owners) {
          assert.ok((metadata.get('tenant')?.[0] ?? owner) === owner)
          assert.ok(((auth as { username?: string } | undefined)?.username ?? owner) === owner)
        }
      }
    }),
    { numRuns: 20 },
  )
})

test('a reload that begins to read the tenant never sends one under the name of another', async () => {
  requests = []
  refuseEvery = 0
  const source = memorySource()
  const yaml = (auth: string) => `
receivers: { source: }
processors: { batch: { timeout: 3ms, send_batch_size: 20 } }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:${port()}/0", compression: none${auth}, sending_queue: { batch: { flush_timeout: 5ms, min_size: 30 } } } }
extensions: { headers_setter: { headers: [{ action: upsert, key: x-tenant, from_context: tenant }] } }
service: { extensions: [headers_setter], pipelines: { logs: { receivers: [source], processors: [batch], exporters: [otlp_http] } } }
`
  const { change, stop } = await startEngine(yaml(''), [source.factory, batch, otlpHttp, headersSetter])
  let isOver = false
  let sent = 0
  const send = async (tenant: string) => {
    while (!isOver) {
      await source.send(logsOf(tenant, 3, { metadata: new Map([['tenant', [tenant]]]) }))
      sent += 3
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const senders = ['red', 'green', 'blue'].map(send)
  for (const auth of [', auth: { authenticator: headers_setter }', '', ', auth: { authenticator: headers_setter }']) {
    await change(yaml(auth))
    const before = requests.length
    while (requests.length < before + 5) await new Promise((resolve) => setImmediate(resolve))
  }
  isOver = true
  await Promise.all(senders)
  await stop()
  for (const { tenant, owners } of requests)
    if (tenant !== undefined && tenant !== '') assert.deepEqual([...new Set(owners)], [tenant])
  assert.equal(
    requests.reduce((sum, { owners }) => sum + owners.length, 0),
    sent,
  )
})

test('a change of an extension reaches who uses it through another one', async () => {
  requests = []
  refuseEvery = 0
  const source = memorySource()
  const yaml = (token: string) => `
receivers: { source: }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:${port()}/0", compression: none, auth: { authenticator: headers_setter }, sending_queue: { enabled: false } } }
extensions:
  headers_setter: { additional_auth: bearer_token_auth, headers: [{ action: upsert, key: x-user, value: us }] }
  bearer_token_auth: { header: x-tenant, scheme: "", token: ${token} }
service: { extensions: [headers_setter, bearer_token_auth], pipelines: { logs: { receivers: [source], exporters: [otlp_http] } } }
`
  const { change, stop } = await startEngine(yaml('one'), [source.factory, otlpHttp, headersSetter, bearerTokenAuth])
  await source.send(logsOf('x', 1, noOrigin))
  const report = await change(yaml('two'))
  await source.send(logsOf('x', 1, noOrigin))
  await stop()
  assert.deepEqual(report, { kept: 1, changed: 3, added: 0, removed: 0 })
  assert.deepEqual(
    requests.map(({ tenant, user }) => [tenant, user]),
    [
      ['one', 'us'],
      ['two', 'us'],
    ],
  )
})

test('what a client logs in as and says goes from the receiver through batch and queue to the backend', async () => {
  requests = []
  refuseEvery = 0
  const yaml = `
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0", include_metadata: true, auth: { authenticator: basicauth } } } }
processors: { batch: { timeout: 10s } }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:${port()}/0", compression: none, auth: { authenticator: headers_setter } } }
extensions:
  basicauth: { htpasswd: { inline: "alice:one\\nbob:two" } }
  headers_setter:
    headers:
      - { action: upsert, key: x-tenant, from_context: X-Scope-OrgID }
      - { action: upsert, key: x-user, from_attribute: username }
service: { extensions: [basicauth, headers_setter], pipelines: { logs: { receivers: [otlp], processors: [batch], exporters: [otlp_http] } } }
`
  let address = ''
  const spied = {
    ...otlp,
    create: (config: unknown, context: Parameters<typeof otlp.create>[1]) => {
      const receiver = otlp.create(config, context) as ReturnType<typeof otlp.create> & {
        addresses: { http: string }
      }
      return Object.assign(receiver, {
        start: async () => {
          await Object.getPrototypeOf(receiver).start.call(receiver)
          address = receiver.addresses.http
        },
      })
    },
  }
  const { stop } = await startEngine(yaml, [spied, batch, otlpHttp, headersSetter, basicAuth])
  const post = (user: string, password: string, tenant: string) =>
    fetch(`http://${address}/v1/logs`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        'x-scope-orgid': tenant,
      },
      body: Buffer.concat(logsOf(`${tenant}/${user}`, 2, noOrigin).chunks),
    }).then((response) => response.status)
  const statuses = await Promise.all([
    post('alice', 'one', 'red'),
    post('bob', 'two', 'red'),
    post('alice', 'one', 'blue'),
    post('alice', 'one', 'red'),
    post('alice', 'two', 'red'),
    post('mallory', '', 'red'),
  ])
  await stop()
  assert.deepEqual(statuses, [200, 200, 200, 200, 401, 401])
  for (const { tenant, user, owners } of requests) assert.deepEqual([...new Set(owners)], [`${tenant}/${user}`])
  assert.equal(requests.length, 3)
  assert.equal(requests.flatMap(({ owners }) => owners).length, 8)
})
