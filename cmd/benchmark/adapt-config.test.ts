import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { adaptConfig } from './adapt-config.ts'

const config = `
receivers:
  otlp: { protocols: { grpc: , http: } }
  otlp/other: { protocols: { grpc: { endpoint: 127.0.0.1:9 } } }
processors: { batch: }
connectors: { alarms: { pages_per_week: 2 }, trace_features: }
exporters: { debug: }
extensions: { health_check: , file_storage: { directory: ./state } }
service:
  extensions: [health_check, file_storage]
  pipelines:
    traces: { receivers: [otlp, otlp/other], processors: [batch], exporters: [trace_features] }
    metrics: { receivers: [otlp, trace_features], exporters: [alarms] }
    logs/signals: { receivers: [alarms], exporters: [debug] }
`

test('telemetry comes in and goes back as it is, events go back too, and ports are nobody else’s', () => {
  const { receivers, service } = parse(adaptConfig(config, 'c.yaml')) as {
    receivers: object
    service: { extensions: string[]; pipelines: Record<string, object> }
  }
  assert.deepEqual(receivers, { otlp: { protocols: { http: { endpoint: '${env:BENCHMARK_INPUT}' } } } })
  assert.deepEqual(service.extensions, ['file_storage'])
  assert.deepEqual(service.pipelines, {
    traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['trace_features'] },
    metrics: { receivers: ['otlp', 'trace_features'], exporters: ['alarms'] },
    'logs/signals': { receivers: ['alarms'], exporters: ['debug', 'otlp_http/benchmark'] },
    'metrics/benchmark': { receivers: ['otlp'], exporters: ['otlp_http/benchmark'] },
    'logs/benchmark': { receivers: ['otlp'], exporters: ['otlp_http/benchmark'] },
  })
})

test('one that was made for the benchmark is taken as it is, and one that receives no OTLP is refused', () => {
  const made = 'receivers: { otlp: { protocols: { http: { endpoint: "${env:BENCHMARK_INPUT}" } } } }'
  assert.equal(adaptConfig(made, 'c.yaml'), made)
  assert.throws(() => adaptConfig('receivers: { nop: }', 'c.yaml'), /c\.yaml has no otlp receiver/)
  assert.throws(() => adaptConfig('receivers: [', 'c.yaml'), /c\.yaml is no YAML/)
  assert.throws(() => adaptConfig('42', 'c.yaml'), /c\.yaml is no configuration/)
})
