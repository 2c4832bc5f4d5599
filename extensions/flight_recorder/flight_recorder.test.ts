import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  type FlightRecorder,
  flightRecorder,
  type Recording,
  recording,
} from '../../pipeline/capability/flight-recorder.ts'
import { newLogs, newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Logs, Metrics, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { hostileBatch } from '../../pipeline/testing/hostile-batches.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vigil-recorder-'))
let folders = 0
const newFolder = () => join(root, `${folders++}`)
const running: (() => Promise<void>)[] = []
after(async () => {
  for (const stop of running) await stop()
  rmSync(root, { recursive: true, force: true })
})

async function run(folder = newFolder(), yaml = '') {
  const built = build(factory, `directory: ${folder}\n${yaml}`, { kind: 'extension' })
  await built.instance.start!()
  let isStopped = false
  const stop = async () => {
    if (!isStopped) await built.instance.shutdown!(AbortSignal.timeout(5_000))
    isStopped = true
  }
  running.push(stop)
  const recorder = built.instance.provides!.get(flightRecorder) as FlightRecorder
  const to = built.instance.provides!.get(recording) as Recording
  return { ...built, recorder, to, stop, folder }
}

describeContract(factory, `directory: ${newFolder()}`)

const nano = 1_000_000_000n
const start = 1_700_000_000n
const traceId = (n: number) => n.toString(16).padStart(32, '0')
const service = (name: string): Entity => ({
  kind: 'service',
  cluster: '',
  environment: '',
  namespace: '',
  service: '',
  name,
})

interface SpanIs {
  readonly trace: number
  readonly of?: string
  readonly at?: bigint
  readonly ms?: bigint
  readonly attributes?: Record<string, string>
}
function spans(...all: readonly SpanIs[]): Traces {
  const builder = newTraces()
  for (const { trace, of = 'order', at = start, ms = 10n, attributes = {} } of all)
    builder.resource({ 'service.name': of }).span({
      name: `span of ${of}`,
      traceId: traceId(trace),
      spanId: trace.toString(16).padStart(16, '0'),
      startUnixNano: at * nano,
      endUnixNano: at * nano + ms * 1_000_000n,
      attributes,
    })
  return builder.build()
}
const told = (traces: Traces) => Array.from(traces, (span) => `${Number(`0x${span.traceId}`)} ${span.name.slice(8)}`)

test('what was just recorded is read back by trace id, entity and time', async () => {
  const { recorder, to } = await run()
  to.record(spans({ trace: 1 }, { trace: 2, of: 'payment', at: start + 60n }))
  to.record(spans({ trace: 2, at: start + 60n }, { trace: 3, of: 'payment', at: start + 120n }))
  assert.deepEqual(told(await recorder.traces({ traceIds: [traceId(2)] })), ['2 payment', '2 order'])
  assert.deepEqual(told(await recorder.traces({ traceIds: [traceId(9)] })), [])
  assert.deepEqual(told(await recorder.traces({ entity: service('payment') })), ['2 payment', '3 payment'])
  const untilUnixNano = (start + 30n) * nano
  assert.deepEqual(told(await recorder.traces({ untilUnixNano })), ['1 order'])
  assert.deepEqual(told(await recorder.traces({ fromUnixNano: (start + 90n) * nano })), ['3 payment'])
  assert.deepEqual(
    told(
      await recorder.traces({ entity: { ...service('GET /'), kind: 'operation', service: 'payment' }, untilUnixNano }),
    ),
    [],
  )
  const answer = await recorder.traces({})
  assert.equal(readOtlp('traces', Buffer.concat(answer.chunks), 'proto', { metadata: new Map() }).count, 4)
})

test('what calls a database is found by the name that the database has', async () => {
  const { recorder, to } = await run()
  to.record(
    spans(
      { trace: 1, attributes: { 'server.address': 'orders-db' } },
      { trace: 2, attributes: { 'db.namespace': 'other' } },
    ),
  )
  const database: Entity = { ...service('orders-db'), kind: 'database' }
  const query: Entity = { ...service('orders-db SELECT * FROM orders'), kind: 'query' }
  assert.deepEqual(told(await recorder.traces({ entity: database })), ['1 order'])
  assert.deepEqual(told(await recorder.traces({ entity: query })), ['1 order'])
  const edge: Entity = { ...service('order -> database orders-db'), kind: 'edge' }
  assert.deepEqual(told(await recorder.traces({ entity: edge })), ['1 order', '2 order'])
})

