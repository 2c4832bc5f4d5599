import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { defineReceiver } from '../component.ts'
import { sharedPath, skipWithout } from '../testing/shared-files.ts'
import { catalog, catalogOf, decode } from './catalog.fixture.ts'
import { ConfigError } from './config.ts'
import { decodeConfig } from './decode.ts'
import { parseFeatureGates } from './feature-gates.ts'
import { loadConfig } from './load.ts'

const base = `receivers:
  otlp:
    protocols:
      grpc:
      http:
processors:
  batch:
exporters:
  debug:
  otlp_grpc:
    endpoint: localhost:14317
    tls: {insecure: true}
connectors:
  forward:
extensions:
  zpages:
service:
  extensions: [zpages]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [debug, otlp_grpc]
`
async function problems(
  yaml: string,
  env: Record<string, string> = {},
  gates: readonly string[] = [],
): Promise<readonly string[]> {
  const options = { gates: parseFeatureGates(gates) }
  const error = await decode(yaml, { env }, options).then(
    () => undefined,
    (e: unknown) => e,
  )
  if (error === undefined) return []
  assert.ok(error instanceof ConfigError)
  return error.message.split('\n')
}
/** Each case changes one text of `base`; the answer is the only problem, upstream's words in it. */
async function table(cases: readonly (readonly [string, string, string])[]): Promise<void> {
  for (const [from, to, expected] of cases) {
    assert.ok(base.includes(from), from)
    const found = await problems(base.replace(from, to))
    assert.equal(found.length, expected === '' ? 0 : 1, `${to}: ${found.join('\n')}`)
    assert.ok(found.join().includes(expected), `${to}: ${found.join()}`)
  }
}

test('a valid config decodes', async () => {
  const config = await decode(base)
  assert.deepEqual([...config.receivers.keys()], ['otlp'])
  assert.deepEqual(config.receivers.get('otlp')?.value, {
    protocols: {
      grpc: { endpoint: 'localhost:4317', max_recv_msg_size_mib: 0 },
      http: { endpoint: 'localhost:4318', timeout: 0 },
    },
  })
  assert.deepEqual(
    config.service.pipelines.get('traces')?.exporters.map((id) => id.text),
    ['debug', 'otlp_grpc'],
  )
  assert.deepEqual(config.service.pipelines.get('traces')?.positions.get('exporters::1'), {
    source: 'yaml',
    line: 23,
    column: 26,
  })
  assert.deepEqual(config.warnings, [])
})

test('each problem stands at its line and column', async () => {
  const cases: readonly (readonly [string, string, string, RegExp?])[] = [
    [
      'typo',
      '  batch:\n',
      '  batch:\n    timeot: 1s\n',
      /^yaml:8:5 processors::batch: has invalid keys: timeot; did you mean "timeout"\?$/,
    ],
    [
      'nested typo',
      '      grpc:\n',
      '      grpc:\n        endpont: x\n',
      /^yaml:5:9 .*'protocols.grpc' has invalid keys: endpont; did you mean "endpoint"\?/,
    ],
    [
      'wrong type',
      '  batch:\n',
      "  batch: {send_batch_size: '10'}\n",
      /^yaml:7:28 .*'send_batch_size' expected type 'int', got unconvertible type 'string'; write 10, without quotes/,
    ],
    [
      'bad duration',
      '  batch:\n',
      '  batch:\n    timeout: 10d\n',
      /^yaml:8:14 processors::batch::timeout: time: unknown unit "10d"; write a number with its unit/,
    ],
    [
      'dangling reference',
      '[debug, otlp_grpc]',
      '[debug, otlp_grcp]',
      /^yaml:23:26 service::pipelines::traces: references exporter "otlp_grcp" which is not configured; did you mean "otlp_grpc"\?/,
    ],
    [
      'unknown type',
      '  debug:\n',
      '  debgu:\n  debug:\n',
      /^yaml:9:3 exporters: unknown type: "debgu" for id: "debgu" \(valid values: \[nop debug otlp_grpc otlp\]\); did you mean "debug"\?/,
    ],
    [
      'missing key',
      'tls: {insecure: true}',
      'auth: {}',
      /^yaml:12:5 exporters::otlp_grpc::auth::authenticator: is required/,
    ],
    [
      'refinement',
      '      grpc:\n      http:\n',
      '',
      /^yaml:3:5 receivers::otlp::protocols: must specify at least one protocol/,
    ],
    [
      'unknown section',
      'connectors:',
      'conectors:',
      /^yaml:13:1 '' has invalid keys: conectors; did you mean "connectors"\?/,
    ],
  ]
  for (const [name, from, to, pattern] of cases) {
    const found = await problems(base.replace(from, to))
    assert.equal(found.length, 1, `${name}: ${found.join('\n')}`)
    assert.match(found[0] ?? '', pattern ?? /./, name)
  }
})

