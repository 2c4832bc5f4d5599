import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { ConfigError } from '../../pipeline/config/config.ts'
import type { EngineView } from '../../pipeline/telemetry/engine-view.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { config } from './config.ts'
import { goDuration, rfc3339Nano } from './health.ts'
import factory from './index.ts'

const nothing = { kind: 'extension', signals: [], outputs: [] } as const
type Changing = { -readonly [K in keyof EngineView]: EngineView[K] }

/** A running health check on a free port, over an engine whose phase the test sets. */
async function start(yaml: string) {
  const context = testContext(nothing)
  const engine: Changing = { ...context.engine, phase: 'starting', readySinceUnixNano: 0n }
  const instance = factory.create(config.parse({ endpoint: '127.0.0.1:0', ...parse(yaml) }), { ...context, engine })
  await instance.start?.()
  const address = String(context.recorded.lines.find(({ fields }) => fields['endpoint'])?.fields['endpoint'])
  const get = async (path = '/', method = 'GET') => {
    const response = await fetch(`http://${address}${path}`, { method })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
      response,
    }
  }
  return { engine, context, address, get, stop: () => instance.shutdown?.(AbortSignal.timeout(1_000)) }
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
      ['use_v2: true\nhttp: { endpoint: localhost:1 }', /v2 healthcheck configuration \(http\/grpc fields\) detected/],
      ['port: 1', /has invalid keys: port/],
    ]
    for (const [yaml, message] of cases) {
      assert.throws(
        () => build(factory, yaml, nothing),
        (error) => error instanceof ConfigError && message.test(error.message),
      )
    }
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
