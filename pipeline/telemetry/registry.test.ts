import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goFloat } from './prometheus-text.ts'
import { Registry } from './registry.ts'

test('the text is what the Go Collector prints: sorted families, sorted labels, Go numbers, target_info last', () => {
  const resource = new Map([
    ['service.version', '0.165.0'],
    ['service.name', 'otelcol'],
    ['service.instance.id', 'ec65'],
  ])
  const registry = new Registry({ resource })
  const exporter = registry.meter({ exporter: 'otlp_http' })
  exporter.gauge('otelcol_exporter_queue_size', () => 1, { data_type: 'traces' }, '')
  const receiver = registry.meter({ transport: 'http', receiver: 'otlp' })
  receiver.counter('otelcol_receiver_accepted_spans', 'Spans.').add(1)
  receiver.counter('otelcol_receiver_refused_spans').add(0)
  const duration = registry.meter({ processor: 'batch' }).histogram('otelcol_duration', [0.005, 1, 100_000], 'Time.')
  for (const value of [0.005, 0.000025, 2, 1e7]) duration.record(value, { 'otel.signal': 'traces' })
  assert.equal(
    registry.prometheusText(),
    `# HELP otelcol_duration Time.
# TYPE otelcol_duration histogram
otelcol_duration_bucket{otel_signal="traces",processor="batch",le="0.005"} 2
otelcol_duration_bucket{otel_signal="traces",processor="batch",le="1"} 2
otelcol_duration_bucket{otel_signal="traces",processor="batch",le="100000"} 3
otelcol_duration_bucket{otel_signal="traces",processor="batch",le="+Inf"} 4
otelcol_duration_sum{otel_signal="traces",processor="batch"} 1.0000002005025e+07
otelcol_duration_count{otel_signal="traces",processor="batch"} 4
# HELP otelcol_exporter_queue_size Current size of the retry queue (in batches). [Alpha]
# TYPE otelcol_exporter_queue_size gauge
otelcol_exporter_queue_size{data_type="traces",exporter="otlp_http"} 1
# HELP otelcol_receiver_accepted_spans Number of spans successfully pushed into the pipeline. [Alpha]
# TYPE otelcol_receiver_accepted_spans counter
otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 1
# HELP otelcol_receiver_refused_spans Number of spans that could not be pushed into the pipeline. [Alpha]
# TYPE otelcol_receiver_refused_spans counter
otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 0
# HELP target_info Target metadata
# TYPE target_info gauge
target_info{service_instance_id="ec65",service_name="otelcol",service_version="0.165.0"} 1
`,
  )
})

test('numbers are written as Go writes them', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [1.5, '1.5'],
    [100_000, '100000'],
    [999_999, '999999'],
    [1_000_000, '1e+06'],
    [39_014_400, '3.90144e+07'],
    [0.0001, '0.0001'],
    [0.000025768, '2.5768e-05'],
    [-1e-10, '-1e-10'],
    [1e100, '1e+100'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ]
  assert.deepEqual(
    cases.map(([number]) => goFloat(number)),
    cases.map(([, text]) => text),
  )
})

test('label values and help cannot break out of their line', () => {
  const registry = new Registry()
  registry.meter({}).counter('a', 'one\ntwo\\').add(1, { 'bad name!': 'x"\\\n' })
  assert.equal(registry.prometheusText(), '# HELP a one\\ntwo\\\\\n# TYPE a counter\na{bad_name_="x\\"\\\\\\n"} 1\n')
})

test('the same labels are one series, whatever object, order or meter they come from', () => {
  const registry = new Registry()
  const counter = registry.meter({ a: '1' }).counter('c')
  const labels = { b: '2', d: '3' }
  counter.add(1, labels)
  counter.add(1, labels)
  counter.add(1, { d: '3', b: '2' })
  registry.meter({ d: '3' }).counter('c').add(1, { a: '1', b: '2' })
  assert.deepEqual(
    registry.snapshot().flatMap(({ series }) => series.map(({ labels, value }) => [labels, value])),
    [[{ a: '1', b: '2', d: '3' }, 4]],
  )
})

