import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'
import { batchOf, countsOf, open, pointsOf, type Span, startNano, sumsOf } from './spans.fixture.ts'

describeContract(factory, '{}', { kind: 'connector', accept: () => {} })

test('a request counts for its service, operation, version and instance, in the pane in which it ended', async () => {
  const { send, settle, context } = await open()
  const resource = { 'service.version': '1.2', 'service.namespace': 'sales', 'k8s.cluster.name': 'eu' }
  const common = { service: 'shop', instance: 'shop-1', name: 'GET /', resource }
  await send([
    { ...common, trace: 1, id: 1, at: 1, for: 2 },
    { ...common, trace: 2, id: 1, at: 2, for: 3, failed: true },
    { ...common, trace: 3, id: 1, at: 9, for: 1 },
  ])
  await settle()
  const shop = 'eu//sales'
  const each = (text: (id: string) => readonly (readonly [string, number])[]) =>
    Object.fromEntries(
      [
        `instance:${shop}/shop/shop-1`,
        `operation:${shop}/shop/GET %2F`,
        `service:${shop}/shop`,
        `version:${shop}/shop/1.2`,
      ].flatMap((id) => text(id)),
    )
  assert.deepEqual(
    sumsOf(context, 'requests'),
    each((id) => [
      [`requests ${id}`, 2],
      [`requests ${id} at 10`, 1],
    ]),
  )
  assert.deepEqual(
    sumsOf(context, 'errors'),
    each((id) => [[`errors ${id}`, 1]]),
  )
  assert.deepEqual(
    sumsOf(context, 'duration'),
    each((id) => [
      [`duration ${id}`, 5],
      [`duration ${id} at 10`, 1],
    ]),
  )
  const [point] = pointsOf(context)
  assert.deepEqual(
    [point!.metric.temporality, point!.metric.monotonic, point!.metric.unit, point!.scope.name, point!.timeUnixNano],
    ['delta', true, '{request}', 'vigil/trace_features', startNano + 10_000_000_000n],
  )
  assert.deepEqual(Object.fromEntries(point!.resource.attributes.entries()), {
    'k8s.cluster.name': 'eu',
    'service.namespace': 'sales',
    'service.name': 'shop',
  })
})

test('counts go on with the next flush, long before their trace is complete', async () => {
  const { send, clock, context } = await open('{ wait: 1m }')
  await send([{ service: 'shop', id: 1 }])
  await clock.advance(5_000)
  assert.equal(sumsOf(context, 'requests')['requests service:///shop'], 1)
  assert.deepEqual(sumsOf(context, 'self_time'), {})
})

suite('own time is what is left of a request without the calls that it made', () => {
  const root: Span = { service: 'shop', instance: 'a', id: 1, at: 0, for: 10 }
  const call = (id: number, at: number, seconds: number, more: Partial<Span> = {}): Span => ({
    service: 'shop',
    instance: 'a',
    kind: 'client',
    id,
    parent: 1,
    at,
    for: seconds,
    ...more,
  })
  const cases: readonly (readonly [string, readonly Span[], number])[] = [
    ['without calls', [], 10],
    ['one after another', [call(2, 1, 2), call(3, 5, 3)], 5],
    ['side by side', [call(2, 1, 4), call(3, 2, 5)], 4],
    ['one within another', [call(2, 1, 8), call(3, 2, 1)], 2],
    ['begun by work of its own', [call(2, 1, 8, { kind: 'internal' }), call(3, 2, 5, { parent: 2 })], 5],
    ['work of its own alone', [call(2, 1, 8, { kind: 'internal' })], 10],
    ['a call that goes on after the answer', [call(2, 8, 30)], 8],
    ['a message that somebody processes meanwhile', [call(2, 1, 8, { kind: 'consumer', service: 'mail' })], 10],
    ['a message that is sent', [call(2, 1, 1, { kind: 'producer' })], 9],
    ['a request elsewhere without a span of the call', [call(2, 1, 4, { kind: 'server', service: 'b' })], 6],
    ['one elsewhere whose clock is an hour ahead', [call(2, 3_601, 4, { kind: 'server', service: 'b' })], 6],
    ['very many calls', Array.from({ length: 90 }, (_, i) => call(90 - i, 9 - i / 10, 0.05, { id: 200 - i })), 5.5],
  ]
  for (const [name, others, expected] of cases)
    test(name, async () => {
      for (const spans of [[root, ...others], [root, ...others].reverse()]) {
        const { send, settle, context } = await open()
        await send(spans)
        await settle()
        const at = 'at 10'
        assert.deepEqual(
          Object.entries(sumsOf(context, 'self_time')).filter(([key]) => key.includes('service:///shop ')),
          [[`self_time service:///shop ${at}`, expected]],
        )
      }
    })
})

