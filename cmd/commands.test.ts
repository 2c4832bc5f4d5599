import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Factory, Kind, Stability } from '../pipeline/component.ts'
import { catalog } from '../pipeline/config/catalog.fixture.ts'
import { type CatalogEntry, ConfigError } from '../pipeline/config/config.ts'
import { sharedPath, skipWithout } from '../pipeline/testing/shared-files.ts'
import { testFolder } from '../pipeline/testing/test-folder.ts'
import type { CommandContext } from './command.ts'
import * as components from './components.ts'
import * as featuregate from './featuregate.ts'
import { runCommands } from './in-process.fixture.ts'
import * as printConfig from './print-config.ts'
import * as schema from './schema.ts'
import * as validate from './validate.ts'

const valid = `receivers: {otlp: {protocols: {grpc: }}}
processors: {batch: {timeout: 3s}}
exporters: {otlp: {endpoint: 'a:1', headers: {authorization: hush}, sending_queue: {enabled: false}}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}}}
`
const file = path.join(testFolder('commands'), 'c.yaml')
writeFileSync(file, valid)

const registers = [validate, components, printConfig, schema, featuregate].map(({ register }) => register)
const vigil = (argv: readonly string[], changes: Partial<CommandContext> = {}) =>
  runCommands(registers, argv, { catalog: () => Promise.resolve(catalog), ...changes })

test('validate says nothing of a valid config', async () => {
  assert.deepEqual(await vigil(['validate', '--config', file]), { code: 0, stdout: '', stderr: '' })
})

test('validate tells all problems on stderr and exits 1', async () => {
  const { code, stdout, stderr } = await vigil([
    'validate',
    '--config',
    file,
    '--set',
    'processors.batch.timeout=3',
    '--set=exporters.otlp.nope=1',
    '--set=foo.bar=1',
  ])
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^Error: --set:1:1 .*\n--set:1:1 exporters::otlp: has invalid keys: nope/)
  assert.match(stderr, /--set:1:1 '' has invalid keys: foo/)
})

test('validate checks the graph', async () => {
  const problem = { path: '', message: 'failed to build pipelines: cycle detected', position: undefined }
  const ran = await vigil(['validate', '--config', file], {
    checkGraph: () => Promise.reject(new ConfigError([problem])),
  })
  assert.deepEqual(ran, { code: 1, stdout: '', stderr: 'Error: failed to build pipelines: cycle detected\n' })
})

test("wrong command lines have upstream's words", async () => {
  const cases = [
    [['validate'], 'at least one config flag must be provided'],
    [['validate', 'x'], 'accepts 0 arg(s), received 1'],
    [['validate', '--config'], 'flag needs an argument: --config'],
    [['validate', '--foo'], 'unknown flag: --foo'],
    [['validate', '-x'], "unknown shorthand flag: 'x' in -x"],
    [['foo'], 'unknown command "foo" for "vigil"\nRun \'vigil --help\' for usage.'],
    [
      ['valdate'],
      'unknown command "valdate" for "vigil"\n\nDid you mean this?\n\tvalidate\n\nRun \'vigil --help\' for usage.',
    ],
    [['validate', '--config', file, '--set', 'abc'], 'invalid argument "abc" for "--set" flag: missing equal sign'],
    [
      ['validate', '--config', file, '--feature-gates', 'x'],
      'invalid argument "x" for "--feature-gates" flag: no such feature gate "x". valid gates: [',
    ],
    [['featuregate', 'a', 'b'], 'accepts at most 1 arg(s), received 2'],
    [['featuregate', 'x'], 'feature "x" not found'],
    [['print-config', '--config', file, '--mode', 'foo'], 'invalid mode "foo": modes are: redacted, unredacted'],
    [['print-config', '--config', file, '--format', 'xml'], 'unrecognized print format: xml'],
  ] as const
  for (const [argv, message] of cases) {
    const { code, stdout, stderr } = await vigil(argv)
    assert.deepEqual([code, stdout], [1, ''], argv.join(' '))
    assert.ok(stderr.startsWith(`Error: ${message}`), `${argv.join(' ')}: ${stderr}`)
  }
})

test('components are listed as upstream lists them', async () => {
  const { code, stdout } = await vigil(['components'])
  assert.equal(code, 0)
  assert.ok(
    stdout.startsWith(`buildinfo:
    command: vigil
    description: Vigil
    version: 0.1.0
receivers:
    - name: nop
      module: receivers/nop
      stability:
        logs: Stable
        metrics: Stable
        traces: Stable
    - name: otlp
`),
    stdout,
  )
  assert.match(
    stdout,
    /\nconnectors:\n {4}- name: forward\n {6}module: connectors\/forward\n {6}stability:\n {8}logs-to-logs: Beta\n {8}logs-to-metrics: Undefined\n/,
  )
  assert.match(
    stdout,
    /\nextensions:\n {4}- name: nop\n {6}module: extensions\/nop\n {6}stability:\n {8}extension: Stable\n/,
  )
  assert.match(stdout, /\nproviders:\n {4}- scheme: env\n {6}module: /)
})

