import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { held, type Lifecycle, Rejected, type Transforms } from '../../pipeline/component.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { bodiesOf, logs, originWith } from '../../pipeline/export/test-batches.ts'
import { type TestContext, type TestContextOptions, testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

const never = new AbortController().signal

describeContract(factory, 'timeout: 1s')

async function open(yaml: string, options: TestContextOptions = {}) {
  const context = testContext({ id: 'batch', pipeline: 'logs', signals: ['logs'], ...options })
  const instance = factory.create(factory.config.parse(parse(yaml) ?? {}), context) as Required<Lifecycle> & Transforms
  await instance.start()
  return { context, instance, add: (batch: Logs) => instance.logs!(batch) }
}

function emitted(context: TestContext): string[][] {
  return context.recorded.emitted.map(({ batch }) => bodiesOf(batch as Logs))
}
/** Refuses while it is closed. */
function door(refusal = () => new Rejected('busy', { retryable: true })) {
  const state = { isOpen: false }
  return {
    accept: () => {
      if (!state.isOpen) throw refusal()
    },
    open: () => void (state.isOpen = true),
  }
}
const count = (context: TestContext, name: string) =>
  context.recorded.sums.get(`otelcol_processor_batch_${name}{processor="batch"}`)

test('the sender is answered at once, and the batch follows after the timeout', async () => {
  const { context, add } = await open('')
  assert.equal(await add(logs('a', 2)), held)
  await add(logs('b'))
  await context.clock.advance(199)
  assert.deepEqual(emitted(context), [])
  await context.clock.advance(1)
  assert.deepEqual(emitted(context), [['a 0', 'a 1', 'b 0']])
  assert.equal(count(context, 'timeout_trigger_send'), 1)
  assert.equal(count(context, 'batch_size_trigger_send'), undefined)
})

test('send_batch_size sends at once, and the timer starts anew', async () => {
  const { context, add } = await open('{send_batch_size: 3, timeout: 1s}')
  await add(logs('a', 2))
  await context.clock.advance(900)
  await add(logs('b', 3))
  await context.clock.advance(0)
  assert.deepEqual(emitted(context), [['a 0', 'a 1', 'b 0', 'b 1', 'b 2']])
  assert.equal(count(context, 'batch_size_trigger_send'), 1)
  await add(logs('c'))
  await context.clock.advance(999)
  assert.equal(emitted(context).length, 1)
  await context.clock.advance(1)
  assert.deepEqual(emitted(context)[1], ['c 0'])
})

test('send_batch_max_size splits, and what is left waits for the timer', async () => {
  const { context, add } = await open('{send_batch_size: 2, send_batch_max_size: 3, timeout: 1s}')
  await add(logs('a', 1))
  await add(logs('b', 6))
  await context.clock.advance(0)
  assert.deepEqual(emitted(context), [
    ['a 0', 'b 0', 'b 1'],
    ['b 2', 'b 3', 'b 4'],
  ])
  await context.clock.advance(1_000)
  assert.deepEqual(emitted(context)[2], ['b 5'])
})

for (const yaml of ['{timeout: 0s, send_batch_max_size: 0}', '{send_batch_size: 0}']) {
  test(`without a timer everything is sent at once: ${yaml}`, async () => {
    const { context, add } = await open(yaml)
    await add(logs('a', 2))
    await context.clock.advance(0)
    assert.deepEqual(emitted(context), [['a 0', 'a 1']])
  })
}

test('without a timer send_batch_max_size still splits', async () => {
  const { context, add } = await open('{timeout: 0s, send_batch_size: 2, send_batch_max_size: 2}')
  await add(logs('a', 5))
  await context.clock.advance(0)
  assert.deepEqual(emitted(context), [['a 0', 'a 1'], ['a 2', 'a 3'], ['a 4']])
})

test('an empty batch holds nothing and sends nothing', async () => {
  const { context, add } = await open('{timeout: 0s}')
  await add(logs('a').filter(() => false))
  await context.clock.advance(0)
  assert.deepEqual(emitted(context), [])
})

test('what is refused for now is held and tried again until it gets through', async () => {
  const { accept, open: letIn } = door()
  const { context, add } = await open('{send_batch_size: 1}', { accept })
  await add(logs('a'))
  await add(logs('b'))
  await context.clock.advance(60_000)
  assert.deepEqual(emitted(context), [])
  letIn()
  await context.clock.advance(5_000)
  assert.deepEqual(emitted(context), [['a 0'], ['b 0']])
  assert.deepEqual(context.recorded.drops, [])
  assert.equal(context.recorded.lines.length, 1)
  assert.equal(context.recorded.lines[0]?.fields['held_items'], 1)
})

test('only what did not get through is tried again', async () => {
  const whole = logs('a', 3)
  let first = true
  const { context, add } = await open('{send_batch_size: 3}', {
    accept: (batch) => {
      if (!first) return
      first = false
      throw new Rejected('partly', { retryable: true, remaining: (batch as Logs).filter((r) => r.body === 'a 1') })
    },
  })
  await add(whole)
  await context.clock.advance(1_000)
  assert.deepEqual(emitted(context), [['a 1']])
})

test('what is refused for good is counted as lost and logged', async () => {
  const { accept } = door(() => new Rejected('never', { retryable: false }))
  const { context, add } = await open('{send_batch_size: 1}', { accept })
  await add(logs('a', 4))
  await context.clock.advance(0)
  assert.deepEqual(context.recorded.drops, [{ items: 4, reason: 'refused_downstream', intent: 'lost' }])
  assert.deepEqual(context.recorded.lines, [
    { level: 'error', message: 'Sender failed', fields: { error: 'never', dropped_items: 4 } },
  ])
})

test('a sender waits while max_bytes are held, and goes on when there is room', async () => {
  const { accept, open: letIn } = door()
  const { context, add } = await open('{send_batch_size: 1, max_bytes: 3000}', { accept })
  await add(logs('a', 1, { padBytes: 1_400 }))
  await add(logs('b', 1, { padBytes: 1_400 }))
  let isAnswered = false
  const third = add(logs('c', 1, { padBytes: 1_400 })) as Promise<unknown>
  void third.then(() => (isAnswered = true))
  await context.clock.advance(1_000)
  assert.equal(isAnswered, false)
  letIn()
  await context.clock.advance(10_000)
  assert.equal(isAnswered, true)
  assert.deepEqual(emitted(context), [['a 0'], ['b 0'], ['c 0']])
})

test('a batch larger than max_bytes is let in alone', async () => {
  const { context, add } = await open('{send_batch_size: 1, max_bytes: 1000}')
  await add(logs('a', 1, { padBytes: 5_000 }))
  await add(logs('b'))
  await context.clock.advance(0)
  assert.deepEqual(emitted(context), [['a 0'], ['b 0']])
})

test('when room is short, what is collected is sent before its timer', async () => {
  const { context, add } = await open('{timeout: 1h, max_bytes: 2000}')
  await add(logs('a', 1, { padBytes: 1_500 }))
  await add(logs('b', 1, { padBytes: 1_500 }))
  await context.clock.advance(0)
  assert.deepEqual(emitted(context), [['a 0']])
})

test('room is exact however batches are merged and split', async () => {
  const { context, add } = await open('{send_batch_size: 3, send_batch_max_size: 3, max_bytes: 2000}')
  for (let i = 0; i < 200; i++) {
    await add(logs(`a${i}`, 1 + (i % 5), { padBytes: 100 }))
    await context.clock.advance(0)
  }
  await context.clock.advance(200)
  assert.equal(emitted(context).flat().length, 600)
})

test('metadata_keys keep batches apart, and a batch keeps what all its senders have in common', async () => {
  const { context, add } = await open('{metadata_keys: [Tenant]}')
  const of = (name: string, tenant: string) =>
    logs(name, 1, { origin: originWith({ tenant: [tenant], secret: [name] }) })
  await add(of('a', 'x'))
  await add(of('b', 'y'))
  await add(of('c', 'x'))
  await add(logs('d', 1, { origin: originWith({ tenant: [] }) }))
  await add(logs('e'))
  await context.clock.advance(200)
  assert.deepEqual(emitted(context), [['a 0', 'c 0'], ['b 0'], ['d 0'], ['e 0']])
  assert.deepEqual([...context.recorded.emitted[0]!.batch.origin.metadata], [['tenant', ['x']]])
  assert.equal(context.recorded.gauges.get('otelcol_processor_batch_metadata_cardinality{processor="batch"}')?.(), 4)
})

test('one combination of metadata too many is refused for good', async () => {
  const { add } = await open('{metadata_keys: [tenant], metadata_cardinality_limit: 1}')
  await add(logs('a', 1, { origin: originWith({ tenant: ['x'] }) }))
  await assert.rejects(async () => add(logs('b', 1, { origin: originWith({ tenant: ['y'] }) })), {
    message: 'too many batcher metadata-value combinations',
    retryable: false,
  })
})

test('shutdown sends what is held, and tries what is refused again until the deadline', async () => {
  const { accept, open: letIn } = door()
  const { context, add, instance } = await open('{timeout: 1h}', { accept })
  await add(logs('a', 2))
  const down = instance.shutdown(never)
  await context.clock.advance(500)
  letIn()
  await context.clock.advance(500)
  await down
  assert.deepEqual(emitted(context), [['a 0', 'a 1']])
})

test('what is still refused at the shutdown deadline is counted as lost', async () => {
  const { accept } = door()
  const { context, add, instance } = await open('{timeout: 1h}', { accept })
  await add(logs('a', 2))
  const deadline = new AbortController()
  const down = instance.shutdown(deadline.signal)
  await context.clock.advance(1_000)
  deadline.abort()
  await down
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'shutdown', intent: 'lost' }])
})

test('a sender that waits at the deadline is refused', async () => {
  const { accept } = door()
  const { context, add, instance } = await open('{send_batch_size: 1, max_bytes: 100}', { accept })
  await add(logs('a', 1, { padBytes: 200 }))
  const waiting = assert.rejects(async () => add(logs('b')), { retryable: true })
  await context.clock.advance(0)
  await instance.shutdown(AbortSignal.abort())
  await waiting
})

const problems: readonly (readonly [string, string])[] = [
  ['{send_batch_max_size: 10}', 'send_batch_max_size must be greater or equal to send_batch_size'],
  ['{metadata_keys: [a, A]}', 'duplicate entry in metadata_keys: "a" (case-insensitive)'],
  ['{timeout: -1s}', 'timeout must be greater or equal to 0'],
  ['{Timeout: 1s}', 'Unrecognized key: "Timeout"'],
]
for (const [yaml, message] of problems) {
  test(`refused: ${yaml}`, () => {
    const result = factory.config.safeParse(parse(yaml))
    assert.deepEqual(
      result.error?.issues.map((issue) => issue.message),
      [message],
    )
  })
}
