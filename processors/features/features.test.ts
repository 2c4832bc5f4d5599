import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newDictionary } from '../../pipeline/data/dictionary.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Metrics, PointColumns, PointPlan } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { featuresOf, logPane, metrics, numberOf, open, panes, service, start, tick } from './features.fixture.ts'
import factory from './index.ts'

describeContract(factory, '{}')

test('panes become rates, counts and ratios over four windows', async () => {
  const { take, emitted } = await open()
  for (let pane = 1; pane <= 32; pane++)
    await take(panes(pane, [{ name: 'shop', requests: 100, errors: pane > 30 ? 10 : 0 }]))
  const of = featuresOf(emitted(), 30)
  assert.deepEqual(
    ['1m', '5m', '15m', '1h'].map((window) => of(`service shop vigil.request.rate ${window}`)),
    [10, 10, 10, 10],
  )
  assert.equal(of('service shop vigil.request.count 1m'), 600)
  assert.equal(of('service shop vigil.request.count 5m'), 3_000)
  assert.equal(of('service shop vigil.error.ratio 1m'), 0)
  const later = featuresOf(emitted(), 31)
  assert.equal(later('service shop vigil.error.count 1m'), 10)
  assert.equal(later('service shop vigil.error.ratio 1m'), 10 / 600)
  assert.equal(later('service shop vigil.feature.completeness 5m'), 1)
})

test('latency quantiles are within a few per cent', async () => {
  const { take, emitted } = await open()
  const seconds = Array.from({ length: 1_000 }, (_, i) => 0.01 * 1.003 ** i)
  for (let pane = 1; pane <= 3; pane++) await take(panes(pane, [{ name: 'shop', requests: 1_000, seconds }]))
  const of = featuresOf(emitted(), 2)
  for (const q of [0.5, 0.9, 0.99]) {
    const exact = seconds[Math.floor(q * 999)]!
    const told = of(`service shop vigil.latency 1m ${q}`)!
    assert.ok(Math.abs(told / exact - 1) < 0.03, `${q}: ${told} for ${exact}`)
  }
})

test('trace panes go on unchanged, other metrics do not', async () => {
  const { take } = await open()
  const own = panes(1, [{ name: 'shop', requests: 1 }])
  assert.equal(await take(own), own)
  assert.equal(await take(metrics((to) => to.gauge('anything', [{ value: 1, timeUnixNano: tick(1) }]))), 'held')
})

test('a metric that nothing is made of is counted as dropped, on purpose', async () => {
  const { take, context } = await open()
  await take(metrics((to) => to.gauge('anything', [{ value: 1, timeUnixNano: tick(1) }])))
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'without_feature', intent: 'intended' }])
})

