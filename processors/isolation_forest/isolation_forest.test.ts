import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inference } from '../../models/runtime/inference.ts'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { inference } from '../../pipeline/capability/inference.ts'
import { newLogs, newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import type { Attributes, Batch, In, Logs, Metrics, Traces } from '../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

describeContract(factory, '')
describeContract(factory, 'mode: filter')

/** Small, so that a forest is there after 100 items. */
const small = 'min_samples: 100\nforest_size: 50\nsubsample_size: 64\nperformance: { batch_size: 400 }\n'
const second = 1_000_000_000n

/** The same in each run (Numerical Recipes' generator). */
function lcg(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function open(yaml: string) {
  const built = build(factory, yaml, { random: lcg(11) })
  const take = async <B extends Batch>(batch: B) => (await built.handle(batch)) as B
  return { ...built, take }
}

/** Spans of so many milliseconds each. */
function spans(millis: readonly number[], service = 'shop'): Traces {
  const builder = newTraces().resource({ 'service.name': service })
  for (const ms of millis)
    builder.span({
      startUnixNano: 0n,
      endUnixNano: BigInt(Math.round(ms * 1e6)),
      attributes: { 'http.status_code': 200 },
    })
  return builder.build()
}

function said({ attributes }: { readonly attributes: Attributes } & In) {
  const score = attributes.get('anomaly.isolation_score')
  return {
    score: isDouble(score) ? score.double : (score as number),
    isOdd: attributes.get('anomaly.is_anomaly'),
    model: attributes.get('anomaly.model_name'),
  }
}

/** Around 100 ms. */
function ordinary(n: number, random: () => number): number[] {
  return Array.from({ length: n }, () => 90 + 20 * random())
}

test('until enough was seen each item has the score 0.5 and is not odd', async () => {
  const { take } = open(small)
  const out = [...(await take(spans(ordinary(99, lcg(1)))))].map(said)
  assert.ok(out.every(({ score, isOdd, model }) => score === 0.5 && isOdd === false && model === undefined))
})

test('what is unlike the rest has the highest score, and is called odd', async () => {
  const { take } = open(small)
  await take(spans(ordinary(400, lcg(1))))
  const out = [...(await take(spans([...ordinary(50, lcg(2)), 5_000])))].map(said)
  const scores = out.map(({ score }) => score)
  assert.equal(scores.indexOf(Math.max(...scores)), 50)
  assert.equal(out[50]!.isOdd, true)
  assert.ok(out[50]!.score > 0.6)
})

for (const [share, yaml] of [
  [0.1, small],
  [0.02, `${small}contamination_rate: 0.02`],
] as const)
  test(`${share * 100} % of the items are called odd, though nothing happens`, async () => {
    const { take, context, instance } = open(yaml)
    await instance.start?.()
    const random = lcg(5)
    for (let i = 0; i < 20; i++) {
      await take(spans(ordinary(200, random)))
      await context.clock.advance(3_600_000)
    }
    const { gauges } = context.recorded
    const read = (name: string) => gauges.get(`otelcol_processor_isolation_forest_${name}`)!()
    assert.ok(
      Math.abs(read('anomalies') / (read('items') - 200) - share) < share / 2,
      `${read('anomalies')} of ${read('items')}`,
    )
  })

test('filter keeps what is odd and counts the rest as dropped; metrics all stay', async () => {
  const { take, context } = open(`${small}mode: filter`)
  assert.equal((await take(spans(ordinary(100, lcg(1))))).count, 0)
  await take(spans(ordinary(300, lcg(2))))
  context.recorded.drops.length = 0
  const kept = await take(spans([100, 100, 9_000]))
  assert.deepEqual(
    [...kept].map(({ endUnixNano, attributes }) => [endUnixNano, attributes.has('anomaly.is_anomaly')]),
    [[9_000_000_000n, false]],
  )
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'not_anomalous', intent: 'intended' }])
  const metrics = newMetrics()
    .gauge('g', [{ value: 1 }])
    .build()
  assert.equal(await take(metrics), metrics)
})

test('a metric is one item, by its first point; its points all get what is said of it', async () => {
  const { take } = open(`${small}mode: both`)
  const metrics = (at: number, value: number) =>
    newMetrics()
      .resource({ 'service.name': 'shop' })
      .gauge('load', [
        { value: double(value), timeUnixNano: BigInt(at) * second },
        { value: 3, timeUnixNano: BigInt(at) * second },
      ])
      .build()
  const random = lcg(3)
  for (let i = 1; i <= 200; i++) await take(metrics(i, 10 + random()))
  const [quiet] = [...(await take(metrics(201, 10.5)))].map(said)
  const [first, other] = [...(await take(metrics(202, 90)))].map(said)
  assert.deepEqual(first, other)
  assert.equal(first!.isOdd, true)
  assert.ok(first!.score > quiet!.score)
})

