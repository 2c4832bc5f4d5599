import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { defineConnector, defineProcessor, held, Rejected } from '../component.ts'
import { ConfigError } from '../config/config.ts'
import { newLogs } from '../data/builders.ts'
import type { Logs } from '../data/telemetry.ts'
import { startEngine } from '../testing/engine.ts'
import { memorySink, memorySource } from '../testing/memory.ts'

const empty = z.strictObject({})
const anySignal = { traces: 'beta', logs: 'beta' } as const

function logs(...bodies: string[]): Logs {
  const builder = newLogs().resource({ 'service.name': 'shop' })
  for (const body of bodies) builder.record({ body })
  return builder.build()
}
function bodies(batches: readonly { batch: unknown }[]): unknown[] {
  return batches.flatMap(({ batch }) => [...(batch as Logs)].map((record) => record.body))
}

/** A same-signal connector, as `forward` is. */
const bridge = defineConnector({
  type: 'bridge',
  signals: { 'logs to logs': 'beta' },
  config: empty,
  create: (_config, { emit }) => ({ logs: (batch) => emit.logs(batch) }),
})

test('data goes from a receiver through the processors in order to every exporter', async () => {
  const source = memorySource()
  const sink = memorySink()
  const append = defineProcessor({
    type: 'append',
    signals: anySignal,
    config: z.strictObject({ text: z.string() }),
    create: ({ text }) => ({
      logs: (batch) => batch.edit((record) => void (record.body = (record.body as string) + text)),
    }),
  })
  const yaml = `
receivers: { source: }
processors: { append/a: { text: a }, append/b: { text: b } }
exporters: { sink: , sink/two: }
service: { pipelines: { logs: { receivers: [source], processors: [append/a, append/b], exporters: [sink, sink/two] } } }
`
  const { stop } = await startEngine(yaml, [source.factory, sink.factory, append])
  await source.send(logs('x', 'y'))
  await stop()
  assert.deepEqual(bodies(sink.received), ['xab', 'yab', 'xab', 'yab'])
  assert.equal(sink.received[0]?.batch, sink.received[1]?.batch, 'both exporters share the bytes')
})

test('a fan-out refuses the whole batch when one of its branches refuses first', async () => {
  const source = memorySource()
  const sink = memorySink()
  const refusing = defineProcessor({
    type: 'refusing',
    signals: anySignal,
    config: empty,
    create: () => ({
      logs: () => {
        throw new Rejected('no room', { retryable: true })
      },
    }),
  })
  const yaml = `
receivers: { source: }
processors: { refusing: }
exporters: { sink: }
service:
  pipelines:
    logs: { receivers: [source], exporters: [sink] }
    logs/refused: { receivers: [source], processors: [refusing], exporters: [sink] }
`
  const { stop } = await startEngine(yaml, [source.factory, sink.factory, refusing])
  await assert.rejects(source.send(logs('x')), { name: 'Rejected', retryable: true, message: 'no room' })
  await stop()
  assert.equal(sink.count(), 0, 'the other branch did not get it either')
})

test('a connector carries data from one pipeline to the next', async () => {
  const source = memorySource()
  const sink = memorySink()
  const yaml = `
receivers: { source: }
exporters: { sink: }
connectors: { bridge: }
service:
  pipelines:
    logs/in: { receivers: [source], exporters: [bridge] }
    logs/out: { receivers: [bridge], exporters: [sink] }
`
  const { stop } = await startEngine(yaml, [source.factory, sink.factory, bridge])
  await source.send(logs('x'))
  await stop()
  assert.deepEqual(bodies(sink.received), ['x'])
})

test('what a processor holds is emitted at shutdown, before the exporters close', async () => {
  const source = memorySource()
  const sink = memorySink()
  const holder = defineProcessor({
    type: 'holder',
    signals: anySignal,
    config: empty,
    create: (_config, { emit }) => {
      const kept: Logs[] = []
      return {
        logs: (batch) => {
          kept.push(batch)
          return held
        },
        shutdown: async () => {
          for (const batch of kept) await emit.logs(batch)
        },
      }
    },
  })
  const yaml = `
receivers: { source: }
processors: { holder: }
exporters: { sink: }
service: { pipelines: { logs: { receivers: [source], processors: [holder], exporters: [sink] } } }
`
  const { stop } = await startEngine(yaml, [source.factory, sink.factory, holder])
  await source.send(logs('x'))
  assert.equal(sink.count(), 0)
  await stop()
  assert.deepEqual(bodies(sink.received), ['x'])
})