test('a request within which lies one whose call is lost has no own time that is known', async () => {
  const own: Span = { service: 'shop', id: 1, at: 0, for: 10 }
  const answer: Span = { service: 'b', id: 3, parent: 77, at: 2, for: 4 }
  const call = (at: number): Span => ({ service: 'shop', kind: 'client', id: 2, parent: 1, at, for: 6 })
  const cases: readonly (readonly [readonly Span[], number | undefined])[] = [
    [[own, answer], undefined],
    [[own, answer, call(4)], undefined],
    // It lies within a call that is there: what is lost is further down.
    [[own, answer, call(1)], 4],
    [[own, { ...answer, at: 20 }], 10],
  ]
  for (const [spans, expected] of cases) {
    const { send, settle, context } = await open()
    await send(spans)
    await settle()
    assert.equal(sumsOf(context, 'self_time')['self_time service:///shop at 10'], expected)
  }
})

suite('time on the network is what a call took longer than the request that it was', () => {
  const client: Span = { service: 'a', kind: 'client', id: 2, parent: 1, at: 1, for: 5 }
  const server = (id: number, at: number, seconds: number, service = 'b'): Span => ({
    service,
    instance: `${service}-1`,
    id,
    parent: 2,
    at,
    for: seconds,
  })
  const cases: readonly (readonly [string, readonly Span[], number | undefined])[] = [
    ['within the call', [server(3, 2, 3)], 2],
    ['by a clock an hour ahead', [server(3, 3_602, 3)], 2],
    ['longer than the call, which gave up', [server(3, 2, 30)], 0],
    ['tried again within one call', [server(3, 1, 2), server(4, 4, 2)], 1],
    ['asked of two side by side', [server(3, 1, 4), server(4, 1, 3)], 1],
    ['of two services, nobody knows', [server(3, 1, 2), server(4, 3, 2, 'c')], undefined],
    ['not answered', [], undefined],
  ]
  for (const [name, servers, expected] of cases)
    test(name, async () => {
      const { send, settle, context } = await open()
      await send([{ service: 'a', id: 1, at: 0, for: 7 }, client, ...servers])
      await settle()
      const gaps = expected === undefined ? [] : ['edge:///a -> b', 'instance:///b/b-1', 'service:///b']
      assert.deepEqual(
        sumsOf(context, 'network_gap'),
        Object.fromEntries(gaps.map((id) => [`network_gap ${id}`, expected!])),
      )
    })
})

