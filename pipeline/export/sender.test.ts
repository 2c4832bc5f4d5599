import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { Rejected } from '../component.ts'
import type { Batch, Logs, Origin } from '../data/telemetry.ts'
import { type TestContext, testContext } from '../testing/context.ts'
import type { Handler } from './attempt.ts'
import { type Sender, wrapExporter } from './sender.ts'
import { type SendingSettings, sendingKeys } from './sending.ts'
import { bodiesOf, logs, originWith } from './test-batches.ts'

const never = new AbortController().signal
const exporter = { queue: true, retry: true, timeoutMs: 5_000 }

interface Exporter {
  readonly sender: Sender
  readonly context: TestContext
  /** The bodies of each attempt, in order. */
  readonly attempts: string[][]
}

function open(yaml: string, push: Handler = () => {}, originKey?: (origin: Origin) => string): Exporter {
  const context = testContext({ id: 'otlp_grpc', kind: 'exporter' })
  const attempts: string[][] = []
  const sender = wrapExporter({
    context,
    signal: 'logs',
    sending: sendingKeys(exporter).parse(parse(yaml) ?? {}) as SendingSettings,
    handler: (batch, attempt) => {
      attempts.push(bodiesOf(batch as Logs))
      return push(batch, attempt)
    },
    ...(originKey ? { originKey } : {}),
  })
  void sender.start()
  return { sender, context, attempts }
}

/** Refuses until it is opened, then takes everything. */
function gate(): { push: Handler; open: () => void } {
  const opened = Promise.withResolvers<void>()
  return { push: () => opened.promise, open: opened.resolve }
}

function failing(times: number, refusal: () => Error): Handler {
  let left = times
  return async () => {
    if (left-- > 0) throw refusal()
  }
}
const unavailable = () => new Rejected('rpc error: code = Unavailable desc = down', { retryable: true })
const noQueue = 'sending_queue: {enabled: false}'

function sum(context: TestContext, name: string): number | undefined {
  // Whatever else is said of it: why it failed, for one.
  const { sums } = context.recorded
  const series = [...sums.keys()].filter((key) => key.startsWith(`${name}{`) && key.includes('exporter="otlp_grpc"'))
  return series.length === 0 ? undefined : series.reduce((all, key) => all + (sums.get(key) ?? 0), 0)
}

test('a retryable failure is retried after the initial interval, and counts as sent once', async () => {
  const { sender, context, attempts } = open('', failing(2, unavailable))
  await sender.consume(logs('a', 3))
  await context.clock.advance(4_999)
  assert.equal(attempts.length, 1)
  await context.clock.advance(1)
  assert.equal(attempts.length, 2)
  await context.clock.advance(7_499)
  assert.equal(attempts.length, 2)
  await context.clock.advance(1)
  assert.equal(attempts.length, 3)
  assert.equal(sum(context, 'otelcol_exporter_sent_log_records'), 3)
  assert.equal(sum(context, 'otelcol_exporter_send_failed_log_records'), undefined)
  assert.equal(
    context.recorded.sums.get('otelcol_exporter_in_flight_requests{data_type="logs",exporter="otlp_grpc"}'),
    0,
  )
  assert.deepEqual(
    context.recorded.lines.map(({ level, message, fields }) => [level, message, fields['interval']]),
    [
      ['info', 'Exporting failed. Will retry the request after interval.', '5s'],
      ['info', 'Exporting failed. Will retry the request after interval.', '7.5s'],
    ],
  )
})

test('the wait grows up to max_interval', async () => {
  const { sender, context, attempts } = open(
    'retry_on_failure: {initial_interval: 1s, multiplier: 10, max_interval: 20s}',
    failing(9, unavailable),
  )
  await sender.consume(logs('a'))
  await context.clock.advance(1_000 + 10_000 + 20_000 + 20_000)
  assert.equal(attempts.length, 5)
})

test('a throttled export waits as long as the far end asked', async () => {
  const throttled = () => new Rejected('slow down', { retryable: true, retryAfterMs: 60_000 })
  const { sender, context, attempts } = open('', failing(1, throttled))
  await sender.consume(logs('a'))
  await context.clock.advance(59_999)
  assert.equal(attempts.length, 1)
  await context.clock.advance(1)
  assert.equal(attempts.length, 2)
})