suite('time', () => {
  test('a pane waits for every source, and no longer than the deadline', async () => {
    const { take, clock, ends } = await open('deadline: 10s')
    for (let pane = 1; pane <= 3; pane++)
      await take(
        panes(pane, [
          { name: 'a', requests: 1 },
          { name: 'b', requests: 1 },
        ]),
      )
    assert.deepEqual(ends(), [1, 2])
    // b says nothing more.
    await take(panes(4, [{ name: 'a', requests: 1 }]))
    assert.deepEqual(ends(), [1, 2])
    await clock.advance(9_000)
    assert.deepEqual(ends(), [1, 2])
    await clock.advance(2_000)
    assert.deepEqual(ends(), [1, 2, 3])
    // It is not waited for again before it has caught up.
    await take(panes(5, [{ name: 'a', requests: 1 }]))
    assert.deepEqual(ends(), [1, 2, 3, 4])
  })

  test('a host whose clock is an hour ahead neither hurries nor delays the others, and counts as of now', async () => {
    const { take, clock, ends, emitted } = await open('', { liveAt: 0 })
    for (let pane = 1; pane <= 8; pane++) {
      await take(
        panes(pane, [
          { name: 'a', requests: 10 },
          { name: 'b', requests: 10 },
          { name: 'c', requests: 10 },
        ]),
      )
      await take(panes(pane + 360, [{ name: 'ahead', requests: 10 }]))
      await clock.advance(10_000)
    }
    assert.ok(ends().at(-1)! >= 5 && ends().at(-1)! <= 8, String(ends()))
    const last = ends().at(-1)!
    const of = featuresOf(emitted(), last)
    assert.equal(of('service a vigil.request.rate 1m'), 1)
    assert.ok(of('service ahead vigil.request.rate 1m')! > 0.5)
  })

  test('an accelerated world, hours ahead of the clock, goes at the pace of its data', async () => {
    const { take, ends, emitted } = await open('', { liveAt: 0 })
    for (let pane = 1; pane <= 400; pane++)
      await take(
        panes(
          pane,
          ['a', 'b', 'c', 'd'].map((name) => ({ name, requests: 10 })),
        ),
      )
    assert.ok(ends().at(-1)! > 390, String(ends().at(-1)))
    for (const window of ['1m', '15m'])
      assert.equal(featuresOf(emitted(), 380)(`service b vigil.request.rate ${window}`), 1)
  })

  test('when all are silent time goes on, rates fall to 0 and signals age', async () => {
    const { take, clock, ends, emitted } = await open()
    for (let pane = 1; pane <= 10; pane++) await take(panes(pane, [{ name: 'a', requests: 10 }]))
    await clock.advance(120_000)
    assert.ok(ends().at(-1)! >= 18, String(ends()))
    const of = featuresOf(emitted(), 18)
    assert.equal(of('service a vigil.request.rate 1m'), 0)
    assert.equal(of('service a vigil.signal.age traces'), 80)
    assert.equal(of('service a vigil.feature.completeness 1m'), 0)
  })

  test('what comes late corrects what was emitted, with a revision', async () => {
    const { take, emitted } = await open()
    for (let pane = 1; pane <= 10; pane++)
      await take(
        panes(pane, [
          { name: 'a', requests: 10 },
          { name: 'b', requests: 10 },
        ]),
      )
    await take(panes(8, [{ name: 'a', requests: 50 }]))
    await take(
      panes(11, [
        { name: 'a', requests: 10 },
        { name: 'b', requests: 10 },
      ]),
    )
    const of = featuresOf(emitted(), 9)
    assert.equal(of('service a vigil.request.count 1m'), 110)
    assert.equal(of('service a vigil.feature.revision 1m'), 1)
    assert.equal(of('service b vigil.feature.revision 1m'), undefined)
    assert.equal(featuresOf(emitted(), 7)('service a vigil.feature.revision 1m'), undefined)
  })

  test('a tick comes 5 to 10 s after its pane and is whole, with SDKs and trace_features that send every 5 s', async () => {
    for (const flushAt of [0.2, 1.5, 2.9, 3.1, 4.9]) {
      const { take, clock, emitted } = await open('', { liveAt: 0 })
      const names = ['a', 'b', 'c', 'd', 'e']
      /** Spans of each second wait in the SDK, then in trace_features. */
      const sent = new Map<string, number>()
      const waits: number[] = []
      let ticks = 0
      await clock.advance(flushAt * 1_000)
      for (let at = flushAt; at < 120; at += 5) {
        const counted: { name: string; pane: number; requests: number }[] = []
        for (const [i, name] of names.entries()) {
          const until = Math.floor((at - i) / 5) * 5 + i
          const panesOf = new Map<number, number>()
          for (let second = sent.get(name) ?? 0; second < until; second++)
            panesOf.set(Math.floor(second / 10) + 1, (panesOf.get(Math.floor(second / 10) + 1) ?? 0) + 1)
          sent.set(name, Math.max(until, sent.get(name) ?? 0))
          for (const [pane, requests] of panesOf) counted.push({ name, pane, requests })
        }
        for (const pane of new Set(counted.map((one) => one.pane).sort((x, y) => x - y)))
          await take(
            panes(
              pane,
              counted.filter((one) => one.pane === pane),
            ),
          )
        for (let second = 0; second < 5; second++) {
          for (const batch of emitted().slice(ticks)) {
            const [{ timeUnixNano } = { timeUnixNano: start }] = batch
            waits.push(at + second - Number((timeUnixNano - start) / 1_000_000_000n))
          }
          ticks = emitted().length
          await clock.advance(1_000)
        }
      }
      assert.ok(ticks >= 10, String(ticks))
      assert.ok(Math.min(...waits.slice(1)) >= 5 && Math.max(...waits.slice(1)) < 10, `${flushAt}: ${waits.join()}`)
      for (const name of names)
        assert.equal(featuresOf(emitted(), 9)(`service ${name} vigil.feature.revision 1m`), undefined)
    }
  })

  test('hours in one batch come out tick by tick', async () => {
    const { take, ends } = await open()
    await take(panes(1, [{ name: 'a', requests: 1 }]))
    await take(panes(301, [{ name: 'a', requests: 1 }]))
    assert.equal(ends().length, 300)
    await take(panes(5_000, [{ name: 'a', requests: 1 }]))
    assert.ok(ends().length < 330, 'a gap longer than an hour is jumped over')
  })

  test('what is older than an hour is dropped and counted', async () => {
    const { take, context } = await open()
    await take(panes(1, [{ name: 'a', requests: 1 }]))
    await take(panes(500, [{ name: 'a', requests: 1 }]))
    await take(panes(2, [{ name: 'a', requests: 1 }]))
    assert.deepEqual(
      context.recorded.drops.map(({ reason, intent }) => [reason, intent]),
      [['too_late', 'intended']],
    )
  })
})

