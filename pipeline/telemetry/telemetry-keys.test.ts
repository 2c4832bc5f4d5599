import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { serviceTelemetry, telemetryKeys } from './telemetry-keys.ts'

const decode = (yaml: string) => serviceTelemetry(telemetryKeys.parse(parse(yaml)))
const problems = (yaml: string) =>
  telemetryKeys
    .safeParse(parse(yaml))
    .error?.issues.map(({ path, message }) => `${path.join('::')}: ${message}`)
    .join('\n')

test('nothing said is what upstream does by default', () => {
  assert.deepEqual(decode('{}'), {
    logs: {
      level: 'info',
      encoding: 'console',
      development: false,
      disable_caller: false,
      disable_stacktrace: false,
      disable_zap_resource: false,
      sampling: { enabled: true, tick: 10_000, initial: 10, thereafter: 100 },
      output_paths: ['stderr'],
      error_output_paths: ['stderr'],
      initial_fields: {},
      processors: [],
    },
    metrics: { level: 'normal', prometheus: [{ host: 'localhost', port: 8888 }], periodic: [] },
    traces: {
      processors: [],
      sampler: { root: 1, remoteSampled: 1, remoteNotSampled: 0, localSampled: 1, localNotSampled: 0 },
      joinsRemote: false,
    },
    resource: new Map(),
    warnings: [],
  })
})

test("upstream's keys are understood", () => {
  const { logs, metrics, resource, warnings } = decode(`
logs: { level: DEBUG, encoding: json, output_paths: stdout, sampling: { enabled: false }, initial_fields: { a: 1 } }
metrics: { level: Detailed, readers: [{ pull: { exporter: { prometheus: { host: '[::1]', port: 9, without_units: true } } } }] }
traces: { level: none }
resource: { attributes: [{ name: a, value: b }, { name: n, value: 1 }], schema_url: x }
`)
  assert.deepEqual(
    [logs.level, logs.encoding, logs.output_paths, logs.sampling.enabled, logs.initial_fields],
    ['debug', 'json', ['stdout'], false, { a: 1 }],
  )
  assert.deepEqual(metrics, { level: 'detailed', prometheus: [{ host: '::1', port: 9 }], periodic: [] })
  assert.deepEqual(resource, new Map([['a', 'b'], ['n', '1']])) // biome-ignore format: a table
  assert.deepEqual(warnings, [])
})

test('level none opens no endpoint', () => {
  const nothing = { level: 'none', prometheus: [], periodic: [] }
  assert.deepEqual(decode('metrics: { level: none }').metrics, nothing)
  assert.deepEqual(decode('metrics: { level: none, readers: [] }').metrics, nothing)
  const periodic = 'readers: [{ periodic: { exporter: { console: {} } } }]'
  assert.deepEqual(decode(`metrics: { level: none, ${periodic} }`).metrics, nothing)
})

test('a legacy resource map sets and, with null, drops attributes, and says so', () => {
  const { resource, warnings } = decode('resource: { service.name: , a: b }')
  assert.deepEqual(resource, new Map([['service.name', null], ['a', 'b']])) // biome-ignore format: a table
  assert.match(warnings.join(), /legacy service.telemetry.resource inline map format.*: a, service.name$/)
})

test('what has no effect in this build is said, once each', () => {
  const { warnings } = decode(`
metrics:
  level: detailed
  views: [{ selector: {} }]
  readers: [{ pull: { exporter: { prometheus: { host: a, port: 1, without_units: false } } } }]
traces: { propagators: [b3] }
resource: { detectors: {} }
`)
  const paths = ['metrics::views', 'metrics::readers::0::pull', 'traces::propagators', 'resource::detectors']
  assert.deepEqual(
    warnings.map((warning) => warning.slice(0, warning.indexOf(' has no effect in this build: '))),
    paths.map((path) => `service::telemetry::${path}`),
  )
})

