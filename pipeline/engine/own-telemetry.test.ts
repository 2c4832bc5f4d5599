import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { Rejected } from '../component.ts'
import { noOrigin } from '../data/batch.ts'
import { newLogs } from '../data/builders.ts'
import type { Batch, LogRecord, Point, Span } from '../data/telemetry.ts'
import { startEngine } from '../testing/engine.ts'
import { memorySink, memorySource } from '../testing/memory.ts'
import { grpcBackend, httpBackend, type OtlpBackend } from '../testing/otlp-backend.ts'
import { VigilProcess } from '../testing/vigil-process.ts'

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const two = (origin = noOrigin) => newLogs(origin).resource({}).record({ body: 'x' }).record({ body: 'y' }).build()
const points = (batch: Batch): Point[] => (batch.signal === 'metrics' ? [...batch] : [])
const spans = (batch: Batch): Span[] => (batch.signal === 'traces' ? [...batch] : [])
const lines = (batch: Batch): LogRecord[] => (batch.signal === 'logs' ? [...batch] : [])
const plain = ({ attributes }: { attributes: Point['attributes'] }) => Object.fromEntries(attributes.entries())
const yaml = (telemetry: string) => `
receivers: { source: }
exporters: { sink: }
service:
  telemetry: ${telemetry}
  pipelines: { logs: { receivers: [source], exporters: [sink] } }
`

for (const [protocol, start] of [
  ['http/protobuf', httpBackend],
  ['http/json', httpBackend],
  ['grpc', grpcBackend],
] as const) {
  // biome-ignore format: a table
  suite(`own telemetry over ${protocol}`, () => {
    let backend: OtlpBackend
    before(async () => {
      backend = await start()
    })
    after(() => backend.close())
    const exporter = () =>
      `{ otlp: { protocol: ${protocol}, endpoint: '${backend.url}', compression: gzip, headers: { x-key: s3cret } } }`

    test('metrics, spans and log lines arrive with upstream names, units and the resource of the engine', async () => {
      const source = memorySource()
      const telemetry = `{
        resource: { attributes: [{ name: deployment.environment.name, value: test }] },
        logs: { level: info, processors: [{ batch: { schedule_delay: 20, exporter: ${exporter()} } }] },
        metrics: { level: normal, readers: [{ periodic: { interval: 50, exporter: ${exporter()} } }] },
        traces: { processors: [{ batch: { schedule_delay: 20, exporter: ${exporter()} } }] } }`
      const { stop } = await startEngine(yaml(telemetry), [source.factory, memorySink().factory])
      await source.send(two())
      const accepted = await backend.wait((batch) =>
        points(batch).some(({ metric, value }) => metric.name === 'otelcol_receiver_accepted_log_records' && value === 2),
      )
      const point = points(accepted).find(({ metric }) => metric.name === 'otelcol_receiver_accepted_log_records')
      const uptime = points(accepted).find(({ metric }) => metric.name === 'otelcol_process_uptime')
      assert.ok(point && uptime)
      const { unit, type, monotonic, temporality } = point.metric
      assert.deepEqual([unit, type, monotonic, temporality], ['{record}', 'sum', true, 'cumulative'])
      assert.deepEqual(plain(point), { receiver: 'source', transport: '' })
      assert.ok(point.startUnixNano > 0n && point.startUnixNano <= point.timeUnixNano)
      assert.deepEqual([uptime.metric.unit, typeof uptime.value === 'bigint'], ['s', false])
      const [first] = accepted.signal === 'metrics' ? accepted : []
      const resource = Object.fromEntries(first?.resource.attributes.entries() ?? [])
      assert.equal(resource['deployment.environment.name'], 'test')
      assert.deepEqual(Object.keys(resource).slice(0, 3), ['service.name', 'service.version', 'service.instance.id'])

      const traces = await backend.wait((batch) => spans(batch).length === 2)
      const [received, exported] = ['receiver/source/LogsReceived', 'exporter/sink/logs'].map((name) =>
        spans(traces).find((span) => span.name === name),
      )
      assert.ok(received && exported)
      assert.deepEqual([exported.parentSpanId, exported.traceId], [received.spanId, received.traceId])
      const counts = { accepted_log_records: 2, refused_log_records: 0, failed_log_records: 0 }
      assert.deepEqual([received.parentSpanId, plain(received)], ['', counts])
      assert.deepEqual(plain(exported), { exporter: 'sink', data_type: 'logs', 'items.sent': 2, 'items.failed': 0 })

      const logs = await backend.wait((batch) => lines(batch).some(({ body }) => typeof body === 'string' && body.startsWith('Everything is')))
      const ready = lines(logs).find(({ body }) => typeof body === 'string' && body.startsWith('Everything is'))
      assert.deepEqual([ready?.severityNumber, ready?.severityText, ready?.attributes.size], [9, 'info', 0])
      await stop()
      assert.ok(backend.received.every(({ headers }) => headers['x-key'] === 's3cret'))
      const last = backend.received.flatMap(({ batch }) => lines(batch)).at(-1)
      assert.equal(last?.body, 'Shutdown complete.')
    })
  })
}