suite('ordinary metrics', () => {
  const pod = (name: string) => ({ ...service('shop'), 'k8s.pod.name': name, 'service.version': '1' })

  test('readings hold between scrapes, and instances are pooled into service and version', async () => {
    const { take, emitted } = await open()
    for (let at = 0; at < 20; at++)
      for (const [i, name] of ['p1', 'p2'].entries())
        await take(
          metrics((to) =>
            to
              .resource(pod(name))
              .gauge('k8s.pod.cpu_limit_utilization', [
                { value: 0.2 + 0.4 * i, timeUnixNano: start + BigInt(at * 30 + 1) * 1_000_000_000n },
              ])
              .gauge('k8s.pod.memory_limit_utilization', [
                { value: 0.3 + 0.1 * i + at * 0.001, timeUnixNano: start + BigInt(at * 30 + 1) * 1_000_000_000n },
              ]),
          ),
        )
    const of = featuresOf(emitted(), 54)
    assert.ok(near(of('instance p1 vigil.cpu.utilization 1m'), 0.2))
    assert.ok(near(of('service shop vigil.cpu.utilization 5m'), 0.4))
    assert.ok(near(of('version 1 vigil.cpu.utilization 5m'), 0.4))
    assert.ok(near(of('service shop vigil.memory.utilization 1m'), 0.417, 0.003))
    // 0.001 in half a minute.
    assert.ok(near(of('service shop vigil.memory.slope 15m'), 0.12, 0.002))
    assert.equal(of('service shop vigil.feature.completeness 5m'), 1)
  })

  /** Every 15 s, from the first second on. */
  const scrape = (at: number, shares: Readonly<Record<string, number>>) =>
    metrics((to) => {
      const timeUnixNano = start + BigInt(at * 15 + 1) * 1_000_000_000n
      for (const [name, value] of Object.entries(shares))
        to.resource(pod(name)).gauge('k8s.pod.memory_limit_utilization', [{ value, timeUnixNano }])
      return to
    })
  const noise = (at: number) => 0.001 * (((at * 7) % 5) - 2)

  test('a leak of 7 % of the limit a minute is far out of the memory that was, two scrapes on', async () => {
    const { take, emitted } = await open()
    const first = 40
    for (let at = 0; at < first + 8; at++)
      await take(scrape(at, { p1: 0.3 + noise(at), p2: 0.5 + noise(at + 1) + 0.0175 * Math.max(0, at - first + 1) }))
    for (const who of ['instance p2', 'version 1', 'service shop']) {
      const utilization = (pane: number) => featuresOf(emitted(), pane)(`${who} vigil.memory.utilization 1m`)!
      const before = [40, 44, 48, 52, 56, 60].map(utilization)
      assert.ok(Math.max(...before) < 0.5021, String(before))
      // The second scrape of the leak is at 616 s, the fifth at 661 s.
      assert.ok(near(utilization(62), 0.535, 0.0021), String(utilization(62)))
      const slope = (pane: number) => featuresOf(emitted(), pane)(`${who} vigil.memory.slope 5m`)!
      assert.ok(Math.abs(slope(60)) < 0.1, String(slope(60)))
      assert.ok(slope(67) > 0.2, String(slope(67)))
    }
    const other = featuresOf(emitted(), 67)
    assert.ok(Math.abs(other('instance p1 vigil.memory.slope 5m')!) < 0.1)
  })

  test('eight readings are enough for a slope of five minutes, and one that is out of line does not turn it', async () => {
    const { take, emitted } = await open()
    for (let at = 0; at < 24; at++) await take(scrape(at, { p1: 0.3 + 0.001 * at - (at === 20 ? 0.2 : 0) }))
    const slope = (pane: number, window: string) =>
      featuresOf(emitted(), pane)(`instance p1 vigil.memory.slope ${window}`)
    assert.equal(slope(10, '5m'), undefined)
    assert.ok(near(slope(11, '5m'), 0.24, 0.1), String(slope(11, '5m')))
    assert.ok(near(slope(34, '5m'), 0.24, 0.03), String(slope(34, '5m')))
    assert.equal(slope(34, '1m'), undefined)
  })

  test('a process that has just started says nothing of longer windows: readings of half a window are the least', async () => {
    const { take, emitted } = await open()
    for (let at = 0; at < 100; at++) await take(scrape(at, { p1: 0.3 + 0.001 * at }))
    const known = (window: string) => {
      for (let pane = 0; pane < 180; pane++)
        if (featuresOf(emitted(), pane)(`instance p1 vigil.memory.slope ${window}`) !== undefined) return pane
      return undefined
    }
    const of = featuresOf(emitted(), 140)('instance p1 vigil.memory.slope 15m')
    assert.ok(near(of, 0.24, 0.01), String(of))
    assert.ok((known('15m') ?? 0) >= 45, String(known('15m')))
    assert.ok((known('15m') ?? 0) <= 48, String(known('15m')))
    assert.equal(known('1h'), undefined)
  })

  test('memory of an instance is the newest reading of each of its series, whichever pane they fall in', async () => {
    const { take, emitted } = await open()
    for (let at = 0; at < 20; at++)
      for (const [i, container] of ['a', 'b'].entries()) {
        const timeUnixNano = start + BigInt(at * 20 + i * 10 + 5) * 1_000_000_000n
        const attributes = { container }
        await take(
          metrics((to) =>
            to
              .resource(pod('p1'))
              .gauge('container.memory.working_set', [{ value: 100 + 200 * i, timeUnixNano, attributes }])
              .gauge('k8s.container.memory_limit', [{ value: 500, timeUnixNano, attributes }]),
          ),
        )
      }
    for (const pane of [30, 31]) {
      const of = featuresOf(emitted(), pane)
      assert.ok(near(of('instance p1 vigil.memory.utilization 1m'), 0.4), String(pane))
      assert.ok(near(of('instance p1 vigil.memory.slope 5m'), 0), String(pane))
    }
  })

  test('counters become rates, resets included, in whatever order their points come', async () => {
    const totals = [100, 400, 700, 50, 350, 650]
    const orders = [
      [0, 1, 2, 3, 4, 5],
      [0, 2, 1, 3, 5, 4],
    ]
    const rates = await Promise.all(
      orders.map(async (order) => {
        const { take, emitted } = await open()
        for (const i of order)
          await take(
            metrics((to) =>
              to.resource({ 'k8s.node.name': 'n1' }).sum(
                'system.network.io',
                ['receive', 'transmit'].map((direction) => ({
                  value: totals[i]!,
                  timeUnixNano: tick(i + 1),
                  attributes: { device: 'eth0', direction },
                })),
                { monotonic: true },
              ),
            ),
          )
        await take(panes(14, [{ name: 'a', requests: 1 }]))
        await take(panes(15, [{ name: 'a', requests: 1 }]))
        return featuresOf(emitted(), 6)('node n1 vigil.network.io 1m')
      }),
    )
    // 300, 300, 50, 300, 300 in ten seconds each, of two directions.
    assert.ok(near(rates[0], (2 * (300 + 300 + 50 + 300 + 300)) / 50))
    assert.ok(near(rates[1], rates[0]!))
  })

  test('a point that comes twice counts once', async () => {
    const { take, emitted } = await open()
    for (const times of [1, 3])
      for (let pane = 1; pane <= 8; pane++)
        for (let i = 0; i < times; i++)
          await take(
            metrics((to) =>
              to
                .resource({ ...service('cache'), 'host.name': 'h' })
                .sum('redis.keyspace.hits', [{ value: pane * 90, timeUnixNano: tick(pane) }], { monotonic: true })
                .sum('redis.keyspace.misses', [{ value: pane * 10, timeUnixNano: tick(pane) }], { monotonic: true }),
            ),
          )
    await take(panes(60, [{ name: 'a', requests: 1 }]))
    const of = featuresOf(emitted(), 36)
    assert.equal(of('cache cache vigil.cache.hit_ratio 15m'), 0.9)
  })

  test('what the kubelet says of a pod counts for the service whose pod it is', async () => {
    const { take, emitted } = await open()
    const kubelet = { 'k8s.pod.name': 'p1', 'k8s.namespace.name': 'sales', 'k8s.deployment.name': 'shop' }
    for (let pane = 1; pane <= 12; pane++) {
      await take(
        metrics((to) =>
          to
            .resource(kubelet)
            .gauge('k8s.pod.cpu_limit_utilization', [{ value: 0.5, timeUnixNano: tick(pane) }])
            .gauge('k8s.container.restarts', [{ value: pane > 6 ? 3 : 2, timeUnixNano: tick(pane) }])
            .resource({ ...service('shop'), 'k8s.namespace.name': 'sales', 'k8s.pod.name': 'p1' })
            .sum('process.cpu.time', [{ value: pane, timeUnixNano: tick(pane) }], { monotonic: true }),
        ),
      )
    }
    const of = featuresOf(emitted(), 10)
    assert.equal(of('service shop vigil.cpu.utilization 1m'), 0.5)
    assert.equal(of('instance p1 vigil.cpu.utilization 1m'), 0.5)
    assert.equal(of('service shop vigil.restarts 5m'), 1)
    assert.equal(of('service shop vigil.restarts 15m'), 1)
  })

  test('pools: the fullest instance, and all who wait', async () => {
    const { take, emitted } = await open()
    for (let pane = 1; pane <= 8; pane++)
      for (const [name, used] of [
        ['p1', 2],
        ['p2', 9],
      ] as const)
        await take(
          metrics((to) => {
            const attributes = { 'db.client.connection.pool.name': 'main' }
            const timeUnixNano = tick(pane)
            return to
              .resource(pod(name))
              .sum('db.client.connection.count', [
                { value: used, timeUnixNano, attributes: { ...attributes, 'db.client.connection.state': 'used' } },
                { value: 10 - used, timeUnixNano, attributes: { ...attributes, 'db.client.connection.state': 'idle' } },
              ])
              .sum('db.client.connection.max', [{ value: 10, timeUnixNano, attributes }])
              .sum('db.client.connection.pending_requests', [{ value: used, timeUnixNano, attributes }])
          }),
        )
    const of = featuresOf(emitted(), 6)
    assert.ok(near(of('pool main vigil.pool.usage 1m'), 0.9))
    assert.equal(of('pool main vigil.pool.waiting 1m'), 11)
  })

  test('log panes are told in parts, and counted whole', async () => {
    const { take, emitted } = await open()
    for (let pane = 1; pane <= 8; pane++) {
      await take(logPane(pane, 'shop', 30, 0))
      await take(logPane(pane, 'shop', 30, 6))
    }
    const of = featuresOf(emitted(), 6)
    assert.equal(of('service shop vigil.log.rate 1m'), 6.6)
    assert.ok(near(of('service shop vigil.log.error_rate 1m'), 0.6))
    assert.equal(of('service shop vigil.log.burst 1m'), 0)
    assert.equal(of('service shop vigil.log.new_templates 1m'), 0)
  })

  test('a server without traces has requests from its histograms', async () => {
    const { take, emitted } = await open()
    for (let at = 1; at <= 10; at++)
      await take(
        metrics((to) =>
          to.resource(pod('p1')).histogram('http.server.request.duration', [
            {
              timeUnixNano: tick(at * 2),
              count: at * 100,
              sum: at * 20,
              bounds: [0.1, 0.2, 0.4],
              counts: [0, at * 100, 0, 0],
            },
            {
              timeUnixNano: tick(at * 2),
              attributes: { 'error.type': '500' },
              count: at * 10,
              sum: at,
              bounds: [0.1, 0.2, 0.4],
              counts: [0, at * 10, 0, 0],
            },
          ]),
        ),
      )
    const of = featuresOf(emitted(), 17)
    assert.equal(of('service shop vigil.request.rate 1m'), 5.5)
    assert.ok(near(of('service shop vigil.error.ratio 1m'), 10 / 110))
    const median = of('instance p1 vigil.latency 5m 0.5')!
    assert.ok(median > 0.12 && median < 0.17, String(median))
  })
})