test('the traces that crossed an entity are read whole, the newest if they are too many', async () => {
  const { recorder, to } = await run()
  to.record(spans({ trace: 1 }, { trace: 2 }, { trace: 3 }))
  for (const n of [1, 3]) {
    to.record(spans({ trace: n, of: 'payment', at: start + BigInt(n) }))
    await recorder.traces({})
  }
  const entity = service('payment')
  assert.deepEqual(told(await recorder.tracesThrough({ entity, maxTraces: 10 })), [
    '1 order',
    '3 order',
    '1 payment',
    '3 payment',
  ])
  assert.deepEqual(told(await recorder.tracesThrough({ entity, maxTraces: 1 })), ['3 order', '3 payment'])
  assert.deepEqual(told(await recorder.tracesThrough({ entity: service('none'), maxTraces: 1 })), [])
})

test('logs are read by trace, service and time, metrics by service and time', async () => {
  const { recorder, to } = await run()
  const logs: Logs = newLogs()
    .resource({ 'service.name': 'order' })
    .record({ body: 'a', timeUnixNano: start * nano, traceId: traceId(7) })
    .record({ body: 'b', observedUnixNano: (start + 60n) * nano })
    .build()
  const metrics: Metrics = newMetrics()
    .resource({ 'service.name': 'order' })
    .gauge('g', [{ value: 1, timeUnixNano: start * nano }])
    .build()
  to.record(logs)
  to.record(metrics)
  const bodies = async (query: Parameters<FlightRecorder['logs']>[0]) =>
    Array.from(await recorder.logs(query), ({ body }) => body)
  assert.deepEqual(await bodies({ traceIds: [traceId(7)] }), ['a'])
  assert.deepEqual(await bodies({ entity: service('order') }), ['a', 'b'])
  assert.deepEqual(await bodies({ fromUnixNano: (start + 1n) * nano }), ['b'])
  assert.equal((await recorder.metrics({ entity: service('order') })).count, 1)
  assert.equal((await recorder.metrics({ entity: service('payment') })).count, 0)
  assert.equal((await recorder.metrics({ fromUnixNano: (start + 1n) * nano })).count, 0)
})

test('spans of slow queries are kept in a ring of their own', async () => {
  const { recorder, to } = await run(undefined, 'max_age: 1m\nslow_statements: { threshold: 100ms, max_age: 1h }')
  const query = { 'db.query.text': 'SELECT 1' }
  to.record(
    spans(
      { trace: 1, ms: 100n, attributes: query },
      { trace: 2, ms: 99n, attributes: query },
      { trace: 3, ms: 5_000n },
    ),
  )
  assert.deepEqual(told(await recorder.slowStatements({})), ['1 order'])
  assert.deepEqual(told(await recorder.slowStatements({ entity: service('payment') })), [])
})

test('the ring stays within its size and age, and the newest is what is in it', async () => {
  const { recorder, to, context, folder } = await run(undefined, 'max_bytes: 4MiB\nmax_age: 10m')
  const pad = { pad: 'x'.repeat(2_000) }
  for (let i = 0; i < 40; i++) {
    to.record(spans(...Array.from({ length: 100 }, (_, n) => ({ trace: i * 100 + n + 1, attributes: pad }))))
    await recorder.traces({ traceIds: [] })
    const size = readdirSync(join(folder, 'all')).reduce(
      (sum, name) => sum + statSync(join(folder, 'all', name)).size,
      0,
    )
    assert.ok(size <= 4 * 1024 * 1024, `${size}`)
  }
  assert.equal((await recorder.traces({ traceIds: [traceId(4_000)] })).count, 1)
  assert.equal((await recorder.traces({ traceIds: [traceId(1)] })).count, 0)
  await context.clock.advance(700_000)
  // The file that is written to is closed by the next record.
  to.record(spans({ trace: 5_000 }))
  await recorder.traces({})
  await context.clock.advance(1_000)
  for (let i = 0; i < 50 && (await recorder.traces({})).count > 1; i++) await context.clock.advance(1_000)
  assert.deepEqual(told(await recorder.traces({})), ['5000 order'])
})