test('log records are judged by severity, gap and length', async () => {
  const { take } = open(`${small}features: { logs: [severity_number, timestamp_gap, message_length] }`)
  const random = lcg(9)
  const logs = (from: number, n: number, severityNumber: number, body: string): Logs => {
    const builder = newLogs().resource({ 'service.name': 'shop' })
    // What never varies tells nothing to a forest.
    for (let i = 0; i < n; i++) {
      const at = BigInt(from + i) * second + BigInt(Math.floor(random() * 5e8))
      builder.record({
        timeUnixNano: at,
        severityNumber: severityNumber + (i % 7 === 0 ? 4 : 0),
        body: body + 'y'.repeat(i % 5),
      })
    }
    return builder.build()
  }
  await take(logs(1, 400, 9, 'as always'))
  await take(logs(401, 60, 9, 'as always!'))
  const [odd] = [...(await take(logs(900, 1, 21, 'x'.repeat(400))))].map(said)
  const [plain] = [...(await take(logs(901, 1, 9, 'as always')))].map(said)
  assert.ok(odd!.score > plain!.score)
  assert.equal(odd!.isOdd, true)
})

test('each model learns what its selector fits, the first one the rest, and is named', async () => {
  const { take } = open(`${small}
models:
  - { name: web, selector: { service.name: web }, features: [duration] }
  - { name: db, selector: { service.name: db }, contamination_rate: 0.02 }`)
  await take(spans(ordinary(400, lcg(1)), 'web'))
  await take(
    spans(
      ordinary(400, lcg(2)).map((ms) => ms / 100),
      'db',
    ),
  )
  const [slowDb] = [...(await take(spans([100], 'db')))].map(said)
  const [web] = [...(await take(spans([100], 'web')))].map(said)
  const [other] = [...(await take(spans([100], 'other')))].map(said)
  assert.deepEqual([slowDb!.model, web!.model, other!.model], ['db', 'web', 'web'])
  assert.equal(slowDb!.isOdd, true)
  assert.equal(web!.isOdd, false)
})

test('a signal without features has the score 0 and nothing odd, as upstream', async () => {
  const { take } = open('features: { traces: [] }')
  assert.deepEqual([...(await take(spans([1])))].map(said), [{ score: 0, isOdd: false, model: undefined }])
})

test('a reload keeps the forest', async () => {
  const before = open(small)
  await before.take(spans(ordinary(400, lcg(1))))
  const state = await before.instance.save!()
  const after = open(small)
  await after.instance.restore!(state)
  assert.deepEqual(
    [...(await after.take(spans([100, 9_000])))].map(said),
    [...(await before.take(spans([100, 9_000])))].map(said),
  )
})

test('a forest that was grown of other features is not asked about these', async () => {
  const of = (names: string) => `${small}features: { traces: [${names}] }`
  const before = open(of('duration, error'))
  await before.take(spans(ordinary(400, lcg(3))))
  const state = await before.instance.save!()
  const after = open(of('error, duration'))
  await after.instance.restore!(state)
  const [first] = [...(await after.take(spans([100])))].map(said)
  assert.deepEqual(first, { score: 0.5, isOdd: false, model: undefined })
})

test('a log record without a time is as of when it was observed', async () => {
  const { take } = open(`${small}features: { logs: [timestamp_gap] }\nmode: enrich`)
  const records = (times: readonly number[]) => {
    const builder = newLogs().resource({ 'service.name': 'shop' })
    for (const [i, at] of times.entries()) {
      const nanos = BigInt(at) * second
      builder.record(i % 2 === 0 ? { timeUnixNano: nanos } : { observedUnixNano: nanos })
    }
    return builder.build()
  }
  const start = 1_700_000_000
  const out = [...(await take(records(Array.from({ length: 400 }, (_, i) => start + i))))].map(said)
  assert.equal(out.filter(({ isOdd }) => isOdd === true).length, 0)
  // All have the same gap, so there is nothing to tell apart.
  const scores = new Set(
    [...(await take(records([start + 400, start + 401, start + 402])))].map(said).map(({ score }) => score),
  )
  assert.equal(scores.size, 1)
})

test('a large batch is judged in slices, and lets other work in', async () => {
  const { take, context } = open(small)
  // Each look at the clock takes longer than a slice.
  const told = context.clock.nowMs.bind(context.clock)
  let looks = 0
  context.clock.nowMs = () => told() + 5 * looks++
  const order: string[] = []
  const taking = take(spans(ordinary(2_000, lcg(5)))).then(() => order.push('judged'))
  setImmediate(() => order.push('other work'))
  await taking
  assert.deepEqual(order, ['other work', 'judged'])
})

test('with adaptive_window more items are kept where many come', async () => {
  const { take, instance, context } = open(
    `${small}adaptive_window: { enabled: true, min_window_size: 200, max_window_size: 230, velocity_threshold: 1, adaptation_rate: 0.5 }`,
  )
  await instance.start?.()
  const size = () => context.recorded.gauges.get('otelcol_processor_isolation_forest_window_size')!()
  // Of traces, metrics and logs, which a test's instance has all.
  assert.equal(size(), 600)
  await context.clock.advance(300_000)
  await take(spans(ordinary(1_000, lcg(1))))
  await context.clock.advance(300_000)
  assert.equal(size(), 230 + 400)
  const [odd] = [...(await take(spans([9_000])))].map(said)
  assert.equal(odd!.isOdd, true)
})

