import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import {
  type ServerAuthenticator,
  serverAuthentication,
  Unauthenticated,
} from '../../pipeline/capability/authentication.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { GrpcClient } from '../../pipeline/net/grpc-client.ts'
import { clientTlsKeys } from '../../pipeline/net/tls.ts'
import type { ComponentView, EngineView } from '../../pipeline/telemetry/engine-view.ts'
import { build } from '../../pipeline/testing/build.ts'
import { type TestContextOptions, testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { config } from './config.ts'
import { goDuration, rfc3339Nano } from './health.ts'
import factory from './index.ts'

const nothing = { kind: 'extension', signals: [], outputs: [] } as const
type Changing = { -readonly [K in keyof EngineView]: EngineView[K] }

/** A running health check on a free port, over an engine whose phase the test sets. */
async function start(
  yaml: string,
  featureGates: EngineView['featureGates'] = [],
  options: Partial<TestContextOptions> = {},
) {
  const context = testContext({ ...nothing, ...options })
  let phase: (phase: EngineView['phase']) => void = () => {}
  const onPhase = (listener: typeof phase) => {
    phase = listener
    return () => {}
  }
  const engine: Changing = { ...context.engine, phase: 'starting', readySinceUnixNano: 0n, featureGates, onPhase }
  const instance = factory.create(config.parse({ endpoint: '127.0.0.1:0', ...parse(yaml) }), { ...context, engine })
  await instance.start?.()
  const address = String(context.recorded.lines.find(({ fields }) => fields['endpoint'])?.fields['endpoint'])
  const get = async (path = '/', method = 'GET', headers: Record<string, string> = {}) => {
    const response = await fetch(`http://${address}${path}`, { method, headers })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
      response,
    }
  }
  return {
    engine,
    context,
    address,
    get,
    phase: (next: EngineView['phase']) => phase(next),
    stop: () => instance.shutdown?.(AbortSignal.timeout(1_000)),
  }
}

const ends = { receivers: ['otlp'], processors: [], exporters: ['debug'] }
const traces = { id: 'traces', signal: 'traces', ...ends } as const
const logs = { id: 'logs', signal: 'logs', ...ends } as const
const part = (
  kind: ComponentView['kind'],
  id: string,
  state: ComponentView['state'] = 'ok',
  message = '',
): ComponentView => ({
  kind,
  id,
  state,
  message,
  pipeline: undefined,
  sinceUnixNano: 1_700_000_000_000_000_000n,
  stability: {},
  config: { token: '[REDACTED]' },
  taken: {},
  given: {},
})
const status = async (got: Promise<{ status: number; body: string }>): Promise<[number, unknown]> => {
  const { status: code, body } = await got
  return [code, JSON.parse(body)]
}

describeContract(factory, 'endpoint: 127.0.0.1:0', nothing)

