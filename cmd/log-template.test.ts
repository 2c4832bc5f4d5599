/** `log_template` with its neighbours: a real store that outlives it, and `log_metrics` behind it. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import logMetrics from '../connectors/log_metrics/index.ts'
import fileStorage from '../extensions/file_storage/index.ts'
import { storage } from '../pipeline/capability/storage.ts'
import { newLogs } from '../pipeline/data/builders.ts'
import type { Logs, Metrics } from '../pipeline/data/telemetry.ts'
import { build } from '../pipeline/testing/build.ts'
import { testFolder } from '../pipeline/testing/test-folder.ts'
import logTemplate from '../processors/log_template/index.ts'

const root = testFolder('log-template')
const stored = join(root, 'stored')
mkdirSync(stored)
const deadline = () => AbortSignal.timeout(5_000)

async function open(pipeline: string, directory = stored) {
  const extension = build(fileStorage, `directory: ${directory}`, { kind: 'extension', signals: [], outputs: [] })
  await extension.instance.start?.()
  const offered = extension.instance.provides?.get(storage)
  const { instance, handle, context } = build(logTemplate, 'storage: file_storage', {
    pipeline,
    capabilities: new Map([[storage, offered]]),
  })
  await instance.start?.()
  return {
    context,
    lines: async (...bodies: string[]) => {
      const builder = newLogs().resource({})
      for (const body of bodies) builder.record({ body })
      return [...((await handle(builder.build())) as Logs)].map(({ attributes }) => attributes.get('log.template'))
    },
    shutdown: async () => {
      await instance.shutdown?.(deadline())
      await extension.instance.shutdown?.(deadline())
    },
  }
}

test('templates outlive the process, each pipeline’s its own', async () => {
  const before = await open('logs')
  await before.lines('policy=strict is on', 'policy=lax is on')
  await before.shutdown()
  const again = await open('logs')
  assert.deepEqual(await again.lines('policy=lax is on'), ['policy=<*> is on'])
  await again.shutdown()
  const other = await open('logs/other')
  assert.deepEqual(await other.lines('policy=lax is on'), ['policy=lax is on'])
  await other.shutdown()
})

test('a crash costs what was learned since the last interval', async () => {
  const before = await open('logs/crash')
  await before.lines('mode=fast is on', 'mode=slow is on')
  await before.context.clock.advance(60_000)
  await before.lines('speed=fast is on', 'speed=slow is on')
  // What a process that is killed now leaves behind.
  const left = join(root, 'left')
  cpSync(stored, left, { recursive: true })
  const again = await open('logs/crash', left)
  assert.deepEqual(await again.lines('mode=fast is on', 'speed=fast is on'), ['mode=<*> is on', 'speed=fast is on'])
  await again.shutdown()
  await before.shutdown()
})

test('what log_template writes is what log_metrics counts', async () => {
  const templates = build(logTemplate, '{}')
  await templates.instance.start?.()
  const metrics = build(logMetrics, 'learning_period: 0s')
  await metrics.instance.start?.()
  const builder = newLogs().resource({ 'service.name': 'shop' })
  for (let i = 0; i < 5; i++) builder.record({ severityNumber: 17, body: `no connection to 10.0.0.${i} after ${i} ms` })
  const annotated = (await templates.handle(builder.build())) as Logs
  await metrics.handle(annotated)
  await metrics.context.clock.advance(5_000)
  const points = metrics.context.recorded.emitted.flatMap(({ batch }) =>
    [...(batch as Metrics)].map(({ metric, attributes, value }) => [
      metric.name,
      attributes.get('log.template'),
      value,
    ]),
  )
  assert.deepEqual(points, [
    ['vigil.log.records', undefined, 5],
    ['vigil.log.template.records', undefined, 5],
    ['vigil.log.template.new', 'no connection to <*> after <*> ms', 1],
  ])
})
