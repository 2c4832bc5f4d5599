import type { Template } from './template.ts'

export const exporter: Template = {
  does: 'It posts the bodies of log records, one a line, to an HTTP server.',
  plugin: (type) => `import { defineExporter, Rejected, z } from 'vigil/plugin'

export default defineExporter({
  type: '${type}',
  signals: { logs: 'development' },
  config: z.strictObject({
    endpoint: z.url().describe('Where to post to.'),
  }),
  // The engine puts a queue, retries and a time limit around the handlers, with their keys: sending_queue, retry_on_failure, timeout.
  sending: { queue: true, retry: true, timeoutMs: 5_000 },
  create({ endpoint }) {
    return {
      // One attempt. Throw \`Rejected\` when the data did not get through, and say whether trying again makes sense.
      async logs(batch, attempt) {
        const lines: string[] = []
        for (const record of batch) lines.push(JSON.stringify(record.body))
        const response = await fetch(endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/x-ndjson' },
          body: lines.join('\\n'),
          signal: attempt.signal,
        }).catch((cause: unknown) => {
          throw new Rejected(\`cannot reach \${endpoint}\`, { retryable: true, cause })
        })
        await response.body?.cancel()
        if (response.ok) return
        const retryable = response.status === 429 || response.status >= 500
        throw new Rejected(\`\${endpoint} answered \${response.status}\`, { retryable })
      },
    }
  },
})
`,
  test: (type) => `import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Rejected } from 'vigil/plugin'
import { build, describeContract, newLogs } from 'vigil/testing'
import plugin from './${type}.ts'

// What every component must keep: it starts and stops, refuses unknown keys, describes its options.
describeContract(plugin, 'endpoint: http://localhost:1/')

test('the bodies arrive, and an error of the server is passed on', async () => {
  const bodies: string[] = []
  let status = 200
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body)
      response.writeHead(status).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { handle } = build(plugin, \`endpoint: http://127.0.0.1:\${port}/\`)
  const batch = newLogs().record({ body: 'a' }).record({ body: 'b' }).build()
  await handle(batch)
  assert.deepEqual(bodies, ['"a"\\n"b"'])
  for (const [answer, retryable] of [
    [503, true],
    [400, false],
  ] as const) {
    status = answer
    await assert.rejects(handle(batch), (error) => error instanceof Rejected && error.retryable === retryable)
  }
  server.close()
  server.closeAllConnections()
})
`,
  config: (type) => `receivers:
  otlp:
    protocols: { grpc: , http: }
exporters:
  ${type}:
    endpoint: http://localhost:8080/
service:
  pipelines:
    logs: { receivers: [otlp], exporters: [${type}] }
`,
}