test('a restart finds everything again, and cuts off what is half written', async () => {
  const first = await run()
  first.to.record(spans({ trace: 1 }, { trace: 2, of: 'payment' }))
  await first.recorder.traces({})
  first.to.record(spans({ trace: 3 }))
  await first.stop()
  const [file] = readdirSync(join(first.folder, 'all'))
  appendFileSync(join(first.folder, 'all', file!), Buffer.from('half a record'))
  const second = await run(first.folder)
  assert.deepEqual(told(await second.recorder.traces({})), ['1 order', '2 payment', '3 order'])
  assert.deepEqual(told(await second.recorder.traces({ traceIds: [traceId(2)] })), ['2 payment'])
  assert.match(second.context.recorded.lines[0]!.message, /half written, and was cut off/)
  second.to.record(spans({ trace: 4 }))
  await second.stop()
  const third = await run(first.folder)
  assert.deepEqual(told(await third.recorder.traces({})), ['1 order', '2 payment', '3 order', '4 order'])
  assert.deepEqual(third.context.recorded.lines, [])
})

test('bytes that are not what was written are never given out', async () => {
  const first = await run()
  first.to.record(spans({ trace: 1 }))
  await first.recorder.traces({})
  const path = join(first.folder, 'all', readdirSync(join(first.folder, 'all'))[0]!)
  const bytes = Buffer.alloc(statSync(path).size, 1)
  writeFileSync(path, bytes, { flag: 'r+' })
  assert.equal((await first.recorder.traces({})).count, 0)
})

test('when the buffer is full the oldest that waits is not recorded, and counted', async () => {
  const { recorder, to, context } = await run(undefined, 'buffer_bytes: 1MiB')
  const pad = { pad: 'x'.repeat(300_000) }
  for (let i = 1; i <= 10; i++) to.record(spans({ trace: i, attributes: pad }))
  const { count } = await recorder.traces({})
  const lost = context.recorded.drops.reduce((sum, { items }) => sum + items, 0)
  assert.ok(lost > 0)
  assert.equal(count + lost, 10)
  assert.deepEqual(
    [...new Set(context.recorded.drops.map(({ reason, intent }) => `${reason} ${intent}`))],
    ['buffer_full lost'],
  )
  assert.equal((await recorder.traces({ traceIds: [traceId(10)] })).count, 1)
})

test('a disk that refuses costs the recording and nothing else', async () => {
  const { recorder, to, context, folder } = await run()
  rmSync(join(folder, 'all'), { recursive: true })
  writeFileSync(join(folder, 'all'), 'a file where the folder was')
  to.record(spans({ trace: 1 }))
  assert.equal((await recorder.traces({})).count, 0)
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'write_failed', intent: 'lost' }])
  assert.match(context.recorded.lines[0]!.message, /could not be recorded; it went on all the same/)
})

test('a folder that another process uses is refused', async () => {
  const { folder } = await run()
  const database = await import('node:sqlite')
  const other = newFolder()
  const made = await run(other)
  await made.stop()
  const lock = new database.DatabaseSync(join(other, '.lock'))
  lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  await assert.rejects(build(factory, `directory: ${other}`).instance.start!(), /in use by another process/)
  lock.close()
  assert.ok(folder)
})

test('whatever comes is recorded, and what is read is OTLP', async () => {
  const { recorder, to } = await run()
  let state = 7
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  let items = 0
  for (let i = 0; i < 60; i++) {
    const batch = hostileBatch((['traces', 'logs', 'metrics'] as const)[i % 3]!, random)
    items += batch.count
    to.record(batch)
  }
  const all = [await recorder.traces({}), await recorder.logs({}), await recorder.metrics({})]
  assert.equal(
    all.reduce((sum, { count }) => sum + count, 0),
    items,
  )
  for (const { signal, chunks, count } of all)
    assert.equal(readOtlp(signal, Buffer.concat(chunks), 'proto', { metadata: new Map() }).count, count)
})