test('only what did not get through is retried, and the rest counts as sent', async () => {
  const whole = logs('a', 3)
  const last = whole.filter((record) => record.body === 'a 2')
  let first = true
  const { sender, context, attempts } = open('', async () => {
    if (!first) throw new Rejected('bad item', { retryable: false })
    first = false
    throw new Rejected('partly', { retryable: true, remaining: last })
  })
  await sender.consume(whole)
  await context.clock.advance(5_000)
  assert.deepEqual(attempts, [['a 0', 'a 1', 'a 2'], ['a 2']])
  assert.equal(sum(context, 'otelcol_exporter_sent_log_records'), 2)
  assert.equal(sum(context, 'otelcol_exporter_send_failed_log_records'), 1)
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'not_retryable', intent: 'lost' }])
})

test('a permanent failure is not retried; it is counted and logged as upstream does', async () => {
  const { sender, context, attempts } = open(
    '',
    failing(9, () => new Rejected('no', { retryable: false })),
  )
  await sender.consume(logs('a', 2))
  await context.clock.advance(3_600_000)
  assert.equal(attempts.length, 1)
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'not_retryable', intent: 'lost' }])
  assert.deepEqual(context.recorded.lines, [
    {
      level: 'error',
      message: 'Exporting failed. Dropping data.',
      fields: { error: 'not retryable error: Permanent error: no', dropped_items: 2 },
    },
  ])
})

test('retries end at max_elapsed_time', async () => {
  const { sender, context, attempts } = open(
    'retry_on_failure: {initial_interval: 1s, multiplier: 1, max_interval: 1s, max_elapsed_time: 3s}',
    failing(99, unavailable),
  )
  await sender.consume(logs('a'))
  await context.clock.advance(60_000)
  assert.equal(attempts.length, 4)
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'retries_exhausted', intent: 'lost' }])
  assert.equal(
    context.recorded.lines.at(-1)?.fields['error'],
    'no more retries left: rpc error: code = Unavailable desc = down',
  )
})

test('a bug of the exporter fails the batch for good and makes the component unhealthy', async () => {
  const { sender, context } = open('', () => {
    throw new TypeError('x is undefined')
  })
  await sender.consume(logs('a'))
  await context.clock.advance(0)
  assert.equal(context.recorded.drops.length, 1)
  assert.equal(context.recorded.states[0]?.state, 'permanent')
})

test('an attempt that takes longer than the timeout is aborted and retried', async () => {
  let isAborted = false
  let calls = 0
  const { sender, context, attempts } = open('timeout: 2s', (_batch, { signal, timeoutMs }) => {
    assert.equal(timeoutMs, 2_000)
    if (calls++ > 0) return
    return new Promise(() => signal.addEventListener('abort', () => void (isAborted = true)))
  })
  await sender.consume(logs('a'))
  await context.clock.advance(1_999)
  assert.equal(isAborted, false)
  await context.clock.advance(1)
  assert.equal(isAborted, true)
  await context.clock.advance(5_000)
  assert.equal(attempts.length, 2)
  assert.equal(sum(context, 'otelcol_exporter_sent_log_records'), 1)
})

test('num_consumers exports run at once', async () => {
  const { push, open: release } = gate()
  const { sender, context, attempts } = open('sending_queue: {num_consumers: 3}', push)
  for (let i = 0; i < 5; i++) await sender.consume(logs(`a${i}`))
  await context.clock.advance(0)
  assert.equal(attempts.length, 3)
  release()
  await context.clock.advance(0)
  assert.equal(attempts.length, 5)
})

test('a full queue refuses with a retryable error, counts it, and says so once in a while', async () => {
  const { push, open: release } = gate()
  const { sender, context } = open('sending_queue: {queue_size: 2, num_consumers: 1}', push)
  await sender.consume(logs('a'))
  await sender.consume(logs('b'))
  for (let i = 0; i < 3; i++) {
    await assert.rejects(sender.consume(logs('c', 4)), { message: 'sending queue is full', retryable: true })
  }
  assert.equal(sum(context, 'otelcol_exporter_enqueue_failed_log_records'), 12)
  assert.deepEqual(context.recorded.drops, [])
  assert.deepEqual(context.recorded.lines, [
    {
      level: 'error',
      message: 'Exporting failed. Rejecting data.',
      fields: { error: 'sending queue is full', rejected_items: 4 },
    },
  ])
  const gauges = context.recorded.gauges
  assert.equal(gauges.get('otelcol_exporter_queue_size{data_type="logs",exporter="otlp_grpc"}')?.(), 2)
  assert.equal(gauges.get('otelcol_exporter_queue_capacity{data_type="logs",exporter="otlp_grpc"}')?.(), 2)
  release()
  await context.clock.advance(0)
  assert.equal(gauges.get('otelcol_exporter_queue_size{data_type="logs",exporter="otlp_grpc"}')?.(), 0)
  await sender.consume(logs('d'))
})