test('dependencies are counted by the edges that were used', async () => {
  const { take, emitted } = await open()
  for (let pane = 1; pane <= 8; pane++)
    await take(
      panes(pane, [
        { name: 'a', requests: 1 },
        { name: 'a -> b', requests: 1, edge: ['service:////a', 'service:////b'] },
        { name: 'a -> c', requests: 1, edge: ['service:////a', 'service:////c'] },
      ]),
    )
  assert.equal(featuresOf(emitted(), 7)('service a vigil.dependency.count 1m'), 2)
})

test('the calendar knows its time zone, and holidays are Sundays', async () => {
  // The test clock begins on Tuesday 14 November 2023 at 22:13:20 UTC.
  const { take, emitted } = await open('calendar: { time_zone: Asia/Tokyo, holidays: ["11-16"] }')
  for (let pane = 1; pane <= 3; pane++) await take(panes(pane, [{ name: 'a', requests: 1 }]))
  const of = featuresOf(emitted(), 1)
  assert.equal(of('- vigil.calendar.hour_of_week'), 2 * 24 + 7)
  assert.equal(of('- vigil.calendar.holiday'), 0)
})

test('edges that a person drew go on once a minute', async () => {
  const { take, emitted } = await open('causal_edges: [{ source: "service:checkout", target: "external:bank*" }]')
  for (let pane = 1; pane <= 14; pane++) await take(panes(pane, [{ name: 'a', requests: 1 }]))
  const edges = emitted().flatMap((batch) => [...batch].filter(({ metric }) => metric.name === 'vigil.causal_edge'))
  assert.equal(edges.length, 2)
  assert.deepEqual(
    [
      edges[0]!.attributes.get('vigil.edge.source'),
      edges[0]!.attributes.get('vigil.edge.target'),
      numberOf(edges[0]!.value),
    ],
    ['service:checkout', 'external:bank*', 1],
  )
})

