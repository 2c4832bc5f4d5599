/** `sending_queue::storage` over real files. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import type { Batch, Logs } from '../../pipeline/data/telemetry.ts'
import type { Handler } from '../../pipeline/export/attempt.ts'
import { type Sender, wrapExporter } from '../../pipeline/export/sender.ts'
import { type SendingSettings, sendingKeys } from '../../pipeline/export/sending.ts'
import { bodiesOf, logs, originWith } from '../../pipeline/export/test-batches.ts'
import { type TestContext, testContext } from '../../pipeline/testing/context.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySink, memorySource } from '../../pipeline/testing/memory.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { FileStorage } from './file-storage.ts'
import fileStorage from './index.ts'

const root = testFolder('disk-queue')
let folders = 0
const newFolder = () => mkdtempSync(join(root, String(folders++)))

const soon = () => AbortSignal.timeout(2_000)
const unavailable = () => new Rejected('rpc error: code = Unavailable desc = down', { retryable: true })

interface Exporter {
  readonly sender: Sender
  readonly context: TestContext
  readonly attempts: string[][]
  /** Resolves when that many records have been attempted. */
  readonly attempted: (records: number) => Promise<void>
}

async function open(directory: string, yaml: string, push: Handler = () => {}): Promise<Exporter> {
  const base = testContext({ id: 'otlp_grpc', kind: 'exporter' })
  const settings = { directory, fsync: false, recreate: false, permissions: 0o750, segmentBytes: 4096 }
  const files = new FileStorage({ ...settings, logger: base.logger, meter: base.meter, clock: base.clock })
  const context: TestContext = { ...base, extension: <T>() => files as T }
  const attempts: string[][] = []
  let wake = () => {}
  const queue = { storage: 'file_storage', ...(parse(yaml) as object) }
  const keys = sendingKeys({ queue: true, retry: true, timeoutMs: 5_000 })
  const sender = wrapExporter({
    context,
    signal: 'logs',
    sending: keys.parse({ sending_queue: queue }) as SendingSettings,
    handler: (batch, attempt) => {
      attempts.push(bodiesOf(batch as Logs))
      wake()
      return push(batch, attempt)
    },
  })
  await sender.start()
  const attempted = async (records: number) => {
    while (attempts.flat().length < records) {
      await new Promise<void>((resolve) => {
        wake = resolve
        // Timers of the fake clock, a batch's flush among them, move on meanwhile.
        setImmediate(() => void context.clock.advance(50).then(resolve))
      })
    }
  }
  return { sender, context, attempts, attempted }
}
const gauge = (context: TestContext) =>
  context.recorded.gauges.get('otelcol_exporter_queue_size{data_type="logs",exporter="otlp_grpc"}')?.()

