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
    },
    metrics: { level: 'normal', prometheus: [{ host: 'localhost', port: 8888 }] },
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
  assert.deepEqual(metrics, { level: 'detailed', prometheus: [{ host: '::1', port: 9 }] })
  assert.deepEqual(resource, new Map([['a', 'b'], ['n', '1']])) // biome-ignore format: a table
  assert.deepEqual(warnings, [])
})

test('level none opens no endpoint', () => {
  assert.deepEqual(decode('metrics: { level: none }').metrics, { level: 'none', prometheus: [] })
  assert.deepEqual(decode('metrics: { level: none, readers: [] }').metrics, { level: 'none', prometheus: [] })
})

test('a legacy resource map sets and, with null, drops attributes, and says so', () => {
  const { resource, warnings } = decode('resource: { service.name: , a: b }')
  assert.deepEqual(resource, new Map([['service.name', null], ['a', 'b']])) // biome-ignore format: a table
  assert.match(warnings.join(), /legacy service.telemetry.resource inline map format.*: a, service.name$/)
})

test('what has no effect in this build is said, once each', () => {
  const { warnings } = decode(`
logs: { processors: [{ batch: {} }] }
metrics:
  address: ':8888'
  level: detailed
  views: [{ selector: {} }]
  readers: [{ periodic: { interval: 1000, exporter: { otlp: {} } } }, { pull: { exporter: { prometheus: { host: a, port: 1, without_units: false } } } }]
traces: { processors: [{ batch: {} }], propagators: [b3] }
resource: { detectors: {} }
`)
  const paths = [
    'logs::processors',
    'metrics::address',
    'metrics::views',
    'metrics::readers::0::periodic',
    'metrics::readers::1::pull',
    'traces::processors',
    'traces::propagators',
    'resource::detectors',
  ]
  assert.deepEqual(
    warnings.map((warning) => warning.slice(0, warning.indexOf(' has no effect in this build: '))),
    paths.map((path) => `service::telemetry::${path}`),
  )
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
  ]
  for (const [yaml, problem] of cases) assert.ok(problems(yaml)?.includes(problem), `${yaml}: ${problems(yaml)}`)
})