test('senders who differ in what is read further on are never counted together', async () => {
  const { take, emitted } = await open('', { originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '' })
  for (let pane = 1; pane <= 8; pane++)
    for (const tenant of ['x', 'y'])
      await take(
        panes(pane, [{ name: 'a', requests: tenant === 'x' ? 1 : 5 }]).withOrigin({
          metadata: new Map([['tenant', [tenant]]]),
        }),
      )
  for (const [tenant, count] of [
    ['x', 6],
    ['y', 30],
  ] as const) {
    const own = emitted().filter(({ origin }) => origin.metadata.get('tenant')?.[0] === tenant)
    assert.equal(featuresOf(own, 6)('service a vigil.request.count 1m'), count)
  }
})

test('senders that are told apart since a reload are not taken for silent ones, and are forgotten', async () => {
  let isRead = false
  const originKey: TestContextOptions['originKey'] = ({ metadata }) =>
    isRead ? JSON.stringify([metadata.get('tenant')?.[0] ?? null]) : ''
  const { take, clock, emitted, ends } = await open('idle_timeout: 60s', { originKey, liveAt: 2 })
  const pane = (number: number) =>
    panes(number, [{ name: 'a', requests: 1 }]).withOrigin({ metadata: new Map([['tenant', ['x']]]) })
  for (let number = 1; number <= 3; number++) {
    await clock.advance(10_000)
    await take(pane(number))
  }
  isRead = true
  const before = emitted().length
  await clock.advance(50_000)
  assert.equal(emitted().length, before)
  // The reload failed, say: it goes on, and what it missed is silence.
  isRead = false
  await clock.advance(2_000)
  assert.deepEqual(ends(), [1, 2, 3, 4, 5, 6, 7])
  isRead = true
  await clock.advance(70_000)
  const since = emitted().length
  isRead = false
  await take(pane(15))
  await clock.advance(5_000)
  await take(pane(16))
  await clock.advance(20_000)
  const own = emitted().slice(since)
  assert.equal(featuresOf(own, 15)('service a vigil.request.count 1h'), 1)
})