suite('who called whom', () => {
  const shop: Span = { service: 'shop', id: 1, at: 0, for: 5 }
  const client = (attributes: Record<string, Value>, more: Partial<Span> = {}): Span => ({
    service: 'shop',
    kind: 'client',
    id: 2,
    parent: 1,
    attributes,
    ...more,
  })
  const namespaced = { resource: { 'service.namespace': 'sales' } }
  const cases: readonly (readonly [string, readonly Span[], readonly string[]])[] = [
    [
      'a service that answered',
      [client({ 'server.address': 'pay' }), { service: 'pay', id: 3, parent: 2, ...namespaced }],
      ['edge:///shop -> sales%2Fpay'],
    ],
    [
      'a service whose caller left no span of the call',
      [{ service: 'pay', id: 3, parent: 1 }],
      ['edge:///shop -> pay'],
    ],
    [
      'an address that nobody answered at, with its port',
      [client({ 'server.address': 'api.pay.example', 'server.port': 8443 })],
      ['edge:///shop -> external api.pay.example:8443', 'external:///api.pay.example:8443'],
    ],
    [
      'the same by the old names, without the port that all use',
      [client({ 'net.peer.name': 'api.pay.example', 'net.peer.port': 443 })],
      ['edge:///shop -> external api.pay.example', 'external:///api.pay.example'],
    ],
    [
      'a name that the caller has for it',
      [client({ 'peer.service': 'payments', 'server.address': '10.0.0.1' })],
      ['edge:///shop -> external payments', 'external:///payments'],
    ],
    ['nobody knows', [client({})], []],
    [
      'a call that carries another',
      [client({ 'server.address': 'outer' }), client({ 'server.address': 'inner' }, { id: 3, parent: 2 })],
      ['edge:///shop -> external inner', 'external:///inner'],
    ],
    [
      'a database, its query, and not the call of its driver',
      [
        client({ 'db.system.name': 'elasticsearch', 'server.address': 'es', 'db.operation.name': 'search' }),
        client({ 'server.address': 'es', 'server.port': 9200 }, { id: 3, parent: 2 }),
      ],
      ['database:///es', 'edge:///shop -> database es', 'query:///es search'],
    ],
    [
      'a database by its address and namespace',
      [
        client({
          'db.system.name': 'postgresql',
          'server.address': 'db-1',
          'server.port': 5432,
          'db.namespace': 'orders',
          'db.query.summary': 'SELECT orders',
          'db.query.text': "SELECT * FROM orders WHERE name = 'Ada'",
        }),
      ],
      ['database:///db-1%2Forders', 'edge:///shop -> database db-1%2Forders', 'query:///db-1%2Forders SELECT orders'],
    ],
    [
      'the same by the old names, the query by its text without values',
      [
        client({
          'db.system': 'postgresql',
          'net.peer.name': 'orders',
          'db.name': 'orders',
          'db.statement': "SELECT * FROM orders WHERE name = 'Ada' AND id IN (1, 2)",
        }),
      ],
      [
        'database:///orders',
        'edge:///shop -> database orders',
        'query:///orders SELECT * FROM orders WHERE name = ? AND id IN (?)',
      ],
    ],
    [
      'a cache, whose namespace is a number',
      [client({ 'db.system': 'redis', 'server.address': 'cache', 'server.port': 6380, 'db.namespace': '3' })],
      ['cache:///cache:6380', 'edge:///shop -> cache cache:6380'],
    ],
    [
      'a queue, on both of its sides',
      [
        client({ 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' }, { kind: 'producer' }),
        {
          service: 'mail',
          kind: 'consumer',
          id: 3,
          parent: 2,
          attributes: { 'messaging.destination.name': 'orders', 'messaging.operation.type': 'process' },
        },
      ],
      ['edge:///queue orders -> mail', 'edge:///shop -> queue orders', 'queue:///orders'],
    ],
    [
      'a look into a queue is no request',
      [
        client(
          { 'messaging.system': 'kafka', 'messaging.destination': 'orders', 'messaging.operation': 'receive' },
          { kind: 'consumer' },
        ),
      ],
      [],
    ],
  ]
  const others = /^requests (edge|external|database|query|cache|queue):/
  for (const [name, spans, expected] of cases)
    test(name, async () => {
      const { send, settle, context } = await open()
      await send([shop, ...spans])
      await settle()
      const found = Object.entries(sumsOf(context, 'requests')).filter(([key]) => others.test(key))
      assert.deepEqual(
        found,
        expected.map((id) => [`requests ${id}`, 1]),
      )
    })

  test('an edge says what kind of call it is, and has the ids of both ends', async () => {
    const { send, settle, context } = await open()
    await send([shop, client({ 'db.system': 'redis', 'server.address': 'cache' })])
    await settle()
    const point = pointsOf(context).find(({ attributes }) => attributes.get('vigil.entity.kind') === 'edge')
    assert.deepEqual(Object.fromEntries(point!.attributes.entries()), {
      'vigil.entity.kind': 'edge',
      'vigil.entity.name': 'shop -> cache cache',
      'vigil.edge.source': 'service:///shop',
      'vigil.edge.target': 'cache:///cache',
      'vigil.edge.type': 'cache',
    })
  })

  test('a call that nobody answered went to the service that answers at that address', async () => {
    const { send, settle, context } = await open()
    const to = (trace: number, failed: boolean) => ({ ...client({ 'server.address': 'pay' }), trace, failed })
    await send([{ ...shop, trace: 7 }, to(7, true)])
    await send([shop, to(1, false), { service: 'pay', id: 3, parent: 2 }])
    await settle()
    assert.deepEqual(
      Object.entries(sumsOf(context, 'requests', 'errors')).filter(([key]) => others.test(key) || key.includes('edge')),
      [
        ['errors edge:///shop -> pay', 1],
        ['requests edge:///shop -> pay', 2],
      ],
    )
  })

  test('an address at which several services answer is a gateway: nobody knows for whom an unanswered call was', async () => {
    const { send, settle, context } = await open()
    const trace = (n: number, service: string): Span[] => [
      { ...shop, trace: n },
      { ...client({ 'server.address': 'gateway' }), trace: n },
      ...(service === '' ? [] : [{ service, trace: n, id: 3, parent: 2 }]),
    ]
    await send([...trace(1, 'a'), ...trace(2, 'b'), ...trace(3, '')])
    await settle()
    const edges = Object.keys(sumsOf(context, 'requests')).filter((key) => key.includes('edge'))
    assert.deepEqual(edges, [
      'requests edge:///shop -> a',
      'requests edge:///shop -> b',
      'requests edge:///shop -> external gateway',
    ])
  })
})

suite('what an error is', () => {
  const cases: readonly (readonly [string, Partial<Span> & { code?: number }, number])[] = [
    ['the status of the span', { failed: true }, 1],
    ['an HTTP status of 500 or more where the span has none', { attributes: { 'http.response.status_code': 503 } }, 1],
    ['the same by the old name', { attributes: { 'http.status_code': 500 } }, 1],
    ['not what the client did wrong', { attributes: { 'http.response.status_code': 404 } }, 0],
  ]
  for (const [name, more, expected] of cases)
    test(name, async () => {
      const { send, settle, context } = await open()
      await send([{ service: 'shop', id: 1, ...more }])
      await settle()
      assert.equal(sumsOf(context, 'errors')['errors service:///shop'] ?? 0, expected)
    })

  test("a caller's error counts for its edge, and not for the service that it called", async () => {
    const { send, settle, context } = await open()
    await send([
      { service: 'a', id: 1, for: 9 },
      { service: 'a', kind: 'client', id: 2, parent: 1, failed: true, for: 5 },
      { service: 'b', id: 3, parent: 2, for: 9 },
    ])
    await settle()
    assert.deepEqual(sumsOf(context, 'errors'), { 'errors edge:///a -> b': 1 })
  })
})

test('it is counted how many requests of an operation crossed which entity, and how many of them failed', async () => {
  const { send, settle, context } = await open()
  const trace = (n: number, reaches: boolean, failed: boolean): Span[] => [
    { trace: n, service: 'shop', name: 'GET /', id: 1, failed },
    { trace: n, service: 'shop', kind: 'client', id: 2, parent: 1, attributes: { 'server.address': 'ext' } },
    ...(reaches
      ? [
          { trace: n, service: 'pay', name: 'Charge', id: 3, parent: 1 },
          { trace: n, service: 'pay', name: 'Charge', id: 4, parent: 1 },
        ]
      : []),
  ]
  await send([...trace(1, true, true), ...trace(2, true, false), ...trace(3, false, false)])
  await settle()
  const by = (metric: string, id: string) => `${metric} operation:///shop/GET %2F by ${id}`
  assert.deepEqual(sumsOf(context, 'crossings', 'crossing_errors'), {
    [by('crossing_errors', 'external:///ext')]: 1,
    [by('crossing_errors', 'operation:///pay/Charge')]: 1,
    [by('crossing_errors', 'operation:///shop/GET %2F')]: 1,
    [by('crossing_errors', 'service:///pay')]: 1,
    [by('crossing_errors', 'service:///shop')]: 1,
    [by('crossings', 'external:///ext')]: 3,
    [by('crossings', 'operation:///pay/Charge')]: 2,
    [by('crossings', 'operation:///shop/GET %2F')]: 3,
    [by('crossings', 'service:///pay')]: 2,
    [by('crossings', 'service:///shop')]: 3,
  })
})

test('of many entities that are crossed, those crossed most are counted', async () => {
  const { send, settle, context } = await open('{ max_crossed: 8 }')
  const spans: Span[] = []
  for (let trace = 1; trace <= 60; trace++) {
    spans.push({ trace, service: 'shop', name: 'GET /', id: 1 })
    spans.push({ trace, service: 'pay', name: 'Charge', id: 2, parent: 1 })
    // One that no other request crosses.
    spans.push({ trace, service: `tenant-${trace}`, name: 'Work', id: 3, parent: 1 })
  }
  await send(spans)
  await settle()
  const sums = sumsOf(context, 'crossings')
  assert.equal(sums['crossings operation:///shop/GET %2F by operation:///shop/GET %2F'], 60)
  assert.ok((sums['crossings operation:///shop/GET %2F by service:///pay'] ?? 0) > 50, JSON.stringify(sums))
  assert.ok(context.recorded.gauges.get('otelcol_connector_trace_features_uncounted_crossings')!() > 0)
})

suite('spans of sampled traces count for those that were left out', () => {
  test('requests, errors and crossings exactly, histograms in whole numbers that are right on average', async () => {
    const { send, settle, context } = await open()
    const traces = 400
    // 1 of 1.6 was kept.
    const spans = Array.from(
      { length: traces },
      (_, trace): Span => ({
        trace: trace + 1,
        service: 'shop',
        id: 1,
        traceState: 'ot=th:6',
        failed: trace % 4 === 0,
      }),
    )
    await send(spans)
    await settle()
    const weight = 2 ** 56 / (2 ** 56 - 0x60000000000000)
    const sums = sumsOf(context, 'requests', 'errors', 'sampled', 'crossings')
    assert.ok(Math.abs(sums['requests service:///shop']! - traces * weight) < 1e-6)
    assert.ok(Math.abs(sums['errors service:///shop']! - (traces / 4) * weight) < 1e-6)
    assert.equal(sums['sampled service:///shop'], traces)
    assert.ok(Math.abs(sums['crossings operation:///shop/work by service:///shop']! - traces * weight) < 1e-6)
    const counts = countsOf(context, 'duration', 'self_time')
    for (const metric of ['duration', 'self_time']) {
      const count = counts[`${metric} service:///shop`]!
      assert.ok(Number.isInteger(count) && Math.abs(count - traces * weight) < 60, `${metric}: ${count}`)
    }
    assert.equal(counts['duration service:///shop'], counts['self_time service:///shop'], 'the same for a whole trace')
  })

  test('and a tracestate that makes no sense is none', async () => {
    const { send, settle, context } = await open()
    await send([{ service: 'shop', id: 1, traceState: '=;=' }])
    await settle()
    assert.equal(sumsOf(context, 'requests')['requests service:///shop'], 1)
  })
})

test('senders who must not be merged are counted apart, and so are their traces', async () => {
  const originKey = (origin: { metadata: ReadonlyMap<string, readonly string[]> }) =>
    String(origin.metadata.get('tenant'))
  const { handle, settle, context } = await open('{}', { originKey })
  const tenant = (name: string) => ({ metadata: new Map([['tenant', [name]]]) })
  await handle(batchOf([{ service: 'shop', id: 1 }], tenant('a')))
  await handle(
    batchOf(
      [
        { service: 'shop', id: 1 },
        { service: 'pay', id: 2, parent: 1 },
      ],
      tenant('b'),
    ),
  )
  await settle()
  const byTenant = new Map<string, string[]>()
  for (const { batch } of context.recorded.emitted) {
    const ids = [...(batch as Metrics)].map(({ attributes }) => attributes.get('vigil.entity.name') as string)
    const name = String(batch.origin.metadata.get('tenant'))
    byTenant.set(name, [...new Set([...(byTenant.get(name) ?? []), ...ids])].sort())
  }
  assert.deepEqual(
    [...byTenant],
    [
      ['a', ['shop', 'work']],
      ['b', ['pay', 'shop', 'shop -> pay', 'work']],
    ],
  )
})

test('spans of a resource without a name are nobody’s, and counted as dropped', async () => {
  const { send, context } = await open()
  await send([{ service: '', id: 1 }])
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'no_service_name', intent: 'intended' }])
})

