import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import factory from './index.ts'

const second = 1_000_000_000n

/** A record: service, template, seconds from the clock's start, severity number. */
type Row = readonly [service: string, template: string, at: number, severity?: number]

async function open(yaml = '{}', options: TestContextOptions = {}) {
  const built = build(factory, yaml, options)
  const { context, instance, handle } = built
  await instance.start?.()
  const start = context.clock.nowUnixNano()
  return {
    ...built,
    clock: context.clock,
    start,
    rows: async (...rows: Row[]) => {
      const builder = newLogs()
      for (const [service, template, at, severityNumber = 9] of rows)
        builder.resource({ 'service.name': service, 'host.name': 'ignored' }).record({
          timeUnixNano: start + BigInt(Math.round(at * 1e9)),
          severityNumber,
          attributes: template === '' ? {} : { 'log.template.id': `id of ${template}`, 'log.template': template },
        })
      await handle(builder.build())
    },
  }
}

/** Of one metric: service, what tells the points apart, seconds of the pane from the clock's start, value. */
function pointsOf({ recorded }: TestContext, name: string, start: bigint) {
  return recorded.emitted.flatMap(({ batch }) =>
    [...(batch as Metrics)]
      .filter(({ metric }) => metric.name === name)
      .map(({ resource, attributes, timeUnixNano, value }) => [
        resource.attributes.get('service.name'),
        attributes.get('log.template.id') ?? (attributes.has('otel.metric.overflow') ? 'overflow' : undefined),
        attributes.get('severity'),
        Number((timeUnixNano - start) / second),
        value,
      ]),
  )
}

function numberOf(value: unknown): number {
  return isDouble(value) ? value.double : Number(value)
}

describeContract(factory, '{}', { accept: () => {}, kind: 'connector' })

test('records are counted by service, severity and template, in panes of event time', async () => {
  const { rows, clock, context, start } = await open()
  await rows(['a', 'x', 1], ['a', 'x', 9.9], ['a', 'x', 10], ['a', 'y', 1, 17], ['b', 'x', 2], ['b', '', 3, 0])
  await clock.advance(5_000)
  assert.deepEqual(pointsOf(context, 'vigil.log.records', start), [
    ['a', undefined, 'INFO', 10, 2],
    ['a', undefined, 'INFO', 20, 1],
    ['a', undefined, 'ERROR', 10, 1],
    ['b', undefined, 'UNSPECIFIED', 10, 1],
    ['b', undefined, 'INFO', 10, 1],
  ])
  assert.deepEqual(pointsOf(context, 'vigil.log.template.records', start), [
    ['a', 'id of x', 'INFO', 10, 2],
    ['a', 'id of x', 'INFO', 20, 1],
    ['a', 'id of y', 'ERROR', 10, 1],
    ['b', 'id of x', 'INFO', 10, 1],
  ])
  const [point] = [...(context.recorded.emitted[0]!.batch as Metrics)]
  assert.deepEqual(
    [
      point?.metric.temporality,
      point?.metric.monotonic,
      point?.startUnixNano,
      [...point!.resource.attributes.entries()],
    ],
    ['delta', true, start, [['service.name', 'a']]],
  )
})

test('late records are a point more of their pane, and nothing is counted twice', async () => {
  const { rows, clock, context, start } = await open()
  await rows(['a', 'x', 1])
  await clock.advance(5_000)
  await rows(['a', 'x', 2], ['a', 'x', 31])
  await clock.advance(5_000)
  await clock.advance(5_000)
  assert.deepEqual(
    pointsOf(context, 'vigil.log.template.records', start).map(([, , , at, value]) => [at, value]),
    [
      [10, 1],
      [10, 1],
      [40, 1],
    ],
  )
})

test('a template is new once, and not while its service is being learned', async () => {
  const { rows, clock, context, start } = await open('learning_period: 1m')
  await rows(['a', 'x', 1])
  await clock.advance(70_000)
  await rows(['a', 'x', 70], ['a', 'y', 70, 17], ['b', 'z', 70])
  await clock.advance(5_000)
  await rows(['a', 'y', 76, 17])
  await clock.advance(5_000)
  assert.deepEqual(pointsOf(context, 'vigil.log.template.new', start), [['a', 'id of y', 'ERROR', 80, 1]])
})

test('a burst is told with what was expected, once its pane is over', async () => {
  const { rows, clock, context, start } = await open('learning_period: 1m')
  for (let pane = 0; pane < 30; pane++) {
    await rows(...Array.from({ length: 3 + (pane % 3) }, (): Row => ['a', 'x', pane * 10 + 1]))
    await clock.advance(10_000)
  }
  await rows(...Array.from({ length: 80 }, (): Row => ['a', 'x', 301]))
  await clock.advance(30_000)
  const bursts = pointsOf(context, 'vigil.log.template.burst', start)
  assert.deepEqual(
    bursts.map((burst) => burst.slice(0, 4)),
    [['a', 'id of x', 'INFO', 310]],
  )
  assert.equal(numberOf(bursts[0]![4]), 12)
  const [expected] = pointsOf(context, 'vigil.log.template.expected', start)
  assert.ok(Math.abs(numberOf(expected![4]) - 4) < 0.1)
})

