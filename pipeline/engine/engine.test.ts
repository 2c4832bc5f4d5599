import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { capability } from '../capability/capability.ts'
import { defineExtension, defineProcessor } from '../component.ts'
import { newLogs } from '../data/builders.ts'
import { startEngine } from '../testing/engine.ts'
import { memorySink, memorySource } from '../testing/memory.ts'

interface Greeting {
  readonly greet: () => string
}
const greeting = capability<Greeting>('greeting')
const greeter = defineExtension({
  type: 'greeter',
  signals: { extension: 'alpha' },
  config: z.strictObject({ word: z.string() }),
  create: ({ word }) => ({ provides: new Map([[greeting, { greet: () => word } satisfies Greeting]]) }),
})
const polite = defineProcessor({
  type: 'polite',
  signals: { logs: 'alpha' },
  config: z.strictObject({ from: z.string().optional() }),
  create: ({ from }, context) => {
    let greet = () => ''
    return {
      start: async () => {
        greet = context.extension(greeting, from).greet
      },
      logs: (batch) => batch.edit((record) => void (record.body = greet())),
    }
  },
})
const one = () => newLogs().resource({}).record({ body: 'x' }).build()

const politeYaml = (word: string, from = 'greeter') => `
receivers: { source: }
processors: { polite: { from: ${from} } }
exporters: { sink: }
extensions: { greeter: { word: ${word} } }
service:
  extensions: [greeter]
  pipelines: { logs: { receivers: [source], processors: [polite], exporters: [sink] } }
`

test('a component that uses an extension starts again when the extension changes', async () => {
  const source = memorySource()
  const sink = memorySink()
  const { change, stop } = await startEngine(politeYaml('hello'), [source.factory, sink.factory, greeter, polite])
  await source.send(one())
  const report = await change(politeYaml('hey'))
  await source.send(one())
  await stop()
  assert.deepEqual(
    sink.received.flatMap(({ batch }) => [...(batch.signal === 'logs' ? batch : [])].map(({ body }) => body)),
    ['hello', 'hey'],
  )
  assert.deepEqual(report, { kept: 2, changed: 2, added: 0, removed: 0 })
})

test('an extension that is missing is a start error that says which ones there are', async () => {
  const source = memorySource()
  await assert.rejects(
    startEngine(politeYaml('hello', 'butler'), [source.factory, memorySink().factory, greeter, polite]),
    /cannot start pipelines: failed to start "polite" processor: there is no extension "butler" that offers greeting: add one to service::extensions \(it has: \[greeter\]\)/,
  )
  assert.equal(source.starts.size, 0)
})

test('a component that cannot go on ends the engine, as upstream', async () => {
  const source = memorySource()
  const dying = defineProcessor({
    type: 'dying',
    signals: { logs: 'alpha' },
    config: z.strictObject({}),
    create: (_config, context) => ({
      logs: (batch) => {
        context.status('fatal', 'the licence ran out')
        return batch
      },
    }),
  })
  const yaml = `
receivers: { source: }
processors: { dying: }
exporters: { sink: }
service: { pipelines: { logs: { receivers: [source], processors: [dying], exporters: [sink] } } }
`
  const { engine, stop } = await startEngine(yaml, [source.factory, memorySink().factory, dying])
  await source.send(one())
  assert.deepEqual(await engine.failed, { component: 'processor "dying"', message: 'the licence ran out' })
  await stop()
})

test('a component in a pipeline whose signal it does not support is refused with what it supports', async () => {
  const yaml = politeYaml('hello').replace('{ logs: {', '{ traces: {')
  await assert.rejects(
    startEngine(yaml, [memorySource().factory, memorySink().factory, greeter, polite]),
    /failed to build pipelines: failed to create "polite" processor, in pipeline "traces": telemetry type is not supported \(it supports: logs\)/,
  )
})

async function openPort(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.close()
    await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, close }
}

test('a reload changes where own metrics are served and where the log goes, and a taken port keeps the old ones', async () => {
  const first = await openPort()
  const second = await openPort()
  const log = join(tmpdir(), `vigil-engine-${process.pid}.log`)
  const yaml = (port: number) => `
receivers: { source: }
exporters: { sink: }
service:
  telemetry:
    logs: { level: info, output_paths: ['${log}'], error_output_paths: ['${log}'] }
    metrics: { level: normal, readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${port} } } } }] }
  pipelines: { logs: { receivers: [source], exporters: [sink] } }
`
  const accepted = async (port: number) => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return /^otelcol_receiver_accepted_log_records\{receiver="source",transport=""\} (\d)$/m.exec(text)?.[1]
  }
  const source = memorySource()
  await first.close()
  const { change, stop } = await startEngine(yaml(first.port), [source.factory, memorySink().factory])
  await source.send(one())
  await change(yaml(second.port))
  assert.equal(await accepted(first.port), '1')
  await second.close()
  await change(yaml(second.port))
  await source.send(one())
  assert.equal(await accepted(second.port), '2')
  await assert.rejects(fetch(`http://127.0.0.1:${first.port}/metrics`))
  await stop()
  const written = readFileSync(log, 'utf8')
  rmSync(log)
  assert.match(written, /The new telemetry settings could not be applied; the old ones stay/)
  assert.match(written, /Shutdown complete\./)
})