suite('sending_queue with storage', () => {
  test('what is accepted is sent, and leaves the disk', async () => {
    const folder = newFolder()
    const { sender, context, attempts, attempted } = await open(folder, '{}')
    for (let i = 0; i < 50; i++) await sender.consume(logs(`a${i}`))
    await attempted(50)
    assert.deepEqual(
      attempts.flat(),
      Array.from({ length: 50 }, (_, i) => `a${i} 0`),
    )
    await sender.shutdown(soon())
    assert.equal(gauge(context), 0)
    assert.deepEqual(readdirSync(join(folder, 'exporter.otlp_grpc.logs.queue')), [])
    assert.deepEqual(context.recorded.drops, [])
  })

  test('shutdown leaves what was not sent on disk, uncounted as lost, and the next start sends it with its origin', async () => {
    const folder = newFolder()
    const first = await open(folder, '{num_consumers: 1}', () => Promise.reject(unavailable()))
    const origin = { ...originWith({ tenant: ['a', 'b'] }), address: '10.0.0.1:4317', auth: { username: 'ann' } }
    await first.sender.consume(logs('a', 2, { origin }))
    await first.sender.consume(logs('b', 3))
    await first.attempted(2)
    await first.sender.shutdown(soon())
    assert.deepEqual(first.context.recorded.drops, [])
    assert.equal(
      first.context.recorded.sums.get('otelcol_exporter_send_failed_log_records{exporter="otlp_grpc"}'),
      undefined,
    )

    const seen: Batch[] = []
    const second = await open(folder, '{}', (batch) => void seen.push(batch))
    await second.attempted(5)
    assert.deepEqual(second.attempts, [
      ['a 0', 'a 1'],
      ['b 0', 'b 1', 'b 2'],
    ])
    assert.deepEqual(seen[0]?.origin, origin)
    assert.equal(seen[1]?.origin.metadata.size, 0)
    const found = second.context.recorded.lines.find(({ message }) => message.startsWith('Found a queue on disk'))
    assert.deepEqual(found?.fields, { records: 2, items: 5, bytes: found?.fields['bytes'], returned: 2 })
    await second.sender.shutdown(soon())
    assert.deepEqual(readdirSync(join(folder, 'exporter.otlp_grpc.logs.queue')), [])
  })

  for (const [yaml, room] of [
    ['{queue_size: 3}', 3],
    ['{queue_size: 6, sizer: items}', 3],
    ['{max_bytes: 3100}', 3],
  ] as const) {
    test(`${yaml} counts what lies on disk, over a restart too; a smaller limit refuses until there is room`, async () => {
      const folder = newFolder()
      const never = new Promise<void>(() => {})
      const first = await open(folder, yaml, () => never)
      for (let i = 0; i < room; i++) await first.sender.consume(logs(`a${i}`, 2, { padBytes: 490 }))
      await assert.rejects(first.sender.consume(logs('b', 2, { padBytes: 490 })), {
        message: 'sending queue is full',
        retryable: true,
      })
      await first.sender.shutdown(AbortSignal.abort())

      const opened = Promise.withResolvers<void>()
      const second = await open(folder, '{queue_size: 1}', () => opened.promise)
      assert.equal(gauge(second.context), room)
      await assert.rejects(second.sender.consume(logs('b')), { message: 'sending queue is full' })
      opened.resolve()
      await second.attempted(room * 2)
      while (gauge(second.context) !== 0) await second.context.clock.advance(1)
      await second.sender.consume(logs('b'))
      await second.attempted(room * 2 + 1)
      await second.sender.shutdown(soon())
      assert.deepEqual(second.context.recorded.drops, [])
    })
  }

  test('only a window of it lies in memory: 48 MiB go through the disk while nothing is sent, and all come out in order', async () => {
    const folder = newFolder()
    const opened = Promise.withResolvers<void>()
    const { sender, attempts, attempted } = await open(
      folder,
      '{num_consumers: 1, queue_size: 1000}',
      () => opened.promise,
    )
    for (let i = 0; i < 48; i++) await sender.consume(logs(`a${i}`, 1, { padBytes: 1024 * 1024 }))
    opened.resolve()
    await attempted(48)
    assert.deepEqual(
      attempts.flat(),
      Array.from({ length: 48 }, (_, i) => `a${i} 0`),
    )
    await sender.shutdown(soon())
  })

  test('a batch leaves the disk only when every export that holds a part of it has ended', async () => {
    const folder = newFolder()
    const last = Promise.withResolvers<void>()
    const first = await open(
      folder,
      '{num_consumers: 4, batch: {min_size: 4, max_size: 4, flush_timeout: 1s}}',
      (batch) => (bodiesOf(batch as Logs).includes('b 5') ? last.promise : undefined),
    )
    await first.sender.consume(logs('a', 2))
    await first.sender.consume(logs('b', 6))
    await first.attempted(8)
    assert.deepEqual(first.attempts, [
      ['a 0', 'a 1', 'b 0', 'b 1'],
      ['b 2', 'b 3', 'b 4', 'b 5'],
    ])
    await first.context.clock.advance(0)
    assert.equal(gauge(first.context), 1)
    last.reject(unavailable())
    await first.sender.shutdown(soon())
    const second = await open(folder, '{}')
    await second.attempted(6)
    assert.deepEqual(second.attempts, [['b 0', 'b 1', 'b 2', 'b 3', 'b 4', 'b 5']])
    await second.sender.shutdown(soon())
  })

  test('what is given up leaves the disk and is counted', async () => {
    const folder = newFolder()
    const first = await open(folder, '{}', () => Promise.reject(new Rejected('no', { retryable: false })))
    await first.sender.consume(logs('a', 2))
    await first.attempted(2)
    await first.context.clock.advance(0)
    assert.deepEqual(first.context.recorded.drops, [{ items: 2, reason: 'not_retryable', intent: 'lost' }])
    await first.sender.shutdown(soon())
    const second = await open(folder, '{}')
    assert.equal(gauge(second.context), 0)
    await second.sender.shutdown(soon())
  })

  /** What a process that is killed when so many marks are on the disk leaves behind. */
  async function killed(sender: Sender, folder: string, marks: number): Promise<string> {
    const queue = join(folder, 'exporter.otlp_grpc.logs.queue')
    const bytes = () =>
      readdirSync(queue)
        .filter((name) => name.endsWith('.acks'))
        .reduce((sum, name) => sum + statSync(join(queue, name)).size, 0)
    while (bytes() < marks * 20) await new Promise((resolve) => setImmediate(resolve))
    const left = newFolder()
    cpSync(folder, left, { recursive: true })
    await sender.shutdown(AbortSignal.abort())
    return left
  }

  test('a record that ends the process each time is set aside at the fifth restart, and holds up no other meanwhile', async () => {
    let folder = newFolder()
    const never = new Promise<void>(() => {})
    const push: Handler = (batch) => (bodiesOf(batch as Logs)[0] === 'poison 0' ? never : undefined)
    const first = await open(folder, '{}', push)
    await first.sender.consume(logs('poison', 3))
    await first.attempted(3)
    folder = await killed(first.sender, folder, 1)
    for (let restart = 1; restart <= 4; restart++) {
      const { sender, attempts, attempted, context } = await open(folder, '{num_consumers: 1, batch: {}}', push)
      if (restart === 1) await attempted(3)
      else {
        // From here on it is suspect: alone, and beside the others even where they have one consumer.
        for (let i = 0; i < 2; i++) await sender.consume(logs('innocent'))
        await attempted(5)
        assert.deepEqual(
          attempts.toSorted((a, b) => a[0]!.localeCompare(b[0]!)),
          [
            ['innocent 0', 'innocent 0'],
            ['poison 0', 'poison 1', 'poison 2'],
          ],
        )
      }
      assert.deepEqual(context.recorded.drops, [])
      // Of the poison: taken, then taken and begun at each restart. Of the others: taken and acknowledged.
      folder = await killed(sender, folder, 1 + 2 * restart + (restart > 1 ? 4 : 0))
    }
    const last = await open(folder, '{}', push)
    while (last.context.recorded.drops.length === 0) await last.context.clock.advance(1)
    assert.deepEqual(last.context.recorded.drops, [{ items: 3, reason: 'poison', intent: 'lost' }])
    const line = last.context.recorded.lines.find(({ message }) => message.includes('set aside'))
    assert.deepEqual([line?.level, line?.fields['restarts'], line?.fields['dropped_items']], ['error', 5, 3])
    assert.ok(readFileSync(String(line?.fields['file'])).includes('poison'))
    assert.ok(!last.attempts.flat().includes('poison 0'))
    await last.sender.shutdown(soon())
    assert.equal(gauge(last.context), 0)
  })

  test('however often the process ends while the backend is down, nothing is given up', async () => {
    let folder = newFolder()
    const down: Handler = () => Promise.reject(unavailable())
    const first = await open(folder, '{}', down)
    await first.sender.consume(logs('a', 2))
    await first.attempted(2)
    folder = await killed(first.sender, folder, 1)
    for (let restart = 1; restart <= 12; restart++) {
      const { sender, attempted } = await open(folder, '{}', down)
      await attempted(2)
      // Taken, begun, ended.
      folder = await killed(sender, folder, 1 + restart * 3)
    }
    const last = await open(folder, '{}')
    await last.attempted(2)
    assert.deepEqual(last.attempts, [['a 0', 'a 1']])
    await last.sender.shutdown(soon())
    assert.deepEqual(last.context.recorded.drops, [])
  })

  test('block_on_overflow lets the sender wait for room on disk', async () => {
    const opened = Promise.withResolvers<void>()
    const { sender, attempted } = await open(
      newFolder(),
      '{queue_size: 1, block_on_overflow: true}',
      () => opened.promise,
    )
    await sender.consume(logs('a'))
    const waiting = sender.consume(logs('b'))
    opened.resolve()
    await waiting
    await attempted(2)
    await sender.shutdown(soon())
  })

  test('a disk that refuses is a retryable refusal to the sender, and gives the room back', async () => {
    const folder = newFolder()
    const { sender, context, attempts, attempted } = await open(folder, '{queue_size: 1}')
    const queue = join(folder, 'exporter.otlp_grpc.logs.queue')
    rmSync(queue, { recursive: true })
    const refused = { retryable: true, message: /^the sending queue could not write to its storage: ENOENT/ }
    await assert.rejects(sender.consume(logs('a')), refused)
    const reservation = sender.reserve(logs('a'))
    assert.equal(reservation.certain, false)
    reservation.release()
    mkdirSync(queue)
    await sender.consume(logs('a'))
    await attempted(1)
    assert.deepEqual(attempts, [['a 0']])
    assert.equal(context.recorded.sums.get('otelcol_exporter_enqueue_failed_log_records{exporter="otlp_grpc"}'), 1)
    assert.deepEqual(context.recorded.drops, [])
    await sender.shutdown(soon())
  })

  test('a queue that is replaced by one without this storage takes along what waits', async () => {
    const folder = newFolder()
    const first = await open(folder, '{num_consumers: 1}', () => Promise.reject(unavailable()))
    for (const name of ['a', 'b']) await first.sender.consume(logs(name))
    await first.attempted(1)
    const given: Batch[] = []
    await first.sender.handOver((batch) => void given.push(batch), soon())
    assert.deepEqual(given.flatMap((batch) => bodiesOf(batch as Logs)).sort(), ['a 0', 'b 0'])
    const second = await open(folder, '{}')
    assert.equal(gauge(second.context), 0)
    second.sender.takeOver(logs('c'))
    await second.attempted(1)
    await second.sender.shutdown(soon())
  })

  const yaml = (directory: string, label: string, queue: string, extension = 'file_storage') => `
extensions: { file_storage: { directory: '${directory}', timeout: ${label === 'c' ? 2 : 1}s }, file_storage/two: { directory: '${directory}', fsync: true } }
receivers: { source: }
exporters: { sink: { label: '${label}', sending_queue: ${queue}, retry_on_failure: { initial_interval: 10ms, max_interval: 50ms } } }
service:
  extensions: [${extension}]
  pipelines: { logs: { receivers: [source], exporters: [sink] } }
`

  test('reloads of the exporter, of its queue and of the storage under load lose nothing', async () => {
    const folder = newFolder()
    const source = memorySource()
    const sink = memorySink('sink', { queue: true })
    const onDisk = '{ storage: file_storage }'
    const { change, stop, engine } = await startEngine(yaml(folder, 'a', onDisk), [
      source.factory,
      sink.factory,
      fileStorage,
    ])
    let flaky = 0
    sink.beforeTaking = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      if (flaky++ % 3 === 0) throw unavailable()
    }
    let sent = 0
    let isDone = false
    const senders = Array.from({ length: 4 }, async () => {
      while (!isDone) {
        const number = sent++
        for (;;) {
          try {
            await source.send(logs(`n${number}`))
            break
          } catch (error) {
            if (!(error instanceof Rejected) || !error.retryable) throw error
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const variants = [
      yaml(folder, 'b', onDisk),
      yaml(folder, 'b', '{ num_consumers: 3 }'),
      yaml(folder, 'b', onDisk),
      yaml(folder, 'c', onDisk),
      yaml(folder, 'c', '{ storage: file_storage/two }', 'file_storage/two'),
      yaml(folder, 'a', '{ storage: file_storage, batch: { flush_timeout: 5ms } }'),
    ]
    try {
      for (let round = 0; round < 24; round++) await change(variants[round % variants.length] ?? '')
    } finally {
      isDone = true
      await Promise.all(senders)
    }
    const arrived = () => new Set(sink.received.flatMap(({ batch }) => bodiesOf(batch as Logs)))
    const deadline = Date.now() + 5_000
    while (arrived().size < sent && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
    await stop()
    assert.equal(engine.registry.prometheusText().includes('intent="lost"'), false)
    assert.equal(arrived().size, sent)
  })

  test('a storage that is not there stops the start with the words of the Collector', async () => {
    const factories = [memorySource().factory, memorySink('sink', { queue: true }).factory, fileStorage]
    const folder = newFolder()
    await assert.rejects(
      startEngine(yaml(folder, 'a', '{ storage: file_storage }', ''), factories),
      /^Error: cannot start pipelines: failed to start "sink" exporter: no storage client extension found/,
    )
  })
})