test('a reservation holds its room until it is released', async () => {
  const { sender } = open('sending_queue: {queue_size: 1}')
  const reservation = sender.reserve(logs('a'))
  assert.throws(() => sender.reserve(logs('b')), { message: 'sending queue is full' })
  reservation.release()
  await sender.consume(logs('c'))
})

test('queue_size counts items or bytes where the sizer says so', async () => {
  const { sender } = open('sending_queue: {queue_size: 5, sizer: items}', gate().push)
  await sender.consume(logs('a', 3))
  await assert.rejects(sender.consume(logs('b', 3)), { message: 'sending queue is full' })
  await sender.consume(logs('c', 2))
  await assert.rejects(sender.consume(logs('d', 6)), { message: /^element size too large/, retryable: false })
})

test('max_bytes bounds the queue beside queue_size', async () => {
  const { sender } = open('sending_queue: {max_bytes: 3000}', gate().push)
  await sender.consume(logs('a', 1, { padBytes: 1_400 }))
  await sender.consume(logs('b', 1, { padBytes: 1_400 }))
  await assert.rejects(sender.consume(logs('c', 1, { padBytes: 1_400 })), { message: 'sending queue is full' })
})

test('a batch larger than max_bytes is let in alone', async () => {
  const { sender } = open('sending_queue: {max_bytes: 1000}', gate().push)
  await sender.consume(logs('a', 1, { padBytes: 2_000 }))
  await assert.rejects(sender.consume(logs('b')), { message: 'sending queue is full' })
})

test('an empty request is dropped without a word', async () => {
  const { sender, context, attempts } = open('')
  await sender.consume(logs('a', 1).filter(() => false))
  await context.clock.advance(0)
  assert.deepEqual(attempts, [])
})

test('block_on_overflow lets the sender wait, in order', async () => {
  const { push, open: release } = gate()
  const { sender, context, attempts } = open('sending_queue: {queue_size: 1, block_on_overflow: true}', push)
  await sender.consume(logs('a'))
  const waiting = [sender.consume(logs('b')), sender.consume(logs('c'))]
  await context.clock.advance(1_000)
  assert.equal(attempts.length, 1)
  release()
  await Promise.all(waiting)
  await context.clock.advance(0)
  assert.deepEqual(attempts, [['a 0'], ['b 0'], ['c 0']])
})

test('a sender that waits for room is refused when the exporter is stopped', async () => {
  const { sender, context } = open('sending_queue: {queue_size: 1, block_on_overflow: true}', gate().push)
  await sender.consume(logs('a'))
  const waiting = assert.rejects(sender.consume(logs('b')), { message: 'the exporter is shut down', retryable: true })
  context.abort()
  await waiting
})

test('wait_for_result tells the sender how the export ended', async () => {
  const { sender, context } = open(
    'sending_queue: {wait_for_result: true}\nretry_on_failure: {enabled: false}',
    failing(1, () => new Rejected('no', { retryable: false, grpcCode: 3 })),
  )
  await assert.rejects(sender.consume(logs('a')), { message: 'no', retryable: false, grpcCode: 3 })
  await sender.consume(logs('b'))
  assert.deepEqual(context.recorded.drops, [])
})

test('without a queue the sender waits for the export and hears its failure', async () => {
  const { sender, context } = open(`${noQueue}\nretry_on_failure: {enabled: false}`, failing(1, unavailable))
  await assert.rejects(sender.consume(logs('a', 2)), { retryable: true, message: /Unavailable/ })
  assert.equal(
    context.recorded.lines[0]?.message,
    'Exporting failed. Rejecting data. Try enabling retry_on_failure config option to retry on retryable errors.' +
      ' Try enabling sending_queue to survive temporary failures.',
  )
  await sender.consume(logs('b'))
  assert.equal(sum(context, 'otelcol_exporter_sent_log_records'), 1)
  assert.equal(sum(context, 'otelcol_exporter_send_failed_log_records'), 2)
})