test('all problems are told at once, in the order of the file', async () => {
  const found = await problems(`receivers:
  otlp:
    protocols: {grpcc: }
processors:
  batch: {timeout: abc, x: 1, send_batch_size: -1}
exporters:
  debug: {verbosity: loud}
  nosuch:
  otlp: {endpoint: 'x', sending_queue: {num_consumers: 0}, timeout: 1x, ratio: 2}
service:
  telemetry: {logs: {level: loud}, metrics: {nope: 1}}
  pipelines:
    traces: {receivers: [otlp/1], processors: [batch, batch], exporters: [nosuch, debug/1]}
    trace: {}
`)
  const places = found.map((line) => line.split(' ')[0])
  assert.deepEqual(places, [
    'yaml:3:17',
    'yaml:5:20',
    'yaml:5:25',
    'yaml:5:48',
    'yaml:7:22',
    'yaml:8:3',
    'yaml:9:56',
    'yaml:9:69',
    'yaml:9:80',
    'yaml:11:29',
    'yaml:11:46',
    'yaml:13:26',
    'yaml:13:55',
    'yaml:13:83',
    'yaml:14:5',
  ])
})

test("ids and types give upstream's words", async () => {
  await table([
    ['  debug:\n', '  debug:\n  otlp/:\n', 'exporters: in "otlp/" id: the part after / should not be empty'],
    ['  debug:\n', '  debug:\n  /x:\n', 'in "/x" id: the part before / should not be empty'],
    ['  debug:\n', '  debug:\n  1abc:\n', 'in "1abc" id: invalid character(s) in type "1abc"'],
    ['  debug:\n', '  debug:\n  debug/a b:\n', 'in "a b" id: invalid character(s) in name "a b"'],
    ['  debug:\n', '  debug:\n  " debug":\n', 'duplicate name "debug" after unmarshaling debug'],
    ['  debug:\n', '  debug:\n  "":\n', 'id must not be empty'],
    ['  debug:\n', '  debug:\n  ~:\n', 'in "<nil>" id: invalid character(s) in type "<nil>"'],
    ['  debug:\n', '  debug:\n  debug/x/y:\n', ''],
    ['  debug:\n', '  debug:\n  debug/ x:\n', ''],
    [
      '  debug:\n',
      '  debug:\n  logging:\n',
      'exporters: the logging exporter has been deprecated, use the debug exporter instead',
    ],
    ['  debug:\n', '  debug:\n  jaeger:\n', 'jaeger takes OTLP itself: use otlp_grpc'],
    ['  debug:\n', '  debug:\n  batch:\n', '"batch" is a type of processor: move it to processors'],
    [
      '    traces:\n',
      '    trace:\n',
      `'service.pipelines' in "trace" id: unknown pipeline signal: "trace"; did you mean "traces"?`,
    ],
    ['    traces:\n', '    traces/:\n', 'in "traces/" id: the part after / should not be empty'],
    [
      '    traces:\n',
      '    profiles:\n',
      'service::pipelines: pipeline "profiles": profiling signal support is at alpha level, gated under the "service.profilesSupport" feature gate',
    ],
  ])
})

