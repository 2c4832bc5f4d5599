import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Logs, Metrics } from '../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import factory from './index.ts'

const second = 1_000_000_000n

const slo = (spec: string) => `slos:
  - apiVersion: openslo/v1
    kind: SLO
    metadata: { name: checkout }
    spec:
      service: shop
      timeWindow: [{ duration: 30d, isRolling: true }]
      ${spec.replaceAll('\n', '\n      ')}`

const ratio = (good: string, total: string, rest = 'objectives: [{ target: 0.99 }]') =>
  slo(`indicator:
  spec:
    ratioMetric:
      ${good}
      total: { metricSource: { spec: ${total} } }
${rest}`)

async function open(yaml: string) {
  const built = build(factory, yaml, { kind: 'connector' })
  const { context, instance, handle } = built
  await instance.start?.()
  const start = (context.clock.nowUnixNano() / (3_600n * second)) * 3_600n * second
  return {
    context,
    start,
    send: async (endSeconds: number, write: (at: { timeUnixNano: bigint }) => Metrics) => {
      const ahead = Number(start / 1_000_000n) + endSeconds * 1_000 - Number(context.clock.nowUnixNano() / 1_000_000n)
      if (ahead > 0) await context.clock.advance(ahead)
      await handle(write({ timeUnixNano: start + BigInt(endSeconds) * second }))
    },
    /** The last bad ratio of a window, by its name. */
    ratioOf: (window: string) => {
      const points = context.recorded.emitted
        .filter(({ signal }) => signal === 'metrics')
        .flatMap(({ batch }) => [...(batch as Metrics)])
        .filter(
          ({ metric, attributes }) => metric.name === 'vigil.slo.bad.ratio' && attributes.get('window') === window,
        )
      const value = points.at(-1)?.value
      return isDouble(value) ? value.double : Number(value)
    },
    events: () =>
      context.recorded.emitted
        .filter(({ signal }) => signal === 'logs')
        .flatMap(({ batch }) => [...(batch as Logs)].map((record) => readAnomaly(record)!)),
  }
}

const resource = { 'service.name': 'shop', 'host.name': 'web-1' }

test('cumulative histograms of any OpenTelemetry metric are counted by their differences, resets included', async () => {
  const metric = 'http.server.request.duration'
  const { send, ratioOf } = await open(
    ratio(
      `good: { metricSource: { type: otel, spec: { metric: ${metric}, at_most: 0.5, attributes: { http.route: /cart } } } }`,
      `{ metric: ${metric}, attributes: { http.route: /cart } }`,
    ),
  )
  const cumulative = (fast: number, slow: number, startUnixNano: bigint) => (at: { timeUnixNano: bigint }) =>
    newMetrics()
      .resource(resource)
      .histogram(
        metric,
        [
          {
            ...at,
            startUnixNano,
            attributes: { 'http.route': '/cart' },
            count: fast + slow,
            bounds: [0.5],
            counts: [fast, slow],
          },
          { ...at, startUnixNano, attributes: { 'http.route': '/' }, count: 999, bounds: [0.5], counts: [0, 999] },
        ],
        { temporality: 'cumulative' },
      )
      .build()
  await send(10, cumulative(1_000, 1_000, 1n))
  await send(70, cumulative(1_090, 1_010, 1n))
  await send(130, cumulative(1_180, 1_020, 1n))
  // A restart: it counts from zero again.
  await send(190, cumulative(80, 20, 2n))
  await send(250, cumulative(160, 40, 2n))
  assert.ok(Math.abs(ratioOf('5m') - 60 / 400) < 1e-12, String(ratioOf('5m')))
})