test('shutdown drains the queue', async () => {
  const { push, open: release } = gate()
  const { sender, context, attempts } = open('sending_queue: {num_consumers: 1}', push)
  for (let i = 0; i < 4; i++) await sender.consume(logs(`a${i}`))
  const down = sender.shutdown(never)
  release()
  await down
  assert.equal(attempts.length, 4)
  assert.deepEqual(context.recorded.drops, [])
  await assert.rejects(sender.consume(logs('late')), { retryable: true })
})

test('at shutdown what waits for a retry gets one more attempt at once', async () => {
  const { sender, context, attempts } = open('', failing(1, unavailable))
  await sender.consume(logs('a'))
  await context.clock.advance(10)
  await sender.shutdown(never)
  assert.equal(attempts.length, 2)
  assert.deepEqual(context.recorded.drops, [])
})

test('what fails its last attempt at shutdown is counted as lost and logged', async () => {
  const { sender, context, attempts } = open('', failing(99, unavailable))
  await sender.consume(logs('a', 3))
  await context.clock.advance(10)
  await sender.shutdown(never)
  assert.equal(attempts.length, 2)
  assert.deepEqual(context.recorded.drops, [{ items: 3, reason: 'shutdown', intent: 'lost' }])
  assert.equal(context.recorded.lines.at(-1)?.message, 'Exporting failed. Dropping data.')
})

test('at the shutdown deadline the rest of the queue is counted as lost, whatever the exporter does', async () => {
  const { sender, context } = open('sending_queue: {num_consumers: 1, batch: {}}', () => new Promise(() => {}))
  for (let i = 0; i < 4; i++) await sender.consume(logs(`a${i}`, 2))
  const deadline = new AbortController()
  const down = sender.shutdown(deadline.signal)
  deadline.abort()
  await down
  assert.equal(
    context.recorded.drops.reduce((items, drop) => items + drop.items, 0),
    8,
  )
  assert.equal(sum(context, 'otelcol_exporter_send_failed_log_records'), 8)
})

const batching = 'sending_queue: {batch: {min_size: 4, flush_timeout: 1s}}'

test('requests are merged until min_size', async () => {
  const { sender, context, attempts } = open(batching)
  await sender.consume(logs('a', 3))
  await context.clock.advance(0)
  assert.equal(attempts.length, 0)
  await sender.consume(logs('b', 2))
  await context.clock.advance(0)
  assert.deepEqual(attempts, [['a 0', 'a 1', 'a 2', 'b 0', 'b 1']])
})

test('a batch is sent flush_timeout after its first item', async () => {
  const { sender, context, attempts } = open(batching)
  await sender.consume(logs('a'))
  await context.clock.advance(600)
  await sender.consume(logs('b'))
  await context.clock.advance(399)
  assert.equal(attempts.length, 0)
  await context.clock.advance(1)
  assert.deepEqual(attempts, [['a 0', 'b 0']])
})

test('a batch larger than max_size is split, and its rest waits for more', async () => {
  const { sender, context, attempts } = open('sending_queue: {batch: {min_size: 4, max_size: 4}}')
  await sender.consume(logs('a', 3))
  await sender.consume(logs('b', 7))
  await context.clock.advance(0)
  assert.deepEqual(attempts, [
    ['a 0', 'a 1', 'a 2', 'b 0'],
    ['b 1', 'b 2', 'b 3', 'b 4'],
  ])
  await context.clock.advance(200)
  assert.deepEqual(attempts[2], ['b 5', 'b 6'])
  assert.equal(context.recorded.gauges.get('otelcol_exporter_queue_size{data_type="logs",exporter="otlp_grpc"}')?.(), 0)
})

test('max_size in bytes splits by items', async () => {
  const { sender, context } = open(
    'sending_queue: {batch: {sizer: bytes, min_size: 1, max_size: 2000}}',
    (batch: Batch) => {
      assert.ok(batch.byteLength <= 2_000, `${batch.byteLength}`)
    },
  )
  await sender.consume(logs('a', 50, { padBytes: 200 }))
  await context.clock.advance(300)
  assert.equal(sum(context, 'otelcol_exporter_sent_log_records'), 50)
})

test('wait_for_result waits for every piece of a split request', async () => {
  let calls = 0
  const { sender } = open(
    'sending_queue: {wait_for_result: true, batch: {min_size: 2, max_size: 2}}\nretry_on_failure: {enabled: false}',
    async () => {
      if (++calls === 2) throw new Rejected('no', { retryable: false })
    },
  )
  await assert.rejects(sender.consume(logs('a', 6)), { message: 'no', retryable: false })
  assert.equal(calls, 3)
})