test("wrong shapes give upstream's words", async () => {
  await table([
    [
      '  batch:\n',
      '  batch: abc\n',
      `processors::batch: '[batch]' expected type 'map[string]interface {}', got unconvertible type 'string'`,
    ],
    ['  batch:\n', '  batch: [a]\n', `got unconvertible type '[]interface {}'`],
    [
      '  batch:\n',
      '  batch: {send_batch_size: true}\n',
      `'send_batch_size' expected type 'int', got unconvertible type 'bool'`,
    ],
    ['  batch:\n', '  batch: {send_batch_size: [1]}\n', `got unconvertible type '[]interface {}'`],
    [
      '  batch:\n',
      '  batch: {metadata_keys: {a: b}}\n',
      `'metadata_keys' source data must be an array or slice, got map`,
    ],
    [
      '  batch:\n',
      '  batch: {metadata_keys: [1]}\n',
      `'metadata_keys[0]' expected type 'string', got unconvertible type 'int'`,
    ],
    [
      '  batch:\n',
      '  batch: {timeout: true}\n',
      `'timeout' expected type 'time.Duration', got unconvertible type 'bool'`,
    ],
    ['  batch:\n', '  batch: {timeout: -1s}\n', 'timeout must be greater or equal to 0'],
    ['      grpc:\n', '      grpc: localhost\n', `'protocols.grpc' expected a map or struct, got "string"`],
    ['tls: {insecure: true}', 'tls: true', `'tls' expected a map or struct, got "bool"`],
    [
      'tls: {insecure: true}',
      'tls: {insecure: yes}',
      `'tls.insecure' expected type 'bool', got unconvertible type 'string'; write true, without quotes`,
    ],
    [
      'endpoint: localhost:14317',
      'endpoint: 14317',
      `'endpoint' expected type 'string', got unconvertible type 'int'; put it in quotes: "14317"`,
    ],
    ['endpoint: localhost:14317', 'endpoint: ~', 'requires a non-empty "endpoint"'],
    [
      'tls: {insecure: true}',
      'headers: {a: 1}',
      `'headers[a]' expected type 'configopaque.String', got unconvertible type 'int'; put it in quotes`,
    ],
    ['tls: {insecure: true}', 'headers: [a]', `'headers[0]' expected a map or struct, got "string"`],
    ['tls: {insecure: true}', 'headers: a', `'headers' source data must be an array or slice, got string`],
    [
      'tls: {insecure: true}',
      'compression: gzi',
      'unsupported compression type "gzi"; did you mean "gzip"? Allowed: gzip, none',
    ],
    ['tls: {insecure: true}', 'sending_queue: true', `'sending_queue' expected a map or struct, got "bool"`],
    [
      'tls: {insecure: true}',
      'sending_queue: {batch: {min_sise: 1}}',
      `'sending_queue.batch' has invalid keys: min_sise; did you mean "min_size"?`,
    ],
    [
      'tls: {insecure: true}',
      'retry_on_failure: {multiplier: -1}',
      'exporters::otlp_grpc::retry_on_failure: multiplier value must be greater than or equal to 0',
    ],
    [
      'receivers: [otlp]',
      'receivers: otlp',
      `'service.pipelines[traces].receivers' source data must be an array or slice, got string; write a list: [otlp]`,
    ],
    [
      'receivers: [otlp]',
      'receivers: [12]',
      `'service.pipelines[traces].receivers[0]' expected a map or struct, got "int"`,
    ],
    [
      'receivers: [otlp]',
      'receivers: [otlp]\n      receiver: []',
      `'service.pipelines[traces]' has invalid keys: receiver; did you mean "receivers"?`,
    ],
    ['service:\n', 'service:\n  foo: 1\n', `'service' has invalid keys: foo`],
    ['service:\n', 'service:\n  telemetry: {unknown: 1}\n', `'service.telemetry' has invalid keys: unknown`],
    ['service:\n', 'service:\n  telemetry: abc\n', `'service.telemetry' expected a map or struct, got "string"`],
    [
      'extensions: [zpages]',
      'extensions: {zpages: }',
      `'service.extensions' source data must be an array or slice, got map`,
    ],
  ])
})

test('what upstream accepts is accepted', async () => {
  await table([
    ['  batch:\n', '  batch: {send_batch_size: 010, send_batch_max_size: 0x10}\n', ''],
    ['  batch:\n', '  batch: {send_batch_size: 2.0, timeout: 10}\n', ''],
    ['  batch:\n', '  batch: {send_batch_size: ~, metadata_keys: "a,b"}\n', ''],
    ['tls: {insecure: true}', 'tls: ', ''],
    ['tls: {insecure: true}', 'sending_queue: {enabled: false, num_consumers: -1}', ''],
    ['tls: {insecure: true}', 'sending_queue:', ''],
    ['tls: {insecure: true}', 'headers: [{name: a, value: b}]', ''],
    ['exporters: [debug, otlp_grpc]', 'exporters: [debug, debug]', ''],
    ['receivers: [otlp]', 'receivers: [otlp, otlp]', ''],
    ['processors:\n  batch:\n', 'processors:\n  batch:\n  batch/unused: {timeout: 1s}\n', ''],
    ['      processors: [batch]\n', '', ''],
    ['  debug:\n', '  debug: {verbosity: 1}\n', ''],
  ])
})