test('conditions on attributes and resources choose what counts', async () => {
  const { send, ratioOf } = await open(
    ratio(
      'bad: { metricSource: { spec: { metric: calls, attributes: { error.type: { exists: true } }, resource: { host.name: { matches: "^web" } } } } }',
      '{ metric: calls, resource: { host.name: { matches: "^web" } }, attributes: { code: [200, 500] } }',
    ),
  )
  const calls = (host: string) => (at: { timeUnixNano: bigint }) =>
    newMetrics()
      .resource({ ...resource, 'host.name': host })
      .sum(
        'calls',
        [
          { ...at, value: 75, attributes: { code: 200 } },
          { ...at, value: 25, attributes: { code: 500, 'error.type': 'timeout' } },
          { ...at, value: 100, attributes: { code: 404 } },
        ],
        { temporality: 'delta', monotonic: true },
      )
      .build()
  await send(60, calls('web-1'))
  await send(120, calls('db-1'))
  await send(130, calls('web-2'))
  assert.equal(ratioOf('5m'), 0.25)
})

test('a total whose good ones are still to come is no outage, and one that never gets any is', async () => {
  const yaml = ratio('good: { metricSource: { spec: { metric: good } } }', '{ metric: all }')
  const sum = (name: string, value: number) => (at: { timeUnixNano: bigint }) =>
    newMetrics()
      .resource(resource)
      .sum(name, [{ ...at, value }], { temporality: 'delta', monotonic: true })
      .build()
  const late = await open(yaml)
  for (let end = 10; end <= 1_800; end += 10) {
    await late.send(end, sum('all', 1_000))
    if (end > 20) await late.send(end - 20, sum('good', 1_000))
  }
  assert.deepEqual(late.events(), [])
  assert.equal(late.ratioOf('5m'), 0)
  const down = await open(yaml)
  for (let end = 10; end <= 1_800; end += 10) {
    await down.send(end, sum('all', 1_000))
    if (end <= 900) await down.send(end, sum('good', 1_000))
  }
  // 14.4 % of the hour, and half a minute in which they might still have come.
  const [event] = down.events()
  assert.equal(Number(BigInt(event!.until) - down.start) / 1e9 - 900 >= 518, true)
  assert.equal(Number(BigInt(event!.until) - down.start) / 1e9 - 900 <= 550, true)
})

test('time slices: a slice is good or bad as a whole, and late errors turn it', async () => {
  const { send, ratioOf } = await open(
    ratio(
      'bad: { metricSource: { spec: { metric: bad } } }',
      '{ metric: all }',
      'budgetingMethod: Timeslices\nobjectives: [{ target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 1m }]',
    ),
  )
  const sums = (all: number, bad: number) => (at: { timeUnixNano: bigint }) =>
    newMetrics()
      .resource(resource)
      .sum('all', [{ ...at, value: all }], { temporality: 'delta', monotonic: true })
      .sum('bad', [{ ...at, value: bad }], { temporality: 'delta', monotonic: true })
      .build()
  // Of ten minutes, the third has 4 % bad, the fourth 6 %, the seventh nothing at all.
  for (let end = 10; end <= 600; end += 10) {
    const minute = Math.ceil(end / 60)
    if (minute !== 7) await send(end, sums(100, minute === 3 ? 4 : minute === 4 ? 6 : 0))
  }
  await send(670, sums(1, 0))
  assert.ok(Math.abs(ratioOf('30m') - 1 / 9) < 1e-12)
  await send(175, sums(0, 12))
  await send(740, sums(1, 0))
  assert.ok(Math.abs(ratioOf('30m') - 2 / 10) < 1e-12, String(ratioOf('30m')))
})

test('a threshold metric judges each point of a gauge', async () => {
  const { send, ratioOf } = await open(
    slo(`indicator:
  spec:
    thresholdMetric: { metricSource: { spec: { metric: queue.lag } } }
objectives: [{ op: lte, value: 100, targetPercent: 95 }]`),
  )
  for (let end = 60; end <= 300; end += 60)
    await send(end, (at) =>
      newMetrics()
        .resource(resource)
        .gauge('queue.lag', [{ ...at, value: end === 120 ? 101 : double(100) }])
        .build(),
    )
  assert.equal(ratioOf('5m'), 0.2)
})

