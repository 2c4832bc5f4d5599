/** Requests name the engine's own span of their export, so that the far end's spans hang below it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySource } from '../../pipeline/testing/memory.ts'
import { httpBackend } from '../../pipeline/testing/otlp-backend.ts'
import otlpHttp from './index.ts'

const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const one = () =>
  newLogs({ ...noOrigin, traceparent: caller })
    .resource({})
    .record({ body: 'x' })
    .build()

async function sentWith(propagators: string): Promise<{ header: unknown; spanId: string | undefined }> {
  const [backend, spans] = [await httpBackend(), await httpBackend()]
  const source = memorySource()
  const config = `
receivers: { source: }
exporters: { otlp_http: { endpoint: '${backend.url}', sending_queue: { enabled: false } } }
service:
  telemetry:
    traces:
      propagators: ${propagators}
      processors: [{ simple: { exporter: { otlp: { protocol: http/protobuf, endpoint: '${spans.url}' } } } }]
  pipelines: { logs: { receivers: [source], exporters: [otlp_http] } }
`
  const { stop } = await startEngine(config, [source.factory, otlpHttp])
  await source.send(one())
  await stop()
  const own = spans.received.flatMap(({ batch }) => (batch.signal === 'traces' ? [...batch] : []))
  const header = backend.received[0]?.headers['traceparent']
  const spanId = own.find(({ name }) => name === 'exporter/otlp_http/logs')?.spanId
  await Promise.all([backend.close(), spans.close()])
  return { header, spanId }
}

test('with the propagator tracecontext a request carries the span of its export, in the trace of its sender', async () => {
  const { header, spanId } = await sentWith('[tracecontext]')
  assert.equal(header, `00-0af7651916cd43dd8448eb211c80319c-${spanId}-01`)
})

test('without a propagator a request carries none', async () => {
  const { header, spanId } = await sentWith('[]')
  assert.deepEqual([header, typeof spanId], [undefined, 'string'])
})