test('a check of several keys points at the key that its text names', async () => {
  const [found] = await problems(base.replace('tls: {insecure: true}', 'retry_on_failure:\n      multiplier: -1'))
  assert.match(found ?? '', /^yaml:13:19 exporters::otlp_grpc::retry_on_failure: multiplier value must be greater/)
})

test('a switch, a level and a removed key have their own words', async () => {
  await table([
    [
      'tls: {insecure: true}',
      'sending_queue: {enabled: perhaps}',
      "unexpected type string for 'enabled': got 'perhaps' value expected 'true' or 'false'; write true or false",
    ],
    ['  debug:\n', '  debug: {verbosity: 7}\n', 'unknown metrics level "7"'],
    ['  batch:\n', '  batch: {timeout: 300000000000000000000}\n', 'time: invalid duration 300000000000000000000'],
    [
      '  pipelines:\n',
      '  telemetry: {metrics: {address: x}}\n  pipelines:\n',
      'invalid keys: address; no longer a key: write',
    ],
    [
      '  pipelines:\n',
      '  telemetry: {logs: {initial_fields: [a]}}\n  pipelines:\n',
      "unconvertible type '[]interface {}'",
    ],
  ])
})

test('what JSON shows has durations in nanoseconds, and headers of a map are sorted', async () => {
  const yaml = base.replace('tls: {insecure: true}', "headers: {x: '', a: b}")
  const shown = (await decode(yaml)).exporters
    .get('otlp_grpc')
    ?.printed({ isRedacted: true, areDurationsNanoseconds: true }) as Record<string, unknown>
  assert.equal(shown['timeout'], 5_000_000_000)
  assert.deepEqual(shown['headers'], [
    { name: 'a', value: '[REDACTED]' },
    { name: 'x', value: '[REDACTED]' },
  ])
})

test("references give upstream's words", async () => {
  await table([
    [
      'receivers: [otlp]',
      'receivers: [otlp, otlp/2]',
      'service::pipelines::traces: references receiver "otlp/2" which is not configured',
    ],
    ['processors: [batch]', 'processors: [batch/2]', 'references processor "batch/2" which is not configured'],
    ['processors: [batch]', 'processors: [batch, batch]', 'references processor "batch" multiple times'],
    [
      'processors: [batch]',
      'processors: [zpages]',
      'references processor "zpages" which is not configured; "zpages" is configured under extensions',
    ],
    [
      'extensions: [zpages]',
      'extensions: [pprof]',
      'service::extensions: references extension "pprof" which is not configured',
    ],
    ['receivers: [otlp]', 'receivers: []', 'service::pipelines::traces: must have at least one receiver'],
    ['      exporters: [debug, otlp_grpc]\n', '', 'must have at least one exporter'],
    ['receivers: [otlp]', 'receivers: [~]', 'references receiver "" which is not configured'],
    ['receivers: [otlp]', 'receivers: [otlp, forward]', ''],
    [
      '  forward:\n',
      '  nop:\nreceivers::nop:\n',
      'connectors::nop: ambiguous ID: Found both "nop" receiver and "nop" connector. Change one of the components\' IDs to eliminate ambiguity (e.g. rename "nop" connector to "nop/connector")',
    ],
    [
      '    traces:\n      receivers: [otlp]\n      processors: [batch]\n      exporters: [debug, otlp_grpc]\n',
      '',
      'service::pipelines: service must have at least one pipeline',
    ],
  ])
})

test('a file that is empty or half empty says so', async () => {
  const first = async (yaml: string) => (await problems(yaml)).map((line) => line.replace(/^yaml:\d+:\d+ |; .*/g, ''))
  const noPipeline = 'service::pipelines: service must have at least one pipeline'
  for (const yaml of ['', '# x', '{}', '~'])
    assert.deepEqual(new Set(await first(yaml)), new Set(['empty configuration file', noPipeline]))
  const service = 'service: {pipelines: {traces: {receivers: [nop], exporters: [nop]}}}'
  assert.ok(
    (await first(`receivers: \nexporters: {nop: }\n${service}`)).includes(
      'no receiver configuration specified in config',
    ),
  )
  assert.ok((await first(`receivers: {nop: }\n${service}`)).includes('no exporter configuration specified in config'))
  assert.ok(
    (await first(`receivers: [nop]\nexporters: {nop: }\n${service}`)).some((line) =>
      line.includes('expected a map or struct, got "slice"'),
    ),
  )
})