suite('health_check', () => {
  test('503 before the pipelines run, 200 while they do, 503 while they stop, with the bodies of upstream', async () => {
    const { engine, context, get, stop } = await start('{}')
    const unavailable = '{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}'
    const seen = async () => {
      const { status, type, body } = await get()
      assert.equal(type, 'application/json')
      return [status, body]
    }
    assert.deepEqual(await seen(), [503, unavailable])
    engine.phase = 'ready'
    engine.readySinceUnixNano = context.clock.nowUnixNano()
    await context.clock.advance(218.953273)
    assert.deepEqual(await seen(), [
      200,
      '{"status":"Server available","upSince":"2023-11-14T22:13:20Z","uptime":"218.953273ms"}',
    ])
    engine.phase = 'stopping'
    assert.deepEqual(await seen(), [503, unavailable])
    await stop()
  })

  test('`/` answers every path and method; another path only itself', async () => {
    const all = await start('{}')
    assert.deepEqual([(await all.get('/any')).status, (await all.get('/', 'POST')).status], [503, 503])
    await all.stop()
    const one = await start('path: /health')
    const statuses = await Promise.all(['/health', '/health?x=1', '/', '/healthy'].map(async (path) => (await one.get(path)).status)) // biome-ignore format: one thing
    assert.deepEqual(statuses, [503, 503, 404, 404])
    await one.stop()
  })

  test('bodies and headers can be chosen', async () => {
    const { engine, get, stop } = await start(
      'response_body: { healthy: yes, unhealthy: no }\nresponse_headers: { x-a: b }',
    )
    const first = await get()
    engine.phase = 'ready'
    const second = await get()
    assert.deepEqual([first.body, second.body], ['no', 'yes'])
    assert.equal(second.response.headers.get('x-a'), 'b')
    await stop()
  })

  test('a port in use is told with its address', async () => {
    const { address, stop } = await start('{}')
    await assert.rejects(start(`endpoint: ${address}`), {
      message: `failed to bind to address ${address}: listen tcp ${address}: bind: address already in use`,
    })
    await stop()
  })

  test('the keys of upstream are accepted, its mistakes told in its words', () => {
    build(factory, 'check_collector_pipeline: { enabled: true, interval: 5m, exporter_failure_threshold: 5 }', nothing)
    const cases: [yaml: string, message: RegExp][] = [
      ["endpoint: ''", /http endpoint required/],
      ['path: health', /path must start with \//],
      ['use_v2: true', /must specify at least one protocol/],
      ["use_v2: true\nhttp: { endpoint: '' }", /http endpoint required/],
      ["use_v2: true\ngrpc: { endpoint: '' }", /grpc endpoint required/],
      ['use_v2: true\nhttp: { status: { path: x } }', /path must start with \//],
      ['port: 1', /has invalid keys: port/],
    ]
    for (const [yaml, message] of cases) {
      assert.throws(
        () => build(factory, yaml, nothing),
        (error) => error instanceof ConfigError && message.test(error.message),
      )
    }
  })

  test('v2 tells the state of the engine, of one pipeline and of each component, as upstream does', async () => {
    const { engine, context, get, stop } = await start(
      'use_v2: true\nhttp: { endpoint: 127.0.0.1:0, config: { enabled: true } }',
    )
    const at = '2023-11-14T22:13:20Z'
    engine.pipelines = [traces, logs]
    engine.components = [part('receiver', 'otlp'), part('exporter', 'debug'), part('extension', 'health_check')]
    const starting = { start_time: at, healthy: true, status: 'StatusStarting', status_time: at, attributes: {} }
    assert.deepEqual(await status(get('/status')), [503, starting])
    engine.phase = 'ready'
    assert.deepEqual(await status(get('/status')), [200, { ...starting, status: 'StatusOK' }])
    engine.components = [part('receiver', 'otlp'), part('exporter', 'debug', 'permanent', 'disk is full')]
    const one = { healthy: true, status_time: at, attributes: {} }
    const failed = { ...one, status: 'StatusPermanentError', error: 'disk is full' }
    const components = { 'exporter:debug': failed, 'receiver:otlp': { ...one, status: 'StatusOK' } }
    const pipeline = { start_time: at, ...failed, components }
    assert.deepEqual(await status(get('/status?pipeline=traces&verbose')), [200, pipeline])
    const whole = await status(get('/status?verbose'))
    assert.deepEqual(Object.keys((whole[1] as { components: object }).components), ['pipeline:logs', 'pipeline:traces'])
    assert.equal((await get('/status?pipeline=metrics')).status, 404)
    assert.equal((await get('/')).status, 404)
    engine.components = [part('receiver', 'otlp', 'stopped'), part('exporter', 'debug')]
    engine.phase = 'stopping'
    assert.deepEqual((await status(get('/status?pipeline=traces')))[0], 503)
    assert.deepEqual(JSON.parse((await get('/config')).body), {
      receivers: { otlp: { token: '[REDACTED]' } },
      exporters: { debug: { token: '[REDACTED]' } },
      service: { extensions: [], pipelines: { traces: ends, logs: ends } },
    })
    assert.equal(context.recorded.states.length, 0)
    await stop()
  })

  test('component_health: errors count, a recoverable one after its time', async () => {
    const { engine, context, get, stop } = await start(
      `use_v2: true
http: { endpoint: 127.0.0.1:0 }
component_health: { include_permanent_errors: true, include_recoverable_errors: true, recovery_duration: 1m }`,
    )
    engine.phase = 'ready'
    engine.pipelines = [traces]
    engine.components = [part('receiver', 'otlp'), part('exporter', 'debug', 'recoverable', 'refused')]
    const health = async () => {
      const [code, body] = await status(get('/status'))
      return [code, (body as { healthy: boolean }).healthy]
    }
    assert.deepEqual(await health(), [200, true])
    await context.clock.advance(60_000)
    assert.deepEqual(await health(), [500, false])
    engine.components = [part('receiver', 'otlp', 'permanent', 'broken'), part('exporter', 'debug', 'recoverable', '')]
    assert.deepEqual(await health(), [500, false])
    await stop()
  })

  test('v2 over gRPC answers grpc.health.v1 checks', async () => {
    const { engine, address, stop } = await start('use_v2: true\ngrpc: { endpoint: 127.0.0.1:0 }')
    const tls = clientTlsKeys.parse({ insecure: true })
    const client = new GrpcClient({ target: address, tls, headers: [], gzip: false, userAgent: 'test' })
    const check = async (service: string) => {
      const request =
        service === '' ? new Uint8Array() : Buffer.from(`\n${String.fromCharCode(service.length)}${service}`)
      const answer = await client.call('/grpc.health.v1.Health/Check', request, 1_000, new AbortController().signal)
      return [...answer]
    }
    engine.pipelines = [traces]
    engine.components = [part('receiver', 'otlp'), part('exporter', 'debug')]
    assert.deepEqual(await check(''), [8, 2])
    engine.phase = 'ready'
    assert.deepEqual([await check(''), await check('traces')], [[8, 1], [8, 1]]) // biome-ignore format: a table
    await assert.rejects(check('metrics'), { code: 5, details: 'Service not found.' })
    client.close()
    await stop()
  })

  test('an authenticator says who may ask, in each form', async () => {
    const authenticator: ServerAuthenticator = {
      authenticate(header) {
        if (header('x-token')?.[0] !== 'secret') throw new Unauthenticated('no token provided')
        return undefined
      },
    }
    const capabilities = new Map([[serverAuthentication, authenticator]])
    const auth = 'auth: {authenticator: tokens}'
    const allowed = { 'x-token': 'secret' }
    const forms: [yaml: string, path: string][] = [
      [auth, '/'],
      [`use_v2: true\nhttp: { endpoint: 127.0.0.1:0, ${auth} }`, '/status'],
    ]
    for (const [yaml, path] of forms) {
      const { engine, get, stop } = await start(yaml, [], { capabilities })
      engine.phase = 'ready'
      engine.pipelines = [traces]
      engine.components = [part('receiver', 'otlp')]
      assert.deepEqual([(await get(path)).status, (await get(path, 'GET', allowed)).status], [401, 200])
      await stop()
      await assert.rejects(start(yaml), /failed to resolve authenticator "tokens"/)
    }
    const grpc = await start(`use_v2: true\ngrpc: { endpoint: 127.0.0.1:0, ${auth} }`, [], { capabilities })
    grpc.engine.phase = 'ready'
    grpc.engine.pipelines = [traces]
    grpc.engine.components = [part('receiver', 'otlp')]
    const check = async (headers: readonly (readonly [string, string])[]) => {
      const tls = clientTlsKeys.parse({ insecure: true })
      const client = new GrpcClient({ target: grpc.address, tls, headers, gzip: false, userAgent: 'test' })
      const asked = client.call('/grpc.health.v1.Health/Check', new Uint8Array(), 1_000, new AbortController().signal)
      return asked.finally(() => client.close())
    }
    await assert.rejects(check([]), { code: 16, details: 'no token provided' })
    assert.deepEqual([...(await check([['x-token', 'secret']]))], [8, 1])
    await grpc.stop()
  })

  test('the gate of upstream turns v2 on, with the keys of v1 for the rest; without it v2 keys stop the start', async () => {
    const gate = { id: 'extension.healthcheck.useComponentStatus', enabled: true, stage: 'Alpha', description: '' }
    const { engine, get, stop } = await start('path: /health', [gate])
    engine.phase = 'ready'
    engine.pipelines = [traces]
    engine.components = [part('receiver', 'otlp')]
    assert.match((await get('/health')).body, /"status":"StatusOK"/)
    await stop()
    await assert.rejects(start('http: {}'), /v2 healthcheck configuration \(http\/grpc fields\) detected/)
  })

  test('each change of the state is one line of the log, as upstream', async () => {
    const { engine, context, phase, stop } = await start('{}')
    for (const next of ['ready', 'stopping', 'stopped'] as const) {
      engine.phase = next
      phase(next)
    }
    await stop()
    const lines = context.recorded.lines.filter(({ message }) => message === 'Health Check state change')
    assert.deepEqual(
      lines.map(({ fields }) => fields),
      [{ status: 'ready' }, { status: 'unavailable' }],
    )
  })

  test('times and durations are written as Go writes them', () => {
    assert.equal(rfc3339Nano(1_795_439_861_415_550_137n), '2026-11-23T13:17:41.415550137Z')
    assert.equal(rfc3339Nano(1_795_439_861_500_000_000n), '2026-11-23T13:17:41.5Z')
    const durations = [
      0n,
      7n,
      1_500n,
      218_953_273n,
      7_096_021_017n,
      60_000_000_000n,
      3_723_500_000_000n,
      90_000_000_000_000n,
    ]
    assert.deepEqual(durations.map(goDuration), ['0s', '7ns', '1.5µs', '218.953273ms', '7.096021017s', '1m0s', '1h2m3.5s', '25h0m0s']) // biome-ignore format: one thing
  })
})