test('a new version is news for an hour, the first one is none', async () => {
  const { take, emitted } = await open()
  const resource = (version: string) => ({
    ...service('shop'),
    'k8s.pod.name': `p${version}`,
    'service.version': version,
  })
  for (let pane = 1; pane <= 50; pane++)
    await take(
      metrics((to) => {
        for (const version of pane > 30 ? ['1', '2'] : ['1'])
          to.resource(resource(version)).sum('process.cpu.time', [{ value: pane, timeUnixNano: tick(pane) }], {
            monotonic: true,
          })
        return to
      }),
    )
  assert.equal(featuresOf(emitted(), 29)('service shop vigil.version.age'), undefined)
  assert.equal(featuresOf(emitted(), 41)('service shop vigil.version.age'), 100)
})

test('entities beyond max_entities make those leave that were silent longest', async () => {
  const { take, clock, emitted, context } = await open('max_entities: 3')
  for (let pane = 1; pane <= 13; pane++) {
    const names = ['b', 'c', ...(pane < 6 ? ['a'] : []), ...(pane > 8 ? ['d'] : [])]
    await take(
      panes(
        pane,
        names.map((name) => ({ name, requests: 1 })),
      ),
    )
  }
  await clock.advance(30_000)
  const of = featuresOf(emitted(), 11)
  assert.equal(of('service a vigil.request.rate 1m'), undefined)
  assert.ok(of('service d vigil.request.rate 1m')! > 0)
  assert.equal(context.recorded.gauges.get('otelcol_processor_features_evicted_entities')?.(), 1)
})