suite('own telemetry', () => {
  let backend: OtlpBackend
  before(async () => {
    backend = await httpBackend()
  })
  after(() => backend.close())
  const otlp = (more = '') => `{ otlp: { endpoint: '${backend.url}' ${more} } }`
  const tracing = (more = '') => `{ traces: { processors: [{ simple: { exporter: ${otlp()} } }] ${more} } }`
  const allSpans = () => backend.received.flatMap(({ batch }) => spans(batch))

  test('spans join the trace of the request with tracecontext, tell failures, and follow the sampler', async () => {
    const source = memorySource()
    const sink = memorySink()
    const joining = tracing(', propagators: [tracecontext]')
    const { stop, change } = await startEngine(yaml(joining), [source.factory, sink.factory])
    sink.beforeTaking = () => {
      throw new Rejected('full', { retryable: true })
    }
    await assert.rejects(source.send(two({ ...noOrigin, traceparent: parent })))
    // Not sampled by its caller: no span.
    await assert.rejects(source.send(two({ ...noOrigin, traceparent: parent.replace(/01$/, '00') })))
    await change(yaml(tracing(', sampler: { always_off: {} }')))
    await assert.rejects(source.send(two()))
    await stop()
    const seen = allSpans()
    assert.deepEqual(seen.map(({ name, traceId, status }) => [name, traceId, status.code, status.message]), [
      ['exporter/sink/logs', '0af7651916cd43dd8448eb211c80319c', 2, 'full'],
      ['receiver/source/LogsReceived', '0af7651916cd43dd8448eb211c80319c', 2, 'full'],
    ]) // biome-ignore format: a table
    assert.equal(seen[1]?.parentSpanId, 'b7ad6b7169203331')
    assert.deepEqual(plain(seen[1]!), { accepted_log_records: 0, refused_log_records: 2, failed_log_records: 0 })
    backend.received.length = 0
  })

  test('a batch merged in a queue has a span of its own that links to what it was made of', async () => {
    const source = memorySource()
    const sink = memorySink('sink', { queue: true })
    const queued = yaml(tracing()).replace(
      'sink: }',
      'sink: { sending_queue: { batch: { min_size: 4, flush_timeout: 10s } } } }',
    )
    const { stop } = await startEngine(queued, [source.factory, sink.factory])
    await source.send(two())
    await source.send(two())
    await stop()
    const received = allSpans().filter(({ name }) => name.startsWith('receiver'))
    const exported = allSpans().find(({ name }) => name.startsWith('exporter'))
    assert.deepEqual(
      exported?.links.map(({ spanId }) => spanId),
      received.map(({ spanId }) => spanId),
    )
    assert.deepEqual([received.length, exported?.parentSpanId], [2, ''])
    backend.received.length = 0
  })

  test('deltas count each item once, through a failed export and a reload of the reader', async () => {
    const source = memorySource()
    const reader = (interval: number) =>
      `{ metrics: { level: normal, readers: [{ periodic: { interval: ${interval}, timeout: 100, exporter: ${otlp(', temporality_preference: delta')} } }] } }`
    const { stop, change } = await startEngine(yaml(reader(20)), [source.factory, memorySink().factory])
    await source.send(two())
    const isAccepted = ({ metric, value }: Point) =>
      metric.name === 'otelcol_receiver_accepted_log_records' && value !== 0
    await backend.wait((batch) => points(batch).some(isAccepted))
    backend.failures.push(400)
    await source.send(two())
    await change(yaml(reader(25)))
    await source.send(two())
    await stop()
    const deltas = backend.received.flatMap(({ batch }) => points(batch).filter(isAccepted))
    assert.equal(
      deltas.reduce((sum, { value }) => sum + Number(value), 0),
      6,
    )
    assert.ok(deltas.every(({ metric }) => metric.temporality === 'delta'))
    backend.received.length = 0
  })

  test('a dead server harms nothing: data flows, the queue is bounded, losses are counted, the shutdown ends', async () => {
    const source = memorySource()
    const sink = memorySink()
    const dead = `{ otlp: { endpoint: 'http://127.0.0.1:1' } }`
    const telemetry = `{
      logs: { level: info, processors: [{ batch: { max_queue_size: 3, exporter: ${dead} } }] },
      metrics: { level: normal, readers: [{ periodic: { interval: 10, timeout: 5, exporter: ${dead} } }] },
      traces: { processors: [{ batch: { max_queue_size: 5, max_export_batch_size: 2, exporter: ${dead} } }] } }`
    const { engine } = await startEngine(yaml(telemetry), [source.factory, sink.factory])
    for (let i = 0; i < 50; i++) await source.send(two())
    assert.equal(sink.count(), 100)
    const started = performance.now()
    assert.deepEqual(await engine.shutdown(AbortSignal.timeout(300)), [])
    assert.ok(performance.now() - started < 2_000)
    const lost = engine.registry.snapshot().find(({ name }) => name === 'vigil_own_telemetry_lost_items')
    const spansLost = lost?.series
      .filter(({ labels }) => labels['item'] === 'spans')
      .reduce((n, { value }) => n + value, 0)
    assert.equal(spansLost, 100)
  })

  test('a reload changes the level of metrics', async () => {
    const level = (name: string) =>
      yaml(`{ metrics: { level: ${name}, readers: [{ periodic: { interval: 100000, exporter: ${otlp()} } }] } }`)
    const source = memorySource()
    const { stop, change, engine } = await startEngine(level('normal'), [
      source.factory,
      memorySink('sink', { queue: true }).factory,
    ])
    await source.send(two())
    const names = () => engine.registry.snapshot().map(({ name }) => name)
    assert.ok(!names().includes('otelcol_exporter_enqueue_size'))
    await change(level('detailed'))
    assert.ok(names().includes('otelcol_exporter_enqueue_size'))
    await stop()
  })

  test('console writes OTLP JSON to stdout, a line a batch', async () => {
    const console = '{ console: {} }'
    const config = `
receivers: { nop: }
exporters: { nop: }
service:
  telemetry:
    logs: { encoding: json, processors: [{ simple: { exporter: ${console} } }] }
    metrics: { level: basic, readers: [{ periodic: { interval: 100000, exporter: ${console} } }] }
  pipelines: { logs: { receivers: [nop], exporters: [nop] } }
`
    const vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
    let written = ''
    vigil.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      written += text
    })
    await vigil.ready()
    assert.equal(await vigil.stop(), 0)
    const batches = written.trim().split('\n')
    const kinds = batches.flatMap((line) => Object.keys(JSON.parse(line) as object))
    assert.deepEqual([...new Set(kinds)].sort(), ['resourceLogs', 'resourceMetrics'])
    assert.match(written, /Shutdown complete\./)
    assert.match(written, /otelcol_process_uptime/)
  })
})
