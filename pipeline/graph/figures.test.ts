import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { defineProcessor, Rejected } from '../component.ts'
import { newLogs } from '../data/builders.ts'
import { startEngine } from '../testing/engine.ts'
import { memorySink, memorySource } from '../testing/memory.ts'

const three = () => newLogs().record({}).record({}).record({}).build()
const halving = defineProcessor({
  type: 'halving',
  signals: { logs: 'alpha' },
  config: z.strictObject({}),
  create: () => {
    let kept = 0
    return { logs: (batch) => batch.filter(() => ++kept % 3 !== 0) }
  },
})
const yaml = (level: string) => `
receivers: { source: }
processors: { halving: }
exporters: { sink: }
service:
  telemetry: { metrics: { level: ${level}, readers: [{ periodic: { interval: 100000, exporter: { console: {} } } }] } }
  pipelines: { logs: { receivers: [source], processors: [halving], exporters: [sink] } }
`

async function run(level: string) {
  const source = memorySource()
  const sink = memorySink()
  const { engine } = await startEngine(yaml(level), [source.factory, sink.factory, halving])
  await source.send(three())
  sink.beforeTaking = () => {
    throw new Rejected('rpc error', { retryable: true, grpcCode: 14 })
  }
  await assert.rejects(source.send(three()))
  return engine
}

test('each component knows what came in, what went out and what was refused', async () => {
  const engine = await run('none')
  const flow = (id: string, side: 'taken' | 'given') => {
    const { batches, items, refusedItems } = engine.view.components.find((view) => view.id === id)?.[side].logs ?? {}
    return [batches, items, refusedItems]
  }
  assert.deepEqual(flow('source', 'given'), [1, 3, 3])
  assert.deepEqual([flow('halving', 'taken'), flow('halving', 'given')], [[2, 6, 0], [2, 4, 0]]) // biome-ignore format: a table
  assert.deepEqual([flow('sink', 'taken'), flow('sink', 'given')], [[2, 4, 0], [1, 2, 2]]) // biome-ignore format: a table
  await engine.shutdown(AbortSignal.timeout(1_000))
})

test('receivers count refused and failed from 0 on; why a send failed and how long processors take is told at detailed', async () => {
  const series = async (level: string, name: string) => {
    const engine = await run(level)
    const family = engine.registry.snapshot().find((one) => one.name === name)
    await engine.shutdown(AbortSignal.abort())
    return family?.series.map(({ attributes, value }) => [attributes, value])
  }
  const receiver = { receiver: 'source', transport: '' }
  assert.deepEqual(await series('normal', 'otelcol_receiver_failed_log_records'), [[receiver, 0]])
  assert.deepEqual(await series('normal', 'otelcol_receiver_refused_log_records'), [[receiver, 3]])
  const failed = 'otelcol_exporter_send_failed_log_records'
  assert.deepEqual(await series('normal', failed), [[{ exporter: 'sink' }, 2]])
  const why = { exporter: 'sink', 'error.type': 'Unavailable', 'error.permanent': 'false' }
  assert.deepEqual(await series('detailed', failed), [[why, 2]])
  const duration = 'otelcol_processor_internal_duration'
  assert.equal(await series('normal', duration), undefined)
  assert.deepEqual(await series('detailed', duration), [[{ processor: 'halving', 'otel.signal': 'logs' }, 2]])
})
