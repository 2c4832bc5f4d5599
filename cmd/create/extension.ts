import type { Template } from './template.ts'

export const extension: Template = {
  does: 'It writes a line to the log when components of the engine are not well.',
  plugin: (type) => `import { defineExtension, duration, z } from 'vigil/plugin'

export default defineExtension({
  type: '${type}',
  signals: { extension: 'development' },
  config: z.strictObject({
    interval: duration().default(60_000).describe('Time between two looks.'),
  }),
  create({ interval }, { clock, engine, logger }) {
    function look(): void {
      const unwell = engine.components.filter(({ state }) => state === 'recoverable' || state === 'permanent')
      if (unwell.length > 0) logger.warn('Components are not well.', { components: unwell.map(({ id }) => id) })
    }
    let stop = () => {}
    return {
      // \`create\` opens nothing: \`validate\` calls it. The clock is an argument, so that tests do not wait.
      start: async () => {
        stop = clock.every(interval, look)
      },
      shutdown: async () => stop(),
    }
  },
})
`,
  test: (type) => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build, describeContract } from 'vigil/testing'
import plugin from './${type}.ts'

// What every component must keep: it starts and stops, refuses unknown keys, describes its options.
describeContract(plugin, 'interval: 1s')

test('components that are not well are named at each interval', async () => {
  const ill = {
    kind: 'exporter',
    id: 'otlp_http',
    pipeline: undefined,
    state: 'recoverable',
    message: 'refused',
    sinceUnixNano: 0n,
    stability: {},
    config: {},
  } as const
  const { instance, context } = build(plugin, 'interval: 10s', { engine: { components: [ill] } })
  await instance.start?.()
  await context.clock.advance(20_000)
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(
    context.recorded.lines.map(({ fields }) => fields['components']),
    [['otlp_http'], ['otlp_http']],
  )
})
`,
  config: (type) => `receivers:
  otlp:
    protocols: { grpc: , http: }
exporters:
  debug:
extensions:
  ${type}:
    interval: 10s
service:
  extensions: [${type}]
  pipelines:
    logs: { receivers: [otlp], exporters: [debug] }
`,
}