test('a reload goes on where it was', async () => {
  const feed = async (take: (batch: Metrics) => Promise<unknown>, from: number, to: number) => {
    for (let pane = from; pane <= to; pane++) {
      await take(panes(pane, [{ name: 'a', requests: pane, errors: 1, seconds: [0.1, 0.2, pane / 10] }]))
      await take(
        metrics((builder) =>
          builder
            .resource({ 'k8s.node.name': 'n' })
            .sum('system.disk.io', [{ value: pane * pane, timeUnixNano: tick(pane) }], { monotonic: true }),
        ),
      )
    }
  }
  const whole = await open()
  await feed(whole.take, 1, 40)
  const before = await open()
  await feed(before.take, 1, 20)
  const state = await before.instance.save!()
  await before.instance.shutdown?.(AbortSignal.timeout(1_000))
  const after = await open('', { state })
  await feed(after.take, 21, 40)
  assert.deepEqual(allOf([...before.emitted(), ...after.emitted()]), allOf(whole.emitted()))
})

test('what is emitted stays columns for a reader with a plan of its own, and says what its bytes say', async () => {
  const { take, emitted } = await open()
  for (let pane = 1; pane <= 3; pane++)
    await take(
      panes(pane, [
        { name: 'a', requests: 3, seconds: [0.1] },
        { name: 'GET /é"', kind: 'operation', requests: 1 },
      ]),
    )
  const [batch] = emitted()
  const newPlan = () => ({ dictionary: newDictionary(10), series: newDictionary(1_000) })
  const [own, other] = [newPlan(), newPlan()]
  const texts = ({ series }: PointColumns, { series: dictionary }: PointPlan) =>
    [...series].map((id) => dictionary.text(id))
  const made = texts(batch!.columns(own), own)
  assert.ok(made.length > 40)
  const wired = readOtlp('metrics', Buffer.concat(batch!.chunks), 'proto', { metadata: new Map() })
  assert.deepEqual(texts(wired.columns(other), other), made)
})

