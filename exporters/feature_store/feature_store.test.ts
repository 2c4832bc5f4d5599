import assert from 'node:assert/strict'
import { test } from 'node:test'
import extension from '../../extensions/feature_store/index.ts'
import { type FeatureStore, featureSink, featureStore } from '../../pipeline/capability/feature-store.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { newLogs, newMetrics } from '../../pipeline/data/builders.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySource } from '../../pipeline/testing/memory.ts'
import factory from './index.ts'

const ignoring = { metrics: () => undefined, logs: () => {} }
describeContract(factory, '', { capabilities: new Map([[featureSink, ignoring]]) })

test('what comes is given to the extension, in one engine', async () => {
  const source = memorySource()
  let store: FeatureStore | undefined
  const looking = defineExtension({
    type: 'looking',
    config: extension.config as never,
    signals: { extension: 'alpha' },
    create: (_config, context) => ({
      start: async () => {
        store = context.extension(featureStore)
      },
    }),
  })
  const engine = await startEngine(
    `
    receivers: { source: }
    exporters: { feature_store: }
    extensions: { feature_store: , looking: }
    service:
      extensions: [feature_store, looking]
      pipelines:
        metrics: { receivers: [source], exporters: [feature_store] }
        logs: { receivers: [source], exporters: [feature_store] }
    `,
    [source.factory, factory, extension, looking],
  )
  const timeUnixNano = 1_700_000_100_000_000_000n
  const attributes = { 'vigil.entity.kind': 'service', 'vigil.entity.name': 'order', window: '1m' }
  const metrics = newMetrics()
    .resource({ 'service.name': 'order' })
    .gauge('vigil.request.rate', [{ value: 7, timeUnixNano, attributes }])
  await source.send(metrics.build() as Batch)
  await source.send(newLogs().resource({}).record({ body: 'no event' }).build() as Batch)
  const entities = await store!.entities()
  assert.deepEqual(
    entities.map(({ id }) => id),
    ['service:///order'],
  )
  await engine.stop()
})

test('without the extension the start says what to add', async () => {
  await assert.rejects(build(factory, '').instance.start!(), /no extension feature_store to keep features: add it/)
  await assert.rejects(
    build(factory, 'extension: feature_store/b').instance.start!(),
    /no extension "feature_store\/b"/,
  )
})