const brokenPlugins = {
  throws: () => {
    throw new TypeError('oops')
  },
  forgets: () => undefined as never,
  writes: (batch: Logs) => {
    for (const record of batch) (record as { body: unknown }).body = 'changed'
    return batch
  },
  hangs: () => new Promise<Logs>(() => {}),
}
const expected: Record<keyof typeof brokenPlugins, RegExp> = {
  throws: /processor "broken" failed: oops/,
  forgets: /the logs handler returned nothing; return the batch, a changed one, or `held`/,
  writes: /processor "broken" failed: .*edit/,
  hangs: /processor "broken" did not answer within 0.05 s/,
}
for (const [name, handler] of Object.entries(brokenPlugins)) {
  test(`a processor that ${name} refuses that batch, turns unhealthy, and harms no other pipeline`, async () => {
    const source = memorySource()
    const sink = memorySink()
    const broken = defineProcessor({
      type: 'broken',
      signals: anySignal,
      config: empty,
      create: () => ({ logs: handler as (batch: Logs) => Logs }),
    })
    const yaml = `
receivers: { source/a: , source/b: }
processors: { broken: }
exporters: { sink: }
service:
  pipelines:
    logs/a: { receivers: [source/a], processors: [broken], exporters: [sink] }
    logs/b: { receivers: [source/b], exporters: [sink] }
  telemetry: { logs: { output_paths: [/dev/null], error_output_paths: [/dev/null] } }
`
    const { engine, stop } = await startEngine(yaml, [source.factory, sink.factory, broken], { handlerTimeoutMs: 50 })
    const isHanging = name === 'hangs'
    await assert.rejects(source.send(logs('x'), 'source/a'), {
      name: 'Rejected',
      retryable: isHanging,
      message: expected[name as keyof typeof brokenPlugins],
    })
    await source.send(logs('y'), 'source/b')
    const state = engine.view.components.find(({ id }) => id === 'broken')?.state
    await stop()
    assert.deepEqual(bodies(sink.received), ['y'])
    assert.equal(state, 'recoverable')
  })
}

const impossible: Record<string, { yaml: string; message: RegExp }> = {
  'a connector that no pipeline receives from': {
    yaml: `
receivers: { source: }
exporters: { sink: }
connectors: { bridge: }
service: { pipelines: { logs: { receivers: [source], exporters: [sink, bridge] } } }`,
    message:
      /failed to build pipelines: connector "bridge" used as exporter in \[logs\] pipeline but not used in any supported receiver pipeline/,
  },
  'a connector between signals that it does not connect': {
    yaml: `
receivers: { source: }
exporters: { sink: }
connectors: { bridge: }
service: { pipelines: { logs: { receivers: [source], exporters: [bridge] }, traces: { receivers: [bridge], exporters: [sink] } } }`,
    message: /connector "bridge" used as exporter in \[logs\] pipeline but not used in any supported receiver pipeline/,
  },
  'a cycle': {
    yaml: `
receivers: { source: }
exporters: { sink: }
connectors: { bridge: , bridge/2: }
service:
  pipelines:
    logs: { receivers: [source, bridge/2], exporters: [bridge] }
    logs/2: { receivers: [bridge], exporters: [bridge/2, sink] }`,
    message:
      /failed to build pipelines: cycle detected: connector "bridge" \(logs to logs\) -> connector "bridge\/2" \(logs to logs\) -> connector "bridge" \(logs to logs\)/,
  },
}
for (const [name, { yaml, message }] of Object.entries(impossible)) {
  test(`${name} is a ConfigError before anything starts`, async () => {
    const source = memorySource()
    await assert.rejects(startEngine(yaml, [source.factory, memorySink().factory, bridge]), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, message)
      return true
    })
    assert.equal(source.starts.size, 0)
  })
}
