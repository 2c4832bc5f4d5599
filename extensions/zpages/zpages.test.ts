import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type ServerAuthenticator,
  serverAuthentication,
  Unauthenticated,
} from '../../pipeline/capability/authentication.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { ComponentView, EngineView } from '../../pipeline/telemetry/engine-view.ts'
import { Tracer } from '../../pipeline/telemetry/tracer.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

const nothing = { kind: 'extension', signals: [], outputs: [] } as const
const component = (kind: ComponentView['kind'], id: string, more: Partial<ComponentView> = {}): ComponentView => ({
  kind,
  id,
  pipeline: undefined,
  state: 'ok',
  message: '',
  sinceUnixNano: 1_700_000_000_000_000_000n,
  stability: { traces: 'beta' },
  config: { token: '[REDACTED]' },
  taken: {},
  given: {},
  ...more,
})
const engine: Partial<EngineView> = {
  components: [
    component('receiver', 'otlp', { given: { traces: { batches: 3, items: 41, bytes: 999, refusedItems: 7 } } }),
    component('processor', 'batch', { pipeline: 'traces', config: { note: '<script>alert(1)</script>' } }),
    component('connector', 'forward'),
    component('exporter', 'otlp_http/<b>', { state: 'recoverable', message: 'refused & "retried"' }),
    component('extension', 'zpages'),
  ],
  pipelines: [
    { id: 'traces', signal: 'traces', receivers: ['otlp'], processors: ['batch'], exporters: ['forward'] },
    { id: 'traces/2', signal: 'traces', receivers: ['forward'], processors: [], exporters: ['otlp_http/<b>'] },
  ],
  featureGates: [{ id: 'some.gate', enabled: true, stage: 'Alpha', description: "It's a gate" }],
}

async function open(yaml = '', more: Partial<EngineView> = {}, options: TestContextOptions = {}) {
  const view = { ...engine, ...more }
  const { instance, context } = build(factory, `endpoint: 127.0.0.1:0\n${yaml}`, {
    ...nothing,
    engine: view,
    ...options,
  })
  await instance.start?.()
  const address = String(context.recorded.lines.find(({ fields }) => fields['endpoint'])?.fields['endpoint'])
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://${address}${path}`, { headers })
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
  }
  return { get, stop: () => instance.shutdown?.(AbortSignal.timeout(1_000)) }
}

describeContract(factory, 'endpoint: 127.0.0.1:0', nothing)

