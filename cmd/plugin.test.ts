import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const config = (processor: string) => `
receivers: { otlp: { protocols: { http: { endpoint: 'localhost:0' } } } }
processors: { ${processor}: }
exporters: { debug: { verbosity: detailed } }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  pipelines:
    logs: { receivers: [otlp], processors: [${processor}], exporters: [debug] }
    traces: { receivers: [otlp], exporters: [debug] }
`
const log = (body: string) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }] })
const span = {
  resourceSpans: [
    {
      scopeSpans: [
        { spans: [{ name: 'untouched', traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }] },
      ],
    },
  ],
}

async function post(port: number, path: string, body: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

test('the first plugin works as copied from the README', async () => {
  const [, plugin = ''] = /`shout\.ts`:\n\n```ts\n([\s\S]*?)```/.exec(readme) ?? []
  assert.match(plugin, /defineProcessor/)
  const vigil = new VigilProcess(['--plugin', './shout.ts', '--config', 'config.yaml'], {
    'shout.ts': plugin,
    'config.yaml': config('shout'),
  })
  try {
    await vigil.ready()
    const answer = await post(await vigil.port('HTTP'), 'logs', log('hello'))
    assert.equal(answer.status, 200)
    await vigil.line(/Body: Str\(HELLO!\)/)
  } finally {
    await vigil.stop()
  }
})

const broken: Record<string, { plugin: string; message: RegExp }> = {
  'does not parse': { plugin: 'export default {{\n', message: /plugin \.\/broken\.ts could not be loaded: .*/ },
  'imports what is not there': {
    plugin: "import x from './nowhere.ts'\nexport default x\n",
    message: /plugin \.\/broken\.ts could not be loaded: .*nowhere\.ts/,
  },
  'exports no component': { plugin: 'export default 42\n', message: /has no component as its default export: write/ },
  'throws while it loads': {
    plugin: "throw new Error('no licence')\n",
    message: /could not be loaded: line 1:\d+: no licence/,
  },
  'takes the name of a component that is there': {
    plugin: `import { defineProcessor, z } from 'vigil/plugin'
export default defineProcessor({ type: 'batch', signals: { logs: 'alpha' }, config: z.strictObject({}), create: () => ({}) })\n`,
    message: /brings the processor "batch", which vigil\/processors\/batch brings already: rename its type/,
  },
}
for (const [name, { plugin, message }] of Object.entries(broken)) {
  test(`a plugin that ${name} is refused before start, with what to do`, async () => {
    const vigil = new VigilProcess(['validate', '--plugin', './broken.ts', '--config', 'config.yaml'], {
      'broken.ts': plugin,
      'config.yaml': config('broken'),
    })
    await new Promise((resolve) => vigil.child.once('close', resolve))
    assert.match(vigil.stderr, message)
    assert.match(vigil.stderr, /^Error: /)
    assert.equal(await vigil.stop(), 1)
  })
}

test('a plugin that fails at work has its data refused, and nothing else suffers', async () => {
  const vigil = new VigilProcess(['--plugin', './broken.ts', '--config', 'config.yaml'], {
    'broken.ts': `import { defineProcessor, z } from 'vigil/plugin'
export default defineProcessor({
  type: 'broken',
  signals: { logs: 'alpha' },
  config: z.strictObject({}),
  create: () => ({
    logs: (batch) => {
      for (const record of batch) {
        if (record.body === 'throw') throw new Error('cannot shout')
        if (record.body === 'forget') return
        if (record.body === 'write') record.body = 'changed'
        if (record.body === 'float') void Promise.reject(new Error('nobody waits for me'))
      }
      return batch
    },
  }),
})\n`,
    'config.yaml': config('broken'),
  })
  try {
    await vigil.ready()
    const port = await vigil.port('HTTP')
    const answers: Record<string, { status: number; message: string }> = {}
    for (const body of ['throw', 'forget', 'write', 'float', 'fine']) {
      const answer = await post(port, 'logs', log(body))
      const { message = '' } = (await answer.json()) as { message?: string }
      answers[body] = { status: answer.status, message }
    }
    assert.equal(answers['throw']?.status, 500)
    assert.match(answers['throw']?.message ?? '', /processor "broken" failed: cannot shout/)
    assert.match(answers['forget']?.message ?? '', /the logs handler returned nothing; return the batch/)
    assert.match(answers['write']?.message ?? '', /edit/)
    assert.equal(answers['float']?.status, 200)
    assert.equal(answers['fine']?.status, 200)
    assert.equal((await post(port, 'traces', span)).status, 200)
    await vigil.line('An error was thrown that nobody waited for.')
  } finally {
    assert.equal(await vigil.stop(), 0)
  }
})
