import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { OTLPLogExporter as GrpcLogExporter } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPMetricExporter as GrpcMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as ProtoMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs'
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'

const quickstart = fileURLToPath(new URL('quickstart.yaml', import.meta.url))

/** What an application with the OpenTelemetry SDK does: a span with an event, a counter and a histogram, a log record. */
async function runApplication(
  service: string,
  exporters: { traces: SpanExporter; metrics?: PushMetricExporter; logs?: LogRecordExporter },
): Promise<void> {
  const resource = resourceFromAttributes({ 'service.name': service })
  const tracing = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter: exporters.traces })],
  })
  const span = tracing.getTracer('shop').startSpan('checkout', { attributes: { items: 3, paid: true, total: 12.5 } })
  span.addEvent('charged', { provider: 'bank' })
  span.end()
  await tracing.shutdown()
  if (exporters.metrics) {
    const metering = new MeterProvider({
      resource,
      readers: [new PeriodicExportingMetricReader({ exporter: exporters.metrics })],
    })
    const meter = metering.getMeter('shop')
    meter.createCounter('orders').add(7, { country: 'de' })
    meter.createHistogram('latency').record(0.25)
    await metering.shutdown()
  }
  if (exporters.logs) {
    const logging = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: exporters.logs })],
    })
    logging.getLogger('shop').emit({ body: 'order placed', severityNumber: 9, attributes: { order: 'o-1' } })
    await logging.shutdown()
  }
}

suite('npm start, the quickstart', () => {
  let vigil: VigilProcess
  let grpc = ''
  let http = ''

  before(async () => {
    const port0 = (path: string) => `--set=${path}=localhost:0`
    vigil = new VigilProcess([
      '--config',
      quickstart,
      port0('receivers.otlp.protocols.grpc.endpoint'),
      port0('receivers.otlp.protocols.http.endpoint'),
      port0('extensions.health_check.endpoint'),
      '--set=service.telemetry.metrics.level=none',
      '--set=service.telemetry.logs.encoding=json',
    ])
    await vigil.ready()
    grpc = `http://127.0.0.1:${await vigil.port('gRPC')}`
    http = `http://127.0.0.1:${await vigil.port('HTTP')}`
  })

  test('all three signals of the OpenTelemetry SDK, over gRPC and HTTP, come out of debug and file', async () => {
    await runApplication('by-grpc', {
      traces: new GrpcTraceExporter({ url: grpc }),
      metrics: new GrpcMetricExporter({ url: grpc }),
      logs: new GrpcLogExporter({ url: grpc }),
    })
    await runApplication('by-http', {
      traces: new ProtoTraceExporter({ url: `${http}/v1/traces` }),
      metrics: new ProtoMetricExporter({ url: `${http}/v1/metrics` }),
      logs: new JsonLogExporter({ url: `${http}/v1/logs` }),
    })
    await runApplication('by-json', { traces: new JsonTraceExporter({ url: `${http}/v1/traces` }) })
    const isShown = (text: string) => vigil.lines.some(({ msg }) => msg.includes(text))
    for (const service of ['by-grpc', 'by-http', 'by-json']) await vigil.line(new RegExp(`service.name=${service}`))
    await vigil.line(/orders/)
    await vigil.line(/order placed/)
    assert.ok(isShown('checkout'))
  })

  after(async () => {
    const file = join(vigil.folder, 'quickstart.jsonl')
    vigil.child.kill('SIGTERM')
    await new Promise((resolve) => vigil.child.once('exit', resolve))
    const text = readFileSync(file, 'utf8')
    assert.equal(await vigil.stop(), 0)
    const requests = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    const services = (kind: string) =>
      requests
        .filter((request) => kind in request)
        .flatMap((request) => [
          ...JSON.stringify(request).matchAll(/"key":"service.name","value":\{"stringValue":"([^"]*)"/g),
        ])
        .map(([, service = '']) => service)
        .sort((a, b) => a.localeCompare(b))
    assert.deepEqual(services('resourceSpans'), ['by-grpc', 'by-http', 'by-json'])
    assert.deepEqual(services('resourceMetrics'), ['by-grpc', 'by-http'])
    assert.deepEqual(services('resourceLogs'), ['by-grpc', 'by-http'])
    assert.match(text, /"intValue":"3"/)
    assert.match(text, /"doubleValue":12.5/)
    assert.match(text, /"name":"charged"/)
    assert.match(text, /"bucketCounts"/)
  })
})