suite('zpages', () => {
  test('an authenticator says who may look', async () => {
    const authenticator: ServerAuthenticator = {
      authenticate(header) {
        if (header('x-token')?.[0] !== 'secret') throw new Unauthenticated('no token provided')
        return undefined
      },
    }
    const capabilities = new Map([[serverAuthentication, authenticator]])
    const { get, stop } = await open('auth: {authenticator: tokens}', {}, { capabilities })
    const refused = await get('/debug/servicez')
    assert.deepEqual([refused.status, refused.body], [401, 'no token provided\n'])
    assert.equal((await get('/debug/servicez', { 'x-token': 'secret' })).status, 200)
    await stop()
    await assert.rejects(open('auth: {authenticator: tokens}'), /failed to resolve authenticator "tokens"/)
  })

  test('each page says what it is for, the rest is 404', async () => {
    const { get, stop } = await open()
    const cases: [path: string, status: number, holds: RegExp][] = [
      ['/debug/servicez', 200, /Service vigil[\s\S]*Version[\s\S]*0\.0\.0/],
      ['/debug/pipelinez', 200, /traces\/2[\s\S]*forward \(connector\)/],
      ['/debug/extensionz', 200, /zextensionname=zpages/],
      ['/debug/featurez', 200, /some\.gate<\/td><td>true<\/td><td>It&#39;s a gate/],
      ['/debug/tracez', 200, /No spans yet/],
      ['/debug/expvarz', 404, /404 page not found/],
      ['/debug/', 404, /404/],
      ['/', 404, /404/],
    ]
    for (const [path, status, holds] of cases) {
      const page = await get(path)
      assert.equal(page.status, status, path)
      assert.match(page.body, holds, path)
      assert.equal(page.type, status === 200 ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8')
    }
    await stop()
  })

  test('a component is shown with its state and config, and nothing of it becomes HTML', async () => {
    const { get, stop } = await open()
    const { body } = await get('/debug/pipelinez?zpipelinename=traces&zcomponentname=batch&zcomponentkind=processor')
    assert.match(body, /<h3>batch<\/h3>/)
    assert.match(body, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/)
    assert.doesNotMatch(body, /<script>|<b>/)
    const exporter = await get('/debug/pipelinez?zcomponentname=otlp_http%2F%3Cb%3E&zcomponentkind=exporter')
    assert.match(exporter.body, /class="bad">recoverable[\s\S]*refused &amp; &quot;retried&quot;/)
    const unknown = await get(`/debug/pipelinez?zcomponentname=${encodeURIComponent('<img src=x>')}`)
    assert.match(unknown.body, /No component &lt;img src=x&gt; here/)
    await stop()
  })

  test('/debug/componentz is JSON with every component and pipeline', async () => {
    const { get, stop } = await open()
    const { type, body } = await get('/debug/componentz')
    assert.equal(type, 'application/json; charset=utf-8')
    const { components, pipelines } = JSON.parse(body) as {
      components: { sinceUnixNano: string }[]
      pipelines: unknown[]
    }
    assert.deepEqual([components.length, components[0]?.sinceUnixNano, pipelines.length], [5, '1700000000000000000', 2])
    await stop()
  })

  test('pipelinez shows what went over each edge', async () => {
    const { get, stop } = await open()
    const { body } = await get('/debug/pipelinez')
    const cells = ['traces', 'otlp', 'receiver', '', '', '', '', '3', '41', '999', '7']
    assert.ok(body.includes(cells.map((cell) => `<td>${cell}</td>`).join('')))
    await stop()
  })

  test('tracez shows spans by latency and by error, with their attributes, while it is served', async () => {
    const tracer = new Tracer()
    const { get, stop } = await open('', { spans: tracer })
    assert.ok(tracer.isOn)
    const batch = newLogs().resource({}).record({}).build()
    const received = tracer.received('receiver/otlp/LogsReceived', batch, { transport: 'grpc' })
    tracer.end(tracer.work('exporter/x/logs', batch, [], {}), { 'items.failed': 1 }, new Error('no <route>'))
    const running = await get('/debug/tracez?zspanname=receiver%2Fotlp%2FLogsReceived&ztype=0')
    assert.match(running.body, new RegExp(`${received.spanId}[\\s\\S]*transport=&quot;grpc&quot;`))
    tracer.end(received, { accepted_log_records: 1 })
    const failed = await get('/debug/tracez?zspanname=exporter%2Fx%2Flogs&ztype=2')
    assert.match(failed.body, /items\.failed=1\s*error: no &lt;route&gt;/)
    assert.match(failed.body, new RegExp(received.spanId))
    const bucket = tracer.ring
      .summaries()
      .at(-1)
      ?.latency.findIndex(({ count }) => count === 1)
    const done = await get(`/debug/tracez?zspanname=receiver%2Fotlp%2FLogsReceived&ztype=1&zlatencybucket=${bucket}`)
    assert.match(done.body, /accepted_log_records=1/)
    await stop()
    assert.ok(!tracer.isOn && tracer.ring.summaries().length === 0)
  })

  test('expvar is served when it is asked for', async () => {
    const { get, stop } = await open('expvar: { enabled: true }')
    const { body } = await get('/debug/expvarz')
    assert.ok('memstats' in (JSON.parse(body) as object))
    await stop()
  })

  test('an empty endpoint is refused', () => {
    const message = /"endpoint" is required when using the "zpages" extension/
    assert.throws(
      () => build(factory, "endpoint: ''", nothing),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  })
})