const refusals: readonly (readonly [yaml: string, line: number, words: string])[] = [
  ['slos:\n  - { service: a }', 2, 'set availability, latency or both'],
  ['slos:\n  - { service: a, availability: 100 }', 2, 'must be less than 100'],
  ['slos:\n  - { service: a, availability: 99, opration: x }', 2, 'opration'],
  ['slos:\n  - just text', 2, 'write a map'],
  ['slos:\n  - { apiVersion: openslo/v1, kind: Slo }', 2, 'kind must be SLO, SLI'],
  [
    slo('indicatorRef: x\nobjectives: [{ target: 99.9 }]'),
    9,
    'target must be between 0 and 1, got 99.9: 0.999 is 99.9 %',
  ],
  [
    slo('indicatorRef: x\nobjectives: [{ target: 0.9, targetPercent: 90 }]'),
    9,
    'set exactly one of: target, targetPercent',
  ],
  [
    slo('indicatorRef: x\nbudgetingMethod: RatioTimeslices\nobjectives: [{ target: 0.9 }]'),
    9,
    'allowed: Occurrences, Timeslices',
  ],
  [slo('objectives: [{ target: 0.9 }]'), 5, 'set exactly one of: indicator, indicatorRef'],
  [
    ratio('good: { metricSource: { type: Prometheus, spec: { query: up } } }', '{ metric: a }'),
    11,
    'a metric of the stream is read, by metric, attributes, resource, at_most, above',
  ],
  [ratio('counter: true', '{ metric: a }'), 10, 'set exactly one of: good, bad'],
  [slo('indicatorRef: x\nobjectives: [{ target: 0.9, timeSliceTarget: 0.9 }]'), 9, 'need budgetingMethod: Timeslices'],
  ['burn_rates: [{ burn: 2, long: 5m, short: 1h, severity: low }]', 1, 'short must not be longer than long'],
  ['burn_rates: [{ burn: 2, long: 1M, short: 1h, severity: low }]', 1, 'write it in days'],
]
for (const [yaml, line, words] of refusals)
  test(`refused: ${words}`, () =>
    assert.throws(
      () => build(factory, yaml),
      (error) => {
        assert.ok(error instanceof Error)
        assert.ok(error.message.includes(words), error.message)
        const at = Number(/test\.yaml:(\d+):/.exec(error.message)?.[1])
        assert.ok(Math.abs(at - line) <= 3, `line ${at}, not ${line}: ${error.message}`)
        return true
      },
    ))

test('references that lead nowhere, and names that are there twice, stop the start', async () => {
  await assert.rejects(
    open(slo('indicatorRef: x\nobjectives: [{ target: 0.9 }]')),
    /slos\[0\]: spec.indicatorRef: there is no SLI x; known: none/,
  )
  await assert.rejects(
    open('slos: [{ service: a, availability: 99 }, { service: a, availability: 98 }]'),
    /slos\[1\]: an objective a availability is there already \(slos\[0\]\)/,
  )
  await assert.rejects(
    open('slos: [{ file: /nonexistent/slos.yaml }]'),
    /\/nonexistent\/slos.yaml: cannot be read: ENOENT/,
  )
})

test('all that is wrong in files is told at once, with its place', async () => {
  const folder = testFolder('slo-files')
  writeFileSync(join(folder, 'a.yaml'), 'service: a\navailability: 101\n---\nservice: b\navailability: 99\nlatncy: 3\n')
  writeFileSync(join(folder, 'b.yml'), 'apiVersion: openslo/v1\nkind: [\n')
  writeFileSync(join(folder, 'ignored.txt'), 'nothing')
  await assert.rejects(open(`slos: [{ file: ${folder} }]`), (error) => {
    assert.ok(error instanceof Error)
    assert.match(error.message, /a\.yaml:2:15 availability: must be less than 100/)
    assert.match(error.message, /a\.yaml:6:1 .*has invalid keys: latncy/)
    assert.match(error.message, /b\.yml:\d+:\d+ not valid YAML/)
    return true
  })
})