test('print-config prints the typed config without its secrets', async () => {
  const { code, stdout } = await vigil(['print-config', '--config', file])
  assert.equal(code, 0)
  assert.ok(
    stdout.startsWith(`connectors: {}
exporters:
    otlp:
        compression: gzip
        endpoint: a:1
        headers:
            - name: authorization
              value: '[REDACTED]'
        max_message_size: 4096
        ratio: 1
        retry_on_failure:
            enabled: true
            initial_interval: 5s
            max_elapsed_time: 5m0s
            max_interval: 30s
            multiplier: 1.5
            randomization_factor: 0.5
        sending_queue: null
        timeout: 5s
extensions: {}
processors:
    batch:
        metadata_keys: []
        send_batch_max_size: 0
        send_batch_size: 8192
        timeout: 3s
receivers:
    otlp:
        protocols:
            grpc:
                endpoint: localhost:4317
                max_recv_msg_size_mib: 0
service:
    pipelines:
        traces:
            exporters:
                - otlp
            processors:
                - batch
            receivers:
                - otlp
    telemetry:
`),
    stdout,
  )
  assert.ok(stdout.endsWith('\n\n'))
  assert.match((await vigil(['print-config', '--config', file, '--mode=unredacted'])).stdout, /value: hush\n/)
  const json = JSON.parse((await vigil(['print-initial-config', '--config', file, '--format', 'json'])).stdout) as {
    processors: unknown
  }
  assert.deepEqual(json.processors, {
    batch: { metadata_keys: [], send_batch_max_size: 0, send_batch_size: 8192, timeout: 3_000_000_000 },
  })
})

test('print-config without validation prints what decodes', async () => {
  const wrong = [
    'print-config',
    '--config',
    file,
    '--set',
    'processors.batch.timeout=-3s',
    '--set',
    'service.pipelines.traces.receivers=[x]',
  ]
  assert.equal((await vigil(wrong)).code, 1)
  const { code, stdout } = await vigil([...wrong, '--validate=false'])
  assert.equal(code, 0)
  assert.match(stdout, /timeout: -3s\n/)
  assert.equal((await vigil([...wrong, '--validate=false', '--set', 'processors.batch.nope=1'])).code, 1)
})

test('feature gates are listed and described', async () => {
  const { stdout } = await vigil(['featuregate'])
  const lines = stdout.split('\n')
  assert.match(lines[0] ?? '', /^ID +Enabled {2}Stage +Description$/)
  assert.match(stdout, /\nservice\.profilesSupport +false +Alpha +Controls whether profiles support can be enabled\n/)
  assert.equal(
    (await vigil(['featuregate', 'service.profilesSupport'])).stdout,
    'Feature: service.profilesSupport\nEnabled: false\nStage: Alpha\nDescription: Controls whether profiles support can be enabled\nFrom Version: v0.112.0\nTo Version: v<nil>\n',
  )
})

test('schema prints JSON Schema', async () => {
  const { stdout } = await vigil(['schema'])
  assert.equal((JSON.parse(stdout) as { title: string }).title, 'Vigil configuration')
})

test('a plugin path reaches the catalog', async () => {
  const seen: (readonly string[])[] = []
  const ran = await vigil(['validate', '--config', file, '--plugin', 'a.ts', '--plugin', 'b.ts'], {
    catalog: (paths) => {
      seen.push(paths)
      return Promise.resolve(catalog)
    },
  })
  assert.equal(ran.code, 0)
  assert.deepEqual(seen, [['a.ts', 'b.ts']])
})

for (const name of ['components-output.yaml', 'components-output-sorted.yaml']) {
  const golden = sharedPath('corpus/golden/core_otelcol/testdata', name)
  const title = `components prints upstream's ${name} byte for byte, but for the providers`
  test(title, { skip: skipWithout(golden) }, async () => {
    const text = readFileSync(golden, 'utf8')
    interface Listed {
      readonly name: string
      readonly module: string
      readonly stability: Readonly<Record<string, string>>
    }
    const listed = parse(text) as Record<string, readonly Listed[] | undefined> & { buildinfo: CommandContext['build'] }
    const entriesOf = (kind: Kind) =>
      (listed[`${kind}s`] ?? []).map((one) => listedEntry(kind, one.name, one.module, one.stability))
    const { stdout } = await vigil(['components'], {
      build: listed.buildinfo,
      catalog: () => Promise.resolve({ entries: entriesOf, find: () => undefined }),
    })
    const withoutProviders = (yaml: string) => yaml.replace(/\n(?:providers|converters):[\s\S]*$/, '')
    assert.equal(withoutProviders(stdout), withoutProviders(text).trimEnd())
  })
}

function listedEntry(kind: Kind, type: string, module: string, levels: Readonly<Record<string, string>>): CatalogEntry {
  const known = Object.entries(levels).filter(([, level]) => level !== 'Undefined')
  const stability = Object.fromEntries(
    known.map(([name, level]) => [name.replace('-to-', ' to '), level.toLowerCase() as Stability]),
  )
  const factory: Factory = {
    kind,
    type,
    aliases: [],
    config: z.strictObject({}),
    stability,
    placement: 'one',
    sending: undefined,
    create: () => ({}),
  }
  return { kind, type, aliases: [], module, load: () => Promise.resolve(factory) }
}