test('gates let profiles and configs without pipelines through', async () => {
  assert.deepEqual(await problems(base.replace('traces:', 'profiles:'), {}, ['service.profilesSupport']), [])
  const none = 'receivers: {nop: }\nservice: {}'
  assert.equal((await problems(none)).length, 2)
  assert.deepEqual(await problems(none, {}, ['service.AllowNoPipelines']), [])
})

test('a string field takes the text of a variable, other fields its YAML value', async () => {
  const yaml = base.replace('  batch:\n', '  batch: {send_batch_size: "${N}"}\n').replace('localhost:14317', '${N}')
  const config = await decode(yaml, { env: { N: '0123' } })
  assert.equal((config.processors.get('batch')?.value as { send_batch_size?: number } | undefined)?.send_batch_size, 83)
  assert.equal((config.exporters.get('otlp_grpc')?.value as { endpoint?: string } | undefined)?.endpoint, '0123')
  const [problem] = await problems(yaml, { N: 'abc' })
  assert.match(problem ?? '', /^yaml:7:28 processors::batch::send_batch_size: .*got unconvertible type 'string'/)
})

test('null is zero for a value and the defaults for a section', async () => {
  const config = await decode(
    base
      .replace('  batch:\n', '  batch: {send_batch_size: ~, timeout: ~, metadata_keys: ~}\n')
      .replace('tls: {insecure: true}', 'retry_on_failure:\n    compression: ~'),
  )
  assert.deepEqual(config.processors.get('batch')?.value, {
    timeout: 0,
    send_batch_size: 0,
    send_batch_max_size: 0,
    metadata_keys: [],
  })
  const { sending, value } = config.exporters.get('otlp_grpc') ?? {}
  assert.equal((sending as { retry_on_failure: { enabled: boolean } }).retry_on_failure.enabled, true)
  assert.equal((value as { compression: string }).compression, '')
})

test("an exporter's own keys and the engine's are told apart", async () => {
  const config = await decode(base.replace('tls: {insecure: true}', 'timeout: 9s\n    sending_queue: {enabled: false}'))
  const { value, sending } = config.exporters.get('otlp_grpc') ?? {}
  assert.deepEqual(Object.keys(value as object).sort(), [
    'compression',
    'endpoint',
    'headers',
    'max_message_size',
    'ratio',
  ])
  const settings = sending as { timeout: number; sending_queue?: unknown }
  assert.equal(settings.timeout, 9_000)
  assert.equal(settings.sending_queue, undefined)
})

test('an alias and a cut number are warnings', async () => {
  const config = await decode(
    base.replaceAll('otlp_grpc', 'otlp').replace('  batch:\n', '  batch: {send_batch_size: 1.5}\n'),
  )
  assert.deepEqual(
    config.warnings.map(({ path, message }) => `${path}: ${message}`),
    [
      'processors::batch::send_batch_size: 1.5 is cut to the whole number 1',
      'exporters::otlp: "otlp" alias is deprecated; use "otlp_grpc" instead',
    ],
  )
  assert.equal(config.exporters.get('otlp')?.factory.type, 'otlp_grpc')
})

test('what is shown has durations as Go prints them, defaults, and no secret', async () => {
  const yaml = base.replace(
    'tls: {insecure: true}',
    'tls: {key_pem: hush}\n    headers: {authorization: hush, x: hush}\n    retry_on_failure: {max_interval: 90s}',
  )
  const one = (await decode(yaml)).exporters.get('otlp_grpc')
  assert.doesNotMatch(JSON.stringify(one?.redacted), /hush/)
  assert.equal(JSON.stringify(one?.printed({ isRedacted: false })).split('hush').length, 4)
  const shown = one?.redacted as Record<string, unknown>
  assert.equal(shown['timeout'], '5s')
  assert.deepEqual(shown['headers'], [
    { name: 'authorization', value: '[REDACTED]' },
    { name: 'x', value: '[REDACTED]' },
  ])
  assert.deepEqual(shown['retry_on_failure'], {
    enabled: true,
    initial_interval: '5s',
    randomization_factor: 0.5,
    multiplier: 1.5,
    max_interval: '1m30s',
    max_elapsed_time: '5m0s',
  })
  assert.equal((shown['sending_queue'] as { queue_size: number }).queue_size, 1_000)
})