suite('limits', () => {
  test('operations of a service beyond the limit are counted as one, under their service', async () => {
    const { send, settle, context } = await open('{ max_operations_per_service: 2 }')
    await send(Array.from({ length: 5 }, (_, i): Span => ({ trace: i + 1, service: 'shop', name: `op ${i}`, id: 1 })))
    await send([{ trace: 9, service: 'other', name: 'op', id: 1 }])
    await settle()
    const sums = Object.entries(sumsOf(context, 'requests')).filter(([key]) => key.includes('operation'))
    assert.deepEqual(sums, [
      ['requests operation:///other/op', 1],
      ['requests operation:///shop/op 0', 1],
      ['requests operation:///shop/op 1', 1],
      ['requests overflow operation', 3],
    ])
    const overflow = pointsOf(context).find(({ attributes }) => attributes.has('otel.metric.overflow'))
    assert.equal(overflow!.resource.attributes.get('service.name'), 'shop')
    const name = 'otelcol_connector_trace_features_overflowed_spans{kind="operation"}'
    assert.equal(context.recorded.gauges.get(name)!(), 3)
  })

  test('what has no room makes neither edges nor parts of its own', async () => {
    const { send, settle, context } = await open('{ limits: { service: 1 } }')
    const spans: Span[] = [
      { service: 'a', id: 1 },
      { service: 'b', instance: 'b-1', id: 2, parent: 1 },
    ]
    await send(spans)
    await settle()
    assert.deepEqual(Object.keys(sumsOf(context, 'requests')), [
      'requests operation:///a/work',
      'requests overflow edge',
      'requests overflow instance',
      'requests overflow operation',
      'requests overflow service',
      'requests service:///a',
    ])
  })

  test('an entity that was silent for long makes room', async () => {
    const { send, settle, clock, context } = await open('{ limits: { service: 1 }, entity_expiration: 5m }')
    await send([{ trace: 1, service: 'a', id: 1 }])
    await clock.advance(600_000)
    await send([{ trace: 2, service: 'b', id: 1 }])
    await settle()
    assert.equal(sumsOf(context, 'requests')['requests service:///b'], 1)
    assert.ok((context.recorded.sums.get('otelcol_connector_trace_features_expired_entities') ?? 0) >= 2)
  })

  for (const yaml of ['max_traces: 8', 'max_spans: 16', 'max_bytes: 2000'])
    test(`with ${yaml} the oldest traces go early, say nothing that needs all of them, and every count is right`, async () => {
      const { send, settle, context } = await open(`{ ${yaml} }`)
      for (let trace = 1; trace <= 100; trace++)
        await send([
          { trace, service: 'a', id: 1 },
          { trace, service: 'b', id: 2, parent: 1 },
        ])
      const gauge = (name: string) => context.recorded.gauges.get(`otelcol_connector_trace_features_${name}`)!()
      assert.ok(gauge('waiting_spans') <= 26 && gauge('waiting_traces') <= 13, `${gauge('waiting_spans')}`)
      assert.ok(gauge('early_traces') > 80)
      await settle()
      const sums = sumsOf(context, 'requests')
      assert.deepEqual(
        ['service:///a', 'service:///b', 'edge:///a -> b'].map((id) => sums[`requests ${id}`]),
        [100, 100, 100],
      )
      const counts = countsOf(context, 'self_time')
      assert.ok(counts['self_time service:///a']! <= 20)
    })

  test('a trace with very many spans goes early', async () => {
    const { send, settle, context } = await open('{ max_spans_per_trace: 10 }')
    await send(Array.from({ length: 25 }, (_, i): Span => ({ service: 'a', id: i + 1, ...(i > 0 && { parent: 1 }) })))
    await settle()
    assert.equal(sumsOf(context, 'requests')['requests service:///a'], 25)
    assert.equal(context.recorded.gauges.get('otelcol_connector_trace_features_early_traces')!(), 2)
  })

  test('spans of every time there is are sent on, and no more waits than there is room for', async () => {
    const { handle, settle, context } = await open()
    for (let hour = 0; hour < 300; hour++)
      await handle(batchOf([{ trace: hour + 1, service: 'a', id: 1, at: hour * 3_600 }]))
    await settle()
    const requests = Object.keys(sumsOf(context, 'requests')).filter((key) => key.includes('service'))
    assert.equal(requests.length, 300)
  })
})