test('requests of different metadata are not merged where the partition names it', async () => {
  const { sender, context, attempts } = open('sending_queue: {batch: {partition: {metadata_keys: [Tenant]}}}')
  const of = (name: string, tenant: string) =>
    logs(name, 1, { origin: originWith({ tenant: [tenant], other: [name] }) })
  await sender.consume(of('a', 'x'))
  await sender.consume(of('b', 'y'))
  await sender.consume(of('c', 'x'))
  await context.clock.advance(200)
  assert.deepEqual(attempts, [['a 0', 'c 0'], ['b 0']])
})

test('requests whose origin the pipeline can tell apart are never merged', async () => {
  const { sender, context, attempts } = open(
    'sending_queue: {batch: {}}',
    () => {},
    (origin) => String(origin.metadata.get('tenant')),
  )
  await sender.consume(logs('a', 1, { origin: originWith({ tenant: ['x'] }) }))
  await sender.consume(logs('b', 1, { origin: originWith({ tenant: ['y'] }) }))
  await context.clock.advance(200)
  assert.deepEqual(attempts, [['a 0'], ['b 0']])
})

test('more partitions than cache_size send the oldest', async () => {
  const { sender, context, attempts } = open(
    'sending_queue: {batch: {partition: {metadata_keys: [tenant], cache_size: 2}}}',
  )
  for (const tenant of ['x', 'y', 'z'])
    await sender.consume(logs(tenant, 1, { origin: originWith({ tenant: [tenant] }) }))
  await context.clock.advance(0)
  assert.deepEqual(attempts, [['x 0']])
})

test('unfinished batches that fill the queue are sent, so that room comes before their timers do', async () => {
  const { sender, context, attempts } = open(
    'sending_queue: {queue_size: 2, block_on_overflow: true, batch: {flush_timeout: 1h}}',
  )
  await sender.consume(logs('a'))
  await sender.consume(logs('b'))
  await sender.consume(logs('c'))
  await context.clock.advance(0)
  assert.deepEqual(attempts, [['a 0', 'b 0']])
})

test('only a place in a queue is certain', () => {
  assert.equal(open('').sender.reserve(logs('a')).certain, true)
  assert.equal(open(noQueue).sender.reserve(logs('a')).certain, false)
  assert.equal(open('sending_queue: {wait_for_result: true}').sender.reserve(logs('a')).certain, false)
})

for (const queue of ['{num_consumers: 2}', '{num_consumers: 2, batch: {min_size: 1}}']) {
  test(`a hand-over gives a successor everything that is not sent, and nothing twice: ${queue}`, async () => {
    const running = Promise.withResolvers<void>()
    const { sender, context } = open(`sending_queue: ${queue}`, (batch) =>
      bodiesOf(batch as Logs)[0] === 'failed 0' ? Promise.reject(unavailable()) : running.promise,
    )
    for (const name of ['failed', 'running', 'queued']) await sender.consume(logs(name, 2))
    await context.clock.advance(0)
    const left: Batch[] = []
    const handed = sender.handOver((batch) => void left.push(batch), never)
    running.resolve()
    await handed
    const successor = open(`sending_queue: {queue_size: 1}`)
    for (const batch of left) successor.sender.takeOver(batch)
    await successor.context.clock.advance(0)
    assert.deepEqual(new Set(successor.attempts.flat()), new Set(['failed 0', 'failed 1', 'queued 0', 'queued 1']))
    assert.equal(successor.attempts.length, 2)
    assert.deepEqual(context.recorded.drops, [])
    assert.equal(sum(context, 'otelcol_exporter_send_failed_log_records'), undefined)
    await sender.shutdown(never)
  })
}

test('at the deadline of a hand-over what runs goes to the successor', async () => {
  const { sender } = open('timeout: 1h', () => new Promise(() => {}))
  await sender.consume(logs('a'))
  const left: string[][] = []
  await sender.handOver((batch) => void left.push(bodiesOf(batch as Logs)), AbortSignal.abort())
  assert.deepEqual(left, [['a 0']])
})

test('a sender without a queue exports what a predecessor acknowledged, and counts it as lost when that fails', async () => {
  const { sender, context, attempts } = open(`${noQueue}\nretry_on_failure: {enabled: false}`, failing(1, unavailable))
  sender.takeOver(logs('a', 2))
  sender.takeOver(logs('b'))
  await context.clock.advance(0)
  assert.deepEqual(attempts, [['a 0', 'a 1'], ['b 0']])
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'retries_exhausted', intent: 'lost' }])
})
