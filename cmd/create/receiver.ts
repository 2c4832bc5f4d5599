import type { Template } from './template.ts'

export const receiver: Template = {
  does: 'It makes a gauge of the memory that is free, every 10 seconds.',
  plugin: (type) => `import { freemem } from 'node:os'
import { defineReceiver, duration, newMetrics, z } from 'vigil/plugin'

export default defineReceiver({
  type: '${type}',
  signals: { metrics: 'development' },
  config: z.strictObject({
    interval: duration().default(10_000).describe('Time between two readings.'),
  }),
  create({ interval }, context) {
    async function read(): Promise<void> {
      const timeUnixNano = context.clock.nowUnixNano()
      const batch = newMetrics()
        .resource({ 'service.name': '${type}' })
        .gauge('system.memory.free', [{ value: freemem(), timeUnixNano }], { unit: 'By' })
        .build()
      try {
        // Resolves when the pipeline has accepted the batch.
        await context.emit.metrics(batch)
      } catch (error) {
        // A reading that was refused is replaced by the next one. What must not be lost is sent again instead.
        context.dropped(batch.count, 'refused', 'lost')
        context.logger.warn('A reading was refused.', { error: String(error) })
      }
    }
    let stop = () => {}
    return {
      // \`create\` opens nothing: \`validate\` calls it. The clock is an argument, so that tests do not wait.
      start: async () => {
        stop = context.clock.every(interval, read)
      },
      shutdown: async () => stop(),
    }
  },
})
`,
  test: (type) => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from 'vigil/plugin'
import { build, describeContract } from 'vigil/testing'
import plugin from './${type}.ts'

// What every component must keep: it starts and stops, refuses unknown keys, describes its options.
describeContract(plugin, 'interval: 1s')

test('a reading is sent at each interval until the shutdown', async () => {
  const { instance, context } = build(plugin, 'interval: 10s')
  await instance.start?.()
  await context.clock.advance(30_000)
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  await context.clock.advance(30_000)
  assert.equal(context.recorded.emitted.length, 3)
})

test('a reading that is refused is counted', async () => {
  const accept = () => {
    throw new Rejected('full', { retryable: true })
  }
  const { instance, context } = build(plugin, 'interval: 10s', { accept })
  await instance.start?.()
  await context.clock.advance(10_000)
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'refused', intent: 'lost' }])
})
`,
  config: (type) => `receivers:
  ${type}:
    interval: 2s
exporters:
  debug: { verbosity: detailed }
service:
  pipelines:
    metrics: { receivers: [${type}], exporters: [debug] }
`,
}