test('a late span still counts, and says nothing that needs the trace that it came too late for', async () => {
  const { send, clock, settle, context } = await open()
  await send([
    { service: 'a', id: 1, for: 9 },
    { service: 'a', kind: 'client', id: 2, parent: 1, for: 5, attributes: { 'server.address': 'b' } },
  ])
  await clock.advance(11_000)
  await send([{ service: 'b', id: 3, parent: 2, for: 4 }])
  await settle()
  const sums = sumsOf(context, 'requests', 'self_time', 'network_gap')
  assert.equal(sums['requests service:///b'], 1)
  assert.equal(sums['self_time service:///b'], undefined)
  assert.equal(sums['self_time service:///a'], 4)
  assert.equal(context.recorded.gauges.get('otelcol_connector_trace_features_late_spans')!(), 1)
})

test('no point is sent for a pane in which nothing happened', async () => {
  const { send, settle, clock, context } = await open()
  await send([{ service: 'a', id: 1 }])
  await settle()
  const before = context.recorded.emitted.length
  await clock.advance(60_000)
  assert.equal(context.recorded.emitted.length, before)
})

test('what is refused further on is lost, and counted', async () => {
  const { send, settle, context } = await open('{}', {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await send([{ service: 'a', id: 1 }])
  await settle()
  const [drop] = context.recorded.drops
  assert.deepEqual([drop?.reason, drop?.intent], ['refused_downstream', 'lost'])
})

suite('over a reload', () => {
  test('traces that are not complete, and counts that were not sent, go on', async () => {
    const trace: Span[] = [
      { service: 'a', id: 1, for: 9 },
      { service: 'a', kind: 'client', id: 2, parent: 1, for: 5, attributes: { 'server.address': 'b' } },
      { service: 'b', instance: 'b-1', id: 3, parent: 2, for: 4, at: 0.5 },
    ]
    const whole = await open()
    await whole.send(trace)
    await whole.settle()
    for (let cut = 0; cut <= 3; cut++) {
      const before = await open()
      await before.send(trace.slice(0, cut))
      const state = await before.instance.save!()
      const emitted = before.context.recorded.emitted.length
      await before.instance.shutdown?.(AbortSignal.timeout(1_000))
      assert.equal(before.context.recorded.emitted.length, emitted, 'what was handed on is not sent')
      const after = build(factory, '{ flush_interval: 3s }', { signals: ['traces'] })
      await after.instance.restore!(state)
      await after.instance.start?.()
      await after.handle(batchOf(trace.slice(cut)))
      await after.context.clock.advance(20_000)
      const all = ['requests', 'errors', 'sampled', 'duration', 'self_time', 'network_gap', 'crossings']
      assert.deepEqual(sumsOf(after.context, ...all), sumsOf(whole.context, ...all), `cut at ${cut}`)
    }
  })

  test('a late span is known as late, and who answers at an address is known', async () => {
    const before = await open()
    await before.send([
      { service: 'a', id: 1 },
      { service: 'a', kind: 'client', id: 2, parent: 1, attributes: { 'server.address': 'b' } },
      { service: 'b', id: 3, parent: 2 },
    ])
    await before.clock.advance(9_000)
    const after = build(factory, '{}', { signals: ['traces'] })
    await after.instance.restore!(await before.instance.save!())
    await after.instance.start?.()
    await after.handle(
      batchOf([
        { service: 'c', id: 4, parent: 1 },
        { trace: 2, service: 'd', id: 1, for: 3 },
        { trace: 2, service: 'd', kind: 'client', id: 2, parent: 1, attributes: { 'server.address': 'b' } },
      ]),
    )
    await after.context.clock.advance(20_000)
    const sums = sumsOf(after.context, 'requests', 'self_time')
    assert.equal(sums['self_time service:///c'], undefined)
    assert.equal(sums['requests edge:///d -> b'], 1)
  })
})

test('what waits is sent at shutdown, traces that are not complete included', async () => {
  const { send, instance, context } = await open()
  await send([{ service: 'a', id: 1 }])
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(Object.keys(sumsOf(context, 'requests', 'self_time')), [
    'requests operation:///a/work',
    'requests service:///a',
    'self_time operation:///a/work',
    'self_time service:///a',
  ])
})
