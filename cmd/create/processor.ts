import type { Template } from './template.ts'

export const processor: Template = {
  does: 'It puts an attribute on every log record.',
  plugin: (type) => `import { defineProcessor, key, z } from 'vigil/plugin'

export default defineProcessor({
  type: '${type}',
  // The signals that it handles, each with how stable that is.
  signals: { logs: 'development' },
  // Every option has a description: \`vigil schema\` and editors show it.
  config: z.strictObject({
    attribute: z.string().default('team').describe('Name of the attribute.'),
    value: z.string().default('unknown').describe('Its value.'),
  }),
  create({ attribute, value }) {
    // What can be decided once is decided here, not for each record.
    const name = key(attribute)
    return {
      // Return the batch, a changed one, or \`held\` and emit later. Throw \`Rejected\` to refuse it.
      logs: (batch) =>
        batch.edit((record) => {
          if (!record.attributes.has(name)) record.attributes.set(name, value)
        }),
    }
  },
})
`,
  test: (type) => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeContract, memorySink, memorySource, newLogs, startEngine } from 'vigil/testing'
import plugin from './${type}.ts'

// What every component must keep: it starts and stops, refuses unknown keys, describes its options, loses nothing.
describeContract(plugin, 'value: shop')

test('a record gets the attribute, and one that has it keeps its own', async () => {
  const source = memorySource()
  const sink = memorySink()
  const yaml = \`
receivers: { source: }
processors: { ${type}: { value: shop } }
exporters: { sink: }
service: { pipelines: { logs: { receivers: [source], processors: [${type}], exporters: [sink] } } }\`
  const running = await startEngine(yaml, [source.factory, plugin, sink.factory])
  const attributes = { team: 'mine' }
  await source.send(newLogs().record({ body: 'a' }).record({ body: 'b', attributes }).build())
  await running.stop()
  const teams = []
  for (const { batch } of sink.received)
    if (batch.signal === 'logs') for (const record of batch) teams.push(record.attributes.get('team'))
  assert.deepEqual(teams, ['shop', 'mine'])
})
`,
  config: (type) => `receivers:
  otlp:
    protocols: { grpc: , http: }
processors:
  ${type}:
    value: shop
exporters:
  debug: { verbosity: detailed }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [${type}], exporters: [debug] }
`,
}
