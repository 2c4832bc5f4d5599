import type { Template } from './template.ts'

export const connector: Template = {
  does: 'It counts log records: the end of a pipeline of logs and the beginning of one of metrics.',
  plugin: (type) => `import { defineConnector, newMetrics, z } from 'vigil/plugin'

export default defineConnector({
  type: '${type}',
  // What comes in, and what goes out.
  signals: { 'logs to metrics': 'development' },
  config: z.strictObject({
    metric: z.string().default('log.record.count').describe('Name of the metric.'),
  }),
  create({ metric }, context) {
    return {
      // What the next pipeline refuses is refused here: the \`Rejected\` that \`emit\` throws goes back to the sender.
      async logs(batch) {
        const timeUnixNano = context.clock.nowUnixNano()
        const count = newMetrics()
          .resource({ 'service.name': '${type}' })
          .sum(metric, [{ value: batch.count, timeUnixNano }], { temporality: 'delta', monotonic: true })
          .build()
        await context.emit.metrics(count)
      },
    }
  },
})
`,
  test: (type) => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeContract, memorySink, memorySource, newLogs, startEngine } from 'vigil/testing'
import plugin from './${type}.ts'

// What every component must keep: it starts and stops, refuses unknown keys, describes its options.
describeContract(plugin, 'metric: count')

test('each batch of logs becomes one count', async () => {
  const source = memorySource()
  const sink = memorySink()
  const yaml = \`
receivers: { source: }
connectors: { ${type}: { metric: count } }
exporters: { sink: }
service:
  pipelines:
    logs: { receivers: [source], exporters: [${type}] }
    metrics: { receivers: [${type}], exporters: [sink] }\`
  const running = await startEngine(yaml, [source.factory, plugin, sink.factory])
  await source.send(newLogs().record({ body: 'a' }).record({ body: 'b' }).build())
  await running.stop()
  const points = []
  for (const { batch } of sink.received)
    if (batch.signal === 'metrics') for (const point of batch) points.push([point.metric.name, point.value])
  assert.deepEqual(points, [['count', 2]])
})
`,
  config: (type) => `receivers:
  otlp:
    protocols: { grpc: , http: }
connectors:
  ${type}:
exporters:
  debug: { verbosity: detailed }
service:
  pipelines:
    logs: { receivers: [otlp], exporters: [${type}] }
    metrics: { receivers: [${type}], exporters: [debug] }
`,
}