function allOf(batches: readonly Metrics[]) {
  return batches.flatMap((batch) =>
    [...batch].map((point) => [
      point.metric.name,
      String(point.timeUnixNano),
      point.attributes.get('window'),
      numberOf(point.value),
    ]),
  )
}

for (const [yaml, words] of [
  ['max_entities: 0', 'max_entities must be greater than 0'],
  ['deadline: -1s', 'deadline must not be negative'],
  ['lateness: 3m', 'lateness must be at most 2m'],
  ['calendar: { time_zone: Mars }', 'time_zone "Mars" is not known'],
  ['calendar: { holidays: ["30-02"] }', '"30-02" is no day'],
  ['causal_edges: [{ source: payment, target: "service:x" }]', '"payment" names no entity'],
] as const)
  test(`refused: ${yaml}`, () =>
    assert.throws(
      () => build(factory, yaml),
      (error) => error instanceof Error && error.message.includes(words),
    ))

function near(value: number | undefined, expected: number, within = 1e-6): boolean {
  return value !== undefined && Math.abs(value - expected) <= within
}

test('beside own times stands how many requests they are of: only those that were seen, and whose trace was whole', async () => {
  const { take, emitted } = await open()
  for (let pane = 1; pane <= 12; pane++) {
    const times = { startUnixNano: tick(pane - 1), timeUnixNano: tick(pane) }
    const attributes = { 'vigil.entity.kind': 'service', 'vigil.entity.name': 'shop' }
    const delta = { temporality: 'delta', monotonic: true } as const
    // Each span that was seen stands for ten requests; of half of them the trace was whole.
    const histogram = new ExponentialHistogram(160)
    for (let i = 0; i < 50; i++) histogram.add(0.1, 1)
    const { count, sum, scale, zeroCount, positive } = histogram
    const point = { ...times, attributes, count, sum, scale, zeroCount, positive: positive.read() }
    await take(
      metrics((to) =>
        to
          .resource(service('shop'))
          .scope('vigil/trace_features')
          .sum('vigil.trace.requests', [{ ...times, attributes, value: double(100) }], delta)
          .sum('vigil.trace.sampled', [{ ...times, attributes, value: double(10) }], delta)
          .exponentialHistogram('vigil.trace.self_time', [point], { temporality: 'delta', unit: 's' }),
      ),
    )
  }
  const of = featuresOf(emitted(), 10)
  assert.equal(of('service shop vigil.request.count 1m'), 600)
  assert.equal(of('service shop vigil.feature.sampled 1m'), 60)
  assert.equal(of('service shop vigil.self_time.count 1m'), 30)
})