test('a steady stream has no bursts and no new templates for hours', async () => {
  const { rows, clock, context, start } = await open('learning_period: 1m')
  let state = 7
  const random = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) / 0x7fff_ffff
  for (let pane = 0; pane < 1_080; pane++) {
    const all: Row[] = []
    for (const [template, rate] of [
      ['x', 40],
      ['y', 3],
      ['z', 0.05],
    ] as const)
      for (let i = 0; i < rate * 4; i++) if (random() < 0.25) all.push(['a', template, pane * 10 + 5])
    await rows(...all)
    await clock.advance(10_000)
  }
  assert.deepEqual(pointsOf(context, 'vigil.log.template.burst', start), [])
})

test('templates beyond max_series are counted as one, and told', async () => {
  const { rows, clock, context, start } = await open('max_series: 2')
  await rows(['a', 'x', 1], ['a', 'y', 1], ['a', 'z', 1], ['a', 'w', 1])
  await clock.advance(5_000)
  assert.deepEqual(pointsOf(context, 'vigil.log.template.records', start), [
    ['a', 'id of x', 'INFO', 10, 1],
    ['a', 'id of y', 'INFO', 10, 1],
    ['a', 'overflow', 'INFO', 10, 2],
  ])
  assert.equal(context.recorded.sums.get('otelcol_connector_log_metrics_overflowed_records'), 2)
})

test('resources beyond max_resources are counted as one, and told', async () => {
  const { rows, clock, context, start } = await open('max_resources: 1')
  await rows(['a', 'x', 1], ['b', 'x', 1], ['c', '', 1])
  await clock.advance(5_000)
  assert.deepEqual(pointsOf(context, 'vigil.log.records', start), [
    ['a', undefined, 'INFO', 10, 1],
    [undefined, undefined, 'INFO', 10, 2],
  ])
  assert.equal(context.recorded.sums.get('otelcol_connector_log_metrics_overflowed_records'), 2)
})

test('a template that expired makes room, and is new when it comes again', async () => {
  const { rows, clock, context, start } = await open('{max_series: 1, series_expiration: 1m, learning_period: 0s}')
  await rows(['a', 'x', 1])
  await clock.advance(100_000)
  await rows(['a', 'y', 100])
  await clock.advance(100_000)
  await rows(['a', 'x', 200])
  await clock.advance(5_000)
  assert.deepEqual(
    pointsOf(context, 'vigil.log.template.new', start).map(([, id]) => id),
    ['id of x', 'id of y', 'id of x'],
  )
})

test('a reload loses no count, and remembers what is not new', async () => {
  const before = await open('learning_period: 1m')
  await before.rows(['a', 'x', 1])
  const state = await before.instance.save!()
  await before.instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.equal(before.context.recorded.emitted.length, 0)
  const { instance, context, handle } = build(factory, 'learning_period: 0s')
  await instance.restore?.(state)
  await instance.start?.()
  const record = {
    timeUnixNano: before.start + 2n * second,
    severityNumber: 9,
    attributes: { 'log.template.id': 'id of x' },
  }
  await handle(newLogs().resource({ 'service.name': 'a' }).record(record).build())
  await context.clock.advance(5_000)
  assert.deepEqual(pointsOf(context, 'vigil.log.template.records', before.start), [['a', 'id of x', 'INFO', 10, 2]])
  assert.deepEqual(pointsOf(context, 'vigil.log.template.new', before.start), [])
})

test('what waits at shutdown goes on', async () => {
  const { rows, context, instance, start } = await open()
  await rows(['a', 'x', 1])
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.equal(pointsOf(context, 'vigil.log.records', start).length, 1)
})

test('what is refused is lost and counted', async () => {
  const { rows, clock, context } = await open('{}', {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await rows(['a', 'x', 1])
  await clock.advance(5_000)
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'refused_downstream', intent: 'lost' }])
})

test('senders who differ in what is read further on are never counted together', async () => {
  const { context, handle, clock } = await open('{}', {
    originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '',
  })
  for (const tenant of ['a', 'b', 'a']) {
    const batch = newLogs()
      .resource({ 'service.name': 's' })
      .record({ timeUnixNano: 5n * second })
      .build()
    await handle(batch.withOrigin({ metadata: new Map([['tenant', [tenant]]]) }))
  }
  await clock.advance(5_000)
  assert.deepEqual(
    context.recorded.emitted.map(({ batch }) => [
      batch.origin.metadata.get('tenant'),
      [...(batch as Metrics)].map(({ value }) => value),
    ]),
    [
      [['a'], [2]],
      [['b'], [1]],
    ],
  )
})

describeRefusals(factory, [
  ['flush_interval: 0s', 'flush_interval must be greater than 0'],
  ['max_series: 0', 'max_series must be greater than 0'],
  ['learning_period: -1s', 'learning_period must not be negative'],
  ['burst_surprise: 13', 'burst_surprise must be more than 0 and at most 12'],
  ['resource_attributes: []', 'resource_attributes must name one or more'],
])