test('a metric has at most 2000 series; the rest is counted together', () => {
  const registry = new Registry()
  const counter = registry.meter({}).counter('c')
  for (let i = 0; i < 2_500; i++) counter.add(1, { user: String(i) })
  const [family] = registry.snapshot()
  assert.equal(family?.series.length, 2_000)
  const overflow = family?.series.find(({ labels }) => labels['otel_metric_overflow'] === 'true')
  assert.equal(overflow?.value, 501)
})

test('a closed meter takes its gauges along and leaves its totals', () => {
  const registry = new Registry()
  const meter = registry.meter({ exporter: 'x' })
  meter.gauge('gauge', () => 1)
  meter.upDownCounter('in_flight').add(1)
  meter.counter('total').add(2)
  meter.observedCounter('observed', () => 3)
  meter.close()
  const left = registry.snapshot().map(({ name, series }) => [name, series[0]?.value])
  assert.deepEqual(left, [
    ['observed', 3],
    ['total', 2],
  ])
})

test('a successor goes on with the totals, even when it comes before its predecessor is closed', () => {
  const registry = new Registry()
  const old = registry.meter({ id: 'x' })
  old.counter('total').add(2)
  old.observedCounter('observed', () => 10)
  old.gauge('gauge', () => 1)
  const next = registry.meter({ id: 'x' })
  next.counter('total').add(5)
  next.observedCounter('observed', () => 1)
  next.gauge('gauge', () => 7)
  old.close()
  const now = registry.snapshot().map(({ name, series }) => [name, series[0]?.value])
  assert.deepEqual(now, [
    ['gauge', 7],
    ['observed', 11],
    ['total', 7],
  ])
})

test('a reader that throws is left out and harms no other', () => {
  const registry = new Registry()
  const meter = registry.meter({})
  meter.gauge('bad', () => {
    throw new Error('no')
  })
  meter.gauge('good', () => 1)
  assert.deepEqual(
    registry.snapshot().map(({ name }) => name),
    ['good'],
  )
})

test('a counter never goes back and never becomes NaN', () => {
  const registry = new Registry()
  const counter = registry.meter({}).counter('c')
  for (const n of [1, -1, Number.NaN, Number.POSITIVE_INFINITY]) counter.add(n)
  assert.equal(registry.snapshot()[0]?.series[0]?.value, 1)
})

test('one name has one type and one set of bounds', () => {
  const meter = new Registry().meter({})
  meter.counter('c')
  assert.throws(() => meter.gauge('c', () => 1), /metric c is a counter and cannot be a gauge too/)
  meter.histogram('h', [1])
  assert.throws(() => meter.histogram('h', [2]), /has the bounds \[1\] already/)
})

test('each level counts what it counts upstream', () => {
  const names = [
    'otelcol_exporter_enqueue_size',
    'otelcol_exporter_sent_spans',
    'otelcol_processor_batch_batch_send_size_bytes',
    'otelcol_processor_batch_timeout_trigger_send',
    'otelcol_processor_internal_duration',
    'rpc_server_call_duration',
  ]
  const counted = (level: 'none' | 'basic' | 'normal' | 'detailed') => {
    const registry = new Registry({ level })
    for (const name of names) registry.meter({}).counter(name).add(1)
    return registry.snapshot().map(({ name }) => name)
  }
  assert.deepEqual(counted('none'), [])
  assert.deepEqual(counted('basic'), ['otelcol_exporter_sent_spans'])
  assert.deepEqual(counted('normal'), ['otelcol_exporter_sent_spans', 'otelcol_processor_batch_timeout_trigger_send'])
  assert.deepEqual(counted('detailed'), names)
})

test('why a send failed is told apart at level detailed only', () => {
  const series = (level: 'normal' | 'detailed') => {
    const registry = new Registry({ level })
    const failed = registry.meter({ exporter: 'x' }).counter('otelcol_exporter_send_failed_spans')
    failed.add(1, { 'error.type': 'Unavailable', 'error.permanent': 'false' })
    failed.add(2, { 'error.type': 'Internal', 'error.permanent': 'true' })
    return registry
      .snapshot()
      .flatMap(({ series }) => series.map(({ labels, value }) => [Object.values(labels).join(), value]))
  }
  assert.deepEqual(series('normal'), [['x', 3]])
  assert.deepEqual(series('detailed'), [['false,Unavailable,x', 1], ['true,Internal,x', 2]]) // biome-ignore format: a table
})