test('equal configs have equal fingerprints, others do not, and secrets count', async () => {
  const fingerprint = async (text: string) =>
    (await decode(base.replace('  batch:\n', text))).processors.get('batch')?.fingerprint
  assert.equal(await fingerprint('  batch:\n'), await fingerprint('  batch: {timeout: 0.2s}\n'))
  assert.notEqual(await fingerprint('  batch:\n'), await fingerprint('  batch: {timeout: 201ms}\n'))
  const secret = async (text: string) =>
    (await decode(base.replace('insecure: true', `key_pem: ${text}`))).exporters.get('otlp_grpc')?.fingerprint
  assert.notEqual(await secret('a'), await secret('b'))
})

test('unions are read by their tag and by their shape', async () => {
  const action = z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('add'), n: z.int() }),
    z.strictObject({ type: z.literal('drop') }),
  ])
  const receiver = defineReceiver({
    type: 'u',
    config: z.strictObject({ actions: z.array(action), either: z.union([z.string(), z.int()]).default(1) }),
    signals: { logs: 'alpha' },
    create: () => ({}),
  })
  const service = 'exporters: {nop: }\nservice: {pipelines: {logs: {receivers: [u], exporters: [nop]}}}'
  const types = [receiver, ...(await Promise.all(catalog.entries('exporter').map((entry) => entry.load())))]
  const read = async (body: string) => {
    const tree = await loadConfig({ uris: [`yaml:receivers: {u: ${body}}\n${service}`], env: {} })
    return decodeConfig(tree, catalogOf(types)).then(
      (config) => config.receivers.get('u')?.value,
      (error: Error) => error.message,
    )
  }
  assert.deepEqual(await read('{actions: [{type: add, n: 1}, {type: drop}], either: x}'), {
    actions: [{ type: 'add', n: 1 }, { type: 'drop' }],
    either: 'x',
  })
  assert.match(
    String(await read('{actions: [{type: add, m: 1, n: 2}]}')),
    /^yaml:1:39 receivers::u::actions::0: 'actions\[0\]' has invalid keys: m/,
  )
  assert.match(
    String(await read('{actions: [{type: ad}]}')),
    /^yaml:1:34 receivers::u::actions::0::type: .*did you mean "add"\? Allowed: add, drop/,
  )
  assert.match(String(await read('{actions: [{type: add}]}')), /^yaml:1:27 receivers::u::actions::0::n: is required/)
  assert.match(
    String(await read('{actions: [], either: []}')),
    /^yaml:1:30 receivers::u::either: a list is none of the forms/,
  )
})

test('a component that does not load is a problem of its own', async () => {
  const broken = {
    ...catalogOf([]),
    find: (kind: string, type: string) => ({
      kind: kind as 'receiver',
      type,
      aliases: [],
      module: 'broken.ts',
      load: () => Promise.reject(new Error('no such file')),
    }),
  }
  const tree = await loadConfig({ uris: ['yaml:receivers: {x: }'] })
  await assert.rejects(decodeConfig(tree, broken), /yaml:1:13 receivers::x: cannot load broken\.ts: no such file/)
})

for (const [file, expected] of [
  ['otelcol-nop.yaml', undefined],
  ['otelcol-valid-connector-use.yaml', undefined],
  ['otelcol-invalid.yaml', 'service::pipelines::traces: references processor "invalid" which is not configured'],
  ['otelcol-invalid-components.yaml', 'unknown type: "nosuchprocessor" for id: "nosuchprocessor" (valid values: ['],
  ['otelcol-invalid-receiver-type.yaml', 'unknown type: "nop_logs"'],
  ['otelcol-invalid-telemetry.yaml', "'service.telemetry' has invalid keys: unknown"],
] as const) {
  const full = sharedPath('corpus/golden/core_otelcol/testdata', file)
  test(`upstream's ${file}`, { skip: skipWithout(full) }, async () => {
    const found = await problems(readFileSync(full, 'utf8'))
    if (expected === undefined) assert.deepEqual(found, [])
    else assert.ok(found.join('\n').includes(expected), found.join('\n'))
  })
}