test('numbers that are none, and times that run backwards, harm nothing', async () => {
  const { take } = open(small)
  const bad = newMetrics()
    .gauge('g', [{ value: double(Number.NaN) }, { value: double(Number.POSITIVE_INFINITY) }])
    .gauge('h', [{ value: double(Number.NEGATIVE_INFINITY) }])
    .build()
  for (let i = 0; i < 120; i++) assert.equal(((await take(bad)) as Metrics).count, 3)
  const builder = newTraces()
  for (let i = 0; i < 150; i++)
    builder.span({ startUnixNano: 10n, endUnixNano: 0n, attributes: { 'http.status_code': 'odd' } })
  assert.equal((await take(builder.build())).count, 150)
})

/** Upstream's words, by its config.go. */
const refusals: readonly (readonly [string, string])[] = [
  ['forest_size: -1', 'forest_size must be positive'],
  ['forest_size: 1500', 'forest_size should not exceed 1000'],
  ['contamination_rate: 1.5', 'contamination_rate must be between 0.0 and 1.0'],
  ['contamination_rate: -0.1', 'contamination_rate must be between 0.0 and 1.0'],
  ['mode: invalid_mode', "mode must be 'enrich', 'filter', or 'both'"],
  ['threshold: 1.5', 'threshold must be between 0.0 and 1.0'],
  [
    'training_window: invalid_duration',
    'training_window is not a valid duration: time: invalid duration "invalid_duration"',
  ],
  ['update_frequency: "5"', 'update_frequency is not a valid duration: time: missing unit in duration "5"'],
  [
    '{score_attribute: same, classification_attribute: same}',
    'score_attribute and classification_attribute must be different',
  ],
  ['features: {traces: [], metrics: [], logs: []}', 'at least one feature type must be configured'],
  ['adaptive_window: {min_window_size: 0}', 'adaptive_window validation failed: min_window_size must be positive'],
  [
    'adaptive_window: {max_window_size: 10}',
    'adaptive_window validation failed: max_window_size must be greater than min_window_size',
  ],
  [
    'min_samples: 2000',
    'adaptive_window validation failed: adaptive_window.min_window_size (1000) should be >= min_samples (2000) for consistency',
  ],
  [
    'performance: {max_memory_mb: 100}',
    'adaptive_window validation failed: adaptive_window.memory_limit_mb (256) should not exceed performance.max_memory_mb (100)',
  ],
  ['adaptive_window: {memory_limit_mb: 0}', 'adaptive_window validation failed: memory_limit_mb must be positive'],
  [
    'adaptive_window: {adaptation_rate: 2}',
    'adaptive_window validation failed: adaptation_rate must be between 0.0 and 1.0',
  ],
  [
    'adaptive_window: {velocity_threshold: -1}',
    'adaptive_window validation failed: velocity_threshold must be non-negative',
  ],
  [
    'adaptive_window: {stability_check_interval: soon}',
    'adaptive_window validation failed: stability_check_interval is not a valid duration: time: invalid duration "soon"',
  ],
  ['min_node_samples: 0', 'min_node_samples must be positive'],
]
for (const [yaml, words] of refusals)
  test(`refused: ${yaml}`, () =>
    assert.throws(
      () => build(factory, yaml),
      (error) => error instanceof Error && error.message.includes(words),
    ))

test('with `inference` larger batches are scored there, with the same verdicts; while nothing computes there they are scored here', async () => {
  const offered = await Inference.start({ backend: 'wasm', maxValues: 1e6, maxModels: 9, changed: () => {} })
  const plain = open(small)
  const own = build(factory, `${small}inference: models\n`, {
    random: lcg(11),
    capabilities: new Map([[inference as Capability<unknown>, offered]]),
  })
  await own.instance.start?.()
  const both = async (millis: readonly number[]) => {
    const here = [...(await plain.take(spans(millis)))].map(said)
    const there = [...((await own.handle(spans(millis))) as Traces)].map(said)
    assert.deepEqual(there, here)
  }
  await both(ordinary(300, lcg(1)))
  assert.equal(offered.scoredRows, 0, 'there was no forest')
  while (offered.models === 0 || (await offered.memory())?.tensors === 0) await new Promise(setImmediate)
  await both([...ordinary(200, lcg(2)), 9_000])
  assert.equal(offered.scoredRows, 201)
  await both([100, 9_000])
  assert.equal(offered.scoredRows, 201, 'few are scored here')
  await offered.endThread()
  await both(ordinary(200, lcg(4)))
  assert.equal(offered.scoredRows, 201)
  await own.instance.shutdown?.(new AbortController().signal)
  assert.equal(offered.models, 0)
  await offered.close()
})