test('where own telemetry is sent: defaults, schemes, headers, certificates, samplers', () => {
  const { metrics, traces, logs } = decode(`
logs: { processors: [{ batch: { exporter: { otlp: { endpoint: 'h:1', insecure: true, headers_list: 'a=1,b=2', headers: { b: '3' } } } } }] }
metrics: { readers: [{ periodic: { exporter: { otlp: { protocol: grpc, endpoint: 'http://h:2', temporality_preference: delta, compression: gzip } } } }] }
traces:
  propagators: [tracecontext]
  processors: [{ simple: { exporter: { console: {} } } }, { batch: { exporter: { otlp: { endpoint: 'https://h/x' } }, max_queue_size: 10 } }]
  sampler: { parent_based: { root: { trace_id_ratio_based: { ratio: 0.25 } }, remote_parent_sampled: { always_off: {} } } }
`)
  const [lines] = logs.processors
  assert.ok(lines?.exporter.to === 'otlp')
  assert.deepEqual(
    [lines.delayMs, lines.maxBatchSize, lines.exporter.url.href, lines.exporter.protocol, lines.exporter.tls.insecure],
    [1_000, 512, 'http://h:1/', 'http/protobuf', true],
  )
  assert.deepEqual(lines.exporter.headers, [['a', '1'], ['b', '2'], ['b', '3']]) // biome-ignore format: a table
  const [reader] = metrics.periodic
  assert.ok(reader?.exporter.to === 'otlp')
  assert.deepEqual(
    [reader.intervalMs, reader.timeoutMs, reader.exporter.temporality, reader.exporter.compression],
    [60_000, 30_000, 'delta', 'gzip'],
  )
  const [simple, batch] = traces.processors
  assert.deepEqual([simple?.exporter.to, simple?.maxBatchSize, batch?.maxBatchSize], ['console', 1, 10])
  assert.ok(batch?.exporter.to === 'otlp' && !batch.exporter.tls.insecure && batch.exporter.url.pathname === '/x')
  assert.ok(traces.joinsRemote)
  const sampler = { root: 0.25, remoteSampled: 0, remoteNotSampled: 0, localSampled: 1, localNotSampled: 0 }
  assert.deepEqual(traces.sampler, sampler)
})

test('what upstream reads and does not act on is checked all the same', () => {
  assert.equal(problems('traces: { propagators: [x] }'), undefined)
  assert.equal(decode("logs: { level: '' }").logs.level, 'info')
  const cases: [yaml: string, problem: string][] = [
    ['metrics: { address: a:1 }', 'address'],
    ['metrics: { level: detailed, views: [{ selector: { nope: 1 } }] }', 'nope'],
    ['traces: { limits: { nope: 1 } }', 'nope'],
  ]
  for (const [yaml, problem] of cases) assert.ok(problems(yaml)?.includes(problem), `${yaml}: ${problems(yaml)}`)
})

test("mistakes are told in upstream's words, all at once", () => {
  const cases: [yaml: string, problem: string][] = [
    ['logs: { level: loud }', 'logs::level: unrecognized level: "loud"'],
    ['logs: { encoding: xml }', 'logs::encoding: no encoder registered for name "xml"'],
    ['logs: { sampling: { tick: abc } }', 'logs::sampling::tick: time: invalid duration "abc"'],
    ['metrics: { level: x }', 'metrics::level: unknown metrics level "x"'],
    ['metrics: { readers: [] }', 'collector telemetry metrics reader should exist when metric level is not none'],
    ['metrics: { views: [{}] }', 'service::telemetry::metrics::views can only be set when'],
    ['metrics: { readers: [{}] }', 'metrics::readers::0: no valid metric reader'],
    ['metrics: { readers: [{ pull: { exporter: {} } }] }', 'metrics::readers::0: no valid metric exporter'],
    [
      'metrics: { readers: [{ pull: { exporter: { prometheus: {} } } }] }',
      'metrics::readers::0::pull::exporter::prometheus::port: port must be specified',
    ],
    ['resource: { a: 1 }', 'resource: legacy resource attribute "a" must be string or null'],
    ['resource: { attributes_list: a=b }', 'resource::attributes_list is not currently supported'],
    ['resource: { attributes: [{ name: a, value: b }], c: d }', 'cannot be used together with legacy inline'],
    ['logs: { level: loud, encoding: xml }', 'xml'],
    ['metrics: { readers: [{ periodic: { exporter: {} } }] }', 'readers::0::periodic::exporter: no valid exporter'],
    ['metrics: { readers: [{ periodic: { exporter: { otlp: { protocol: x } } } }] }', 'unsupported protocol "x"'],
    ['metrics: { readers: [{ periodic: { exporter: { otlp: { endpoint: "a b" } } } }] }', 'endpoint "a b" is no URL'],
    ['logs: { processors: [{}] }', 'logs::processors::0: unsupported processor type, must be one of simple or batch'],
    [
      'traces: { processors: [{ simple: { exporter: { console: {} } } }], propagators: [x] }',
      'unsupported trace propagator "x"',
    ],
    ['traces: { sampler: {} }', 'traces::sampler: invalid sampler configuration'],
  ]
  for (const [yaml, problem] of cases) assert.ok(problems(yaml)?.includes(problem), `${yaml}: ${problems(yaml)}`)
})
