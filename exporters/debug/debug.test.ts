import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fromChunks } from '../../pipeline/data/batch.ts'
import { readJson } from '../../pipeline/data/json/read-json.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import factory from './index.ts'
import { render } from './render.ts'

describeContract(factory, 'verbosity: detailed')

interface Recorded {
  readonly signal: Signal
  readonly proto: string
  readonly normal: string
  readonly detailed: string
}
/** Real outputs of the debug exporter 0.165.0, for upstream's own test data and for random messages. */
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata/upstream.json'), 'utf8'),
) as readonly Recorded[]

suite('texts as upstream writes them', () => {
  for (const [index, { signal, proto, normal, detailed }] of recorded.entries()) {
    const chunk = new Uint8Array(Buffer.from(proto, 'base64'))
    test(`normal, recorded case ${index} (${signal})`, () =>
      assert.equal(coarse(render(signal, [chunk], 'normal')), coarse(normal)))
    test(`detailed, recorded case ${index} (${signal})`, () =>
      assert.equal(render(signal, [chunk], 'detailed'), detailed))
  }

  test('the resources of several chunks are numbered through', () => {
    const chunk = readJson('logs', encode({ resourceLogs: [{}] }))
    assert.equal(render('logs', [chunk, chunk], 'normal'), 'ResourceLog #0\nResourceLog #1\n')
  })
})

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
const entityResource = {
  attributes: [text('service.name', 'my-service'), text('service.version', '1.0.0'), text('host.name', 'server-01')],
  entityRefs: [
    {
      type: 'service',
      schemaUrl: 'https://opentelemetry.io/schemas/1.21.0',
      idKeys: ['service.name'],
      descriptionKeys: ['service.version'],
    },
    { type: 'host', idKeys: ['host.name'] },
  ],
}
const at = '1581452773000000789'
const ids = { traceId: '08040201000000000000000000000000', spanId: '0102040800000000' }
const testScope = { name: 'test-scope' }
const map = (...values: readonly object[]) => ({ kvlistValue: { values } })
const generated = (signal: Signal) =>
  new Uint8Array(Buffer.from(recorded.find((each) => each.signal === signal)!.proto, 'base64'))

/** The inputs of upstream's golden tests, by golden file. */
const goldens: readonly (readonly [string, Signal, object | Uint8Array])[] = [
  ['exporter_debug/logs/empty', 'logs', {}],
  ['exporter_debug/logs/two_records', 'logs', generated('logs')],
  [
    'exporter_debug/logs/log_with_event_name',
    'logs',
    logOf({
      timeUnixNano: at,
      severityNumber: 9,
      severityText: 'Info',
      eventName: 'event_name',
      body: { stringValue: 'This is a log message' },
      attributes: [text('app', 'server'), { key: 'instance_num', value: { intValue: 1 } }],
      ...ids,
    }),
  ],
  [
    'exporter_debug/logs/embedded_maps',
    'logs',
    logOf({
      timeUnixNano: at,
      severityNumber: 9,
      severityText: 'INFO',
      body: map(text('key1', 'val1'), { key: 'key2', value: map(text('key21', 'val21'), text('key22', 'val22')) }),
      attributes: [
        {
          key: 'key1',
          value: map(text('key11', 'val11'), text('key12', 'val12'), {
            key: 'key13',
            value: map(text('key131', 'val131')),
          }),
        },
        text('key2', 'val2'),
      ],
    }),
  ],
  [
    'exporter_debug/logs/logs_with_entity_refs',
    'logs',
    {
      resourceLogs: [
        {
          resource: entityResource,
          scopeLogs: [
            {
              scope: testScope,
              logRecords: [
                {
                  timeUnixNano: at,
                  severityNumber: 9,
                  severityText: 'Info',
                  body: { stringValue: 'This is a test log message' },
                  attributes: [text('test.attribute', 'test-value')],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
  ['core_debug_textmarshaler/traces/empty', 'traces', {}],
  ['core_debug_textmarshaler/traces/two_spans', 'traces', generated('traces')],
  [
    'core_debug_textmarshaler/traces/traces_with_entity_refs',
    'traces',
    {
      resourceSpans: [
        {
          resource: entityResource,
          scopeSpans: [
            {
              scope: testScope,
              spans: [{ name: 'test-span', traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '0102030405060708' }],
            },
          ],
        },
      ],
    },
  ],
  ['core_debug_textmarshaler/profiles/empty', 'profiles', {}],
  ['core_debug_textmarshaler/profiles/two_profiles', 'profiles', extendedProfiles()],
  [
    'core_debug_textmarshaler/profiles/profiles_with_entity_refs',
    'profiles',
    {
      resourceProfiles: [
        {
          resource: entityResource,
          scopeProfiles: [{ scope: testScope, profiles: [{ samples: [{ values: ['100'] }] }] }],
        },
      ],
      dictionary: { stringTable: ['', 'cpu', 'nanoseconds'] },
    },
  ],
]

suite('golden files', () => {
  for (const [name, signal, input] of goldens) {
    const [folder, of, file] = name.split('/')
    const path = sharedPath(`corpus/golden/${folder}/internal/otlptext/testdata/${of}/${file}.out`)
    test(name, { skip: skipWithout(path) }, () => {
      const chunk = input instanceof Uint8Array ? input : readJson(signal, encode(input))
      assert.equal(render(signal, [chunk], 'detailed'), readFileSync(path, 'utf8').replaceAll('\r', ''))
    })
  }
})

suite('through the internal logger', () => {
  const summaries: readonly (readonly [Batch, string, object])[] = [
    [batchOf('traces', 2), 'Traces', { 'resource spans': 1, spans: 2 }],
    [batchOf('logs', 2), 'Logs', { 'resource logs': 1, 'log records': 2 }],
    [batchOf('metrics', 14), 'Metrics', { 'resource metrics': 1, metrics: 7, 'data points': 14 }],
    [batchOf('profiles', 2), 'Profiles', { 'resource profiles': 1, 'sample records': 2 }],
  ]
  for (const [batch, message, fields] of summaries) {
    test(`basic is one line of counts for a batch of ${batch.signal}`, async () => {
      const { context, handle } = made('{}')
      await handle(batch)
      const wanted = { level: 'info', message, fields: { 'otelcol.signal': batch.signal, ...fields } }
      assert.deepEqual(context.recorded.lines, [wanted])
    })
  }

  test('normal and detailed add the text, and verbosity ignores case', async () => {
    for (const verbosity of ['Normal', 'DETAILED']) {
      const { context, handle } = made(`verbosity: ${verbosity}`)
      await handle(batchOf('traces', 2))
      const [, line] = context.recorded.lines
      assert.match(line!.message, /^Resource(Traces|Spans) #0/)
    }
  })

  test('after the first few messages of a second every n-th is printed', async () => {
    const { context, handle } = made('sampling_initial: 3\nsampling_thereafter: 4')
    for (let i = 0; i < 15; i++) await handle(batchOf('logs', 2))
    assert.equal(context.recorded.lines.length, 3 + 3)
    await context.clock.advance(1_000)
    for (let i = 0; i < 3; i++) await handle(batchOf('logs', 2))
    assert.equal(context.recorded.lines.length, 3 + 3 + 3)
  })

  test('sampling counts each message on its own', async () => {
    const { context, handle } = made('sampling_initial: 1\nsampling_thereafter: 0')
    for (const signal of ['logs', 'traces', 'logs', 'traces'] as const) await handle(batchOf(signal, 2))
    assert.deepEqual(
      context.recorded.lines.map(({ message }) => message),
      ['Logs', 'Traces'],
    )
  })
})

suite('to paths of its own', () => {
  test('a file gets what zap would print, appended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vigil-debug-'))
    try {
      const path = join(folder, 'out.txt')
      for (let run = 0; run < 2; run++) {
        const yaml = `use_internal_logger: false\nverbosity: normal\noutput_paths: [${path}]`
        const { instance, context, handle } = made(yaml)
        await instance.start?.()
        await handle(fromChunks('logs', [readJson('logs', encode({ resourceLogs: [{}] }))], [0]))
        await instance.shutdown?.(AbortSignal.timeout(1_000))
        assert.deepEqual(context.recorded.lines, [])
      }
      const once = 'Logs\t{"resource logs": 1, "log records": 0}\nResourceLog #0\n\n'
      assert.equal(await readFile(path, 'utf8'), once + once)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a path that cannot be opened fails the start', async () => {
    const { instance } = made('use_internal_logger: false\noutput_paths: [/nonexistent/dir/out.txt]')
    await assert.rejects(async () => instance.start?.(), /ENOENT/)
  })
})

suite('config', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['verbosity: loud', /unknown metrics level "loud"/],
    ['verbosity: none', /verbosity level "None" is not supported/],
    ['output_paths: [stderr]', /output_paths is not supported when use_internal_logger is true/],
    [
      'use_internal_logger: false\noutput_paths: []',
      /output_paths must not be empty when use_internal_logger is false/,
    ],
    ['verBosity: detailed', /verBosity/],
  ]
  for (const [yaml, error] of refused) {
    test(`${yaml.replaceAll('\n', ', ')} is refused in upstream's words`, () => {
      assert.throws(() => made(yaml), error)
    })
  }
})

/** The bounds of exponential buckets come from exp(), whose last digit Go and V8 round differently. */
function coarse(of: string): string {
  return of.replace(/ le(-?[\d.e+-]+)=/g, (_, bound) => ` le${Number(bound).toPrecision(14)}=`)
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function made(yaml: string) {
  const built = build(factory, yaml)
  return { instance: built.instance, context: built.context, handle: (batch: Batch) => built.handle(batch) }
}

function logOf(record: object): object {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }
}

function batchOf(signal: Signal, count: number): Batch {
  return fromChunks(signal, [generated(signal)], [count])
}

/** Upstream's GenerateProfiles(2), extended as its golden test does. */
function extendedProfiles(): object {
  const profile = { timeUnixNano: '1581452772000000321', durationNano: '1000000000' }
  return {
    resourceProfiles: [
      {
        resource: { attributes: [text('resource-attr', 'resource-attr-val-1')] },
        scopeProfiles: [
          {
            profiles: [
              {
                ...profile,
                profileId: '0102030405060708090a0b0c0d0e0f10',
                droppedAttributesCount: 1,
                attributeIndices: [1],
                samples: [{ stackIndex: 1, attributeIndices: [1], values: ['4'] }],
              },
              {
                ...profile,
                profileId: '0202030405060708090a0b0c0d0e0f10',
                samples: [{ stackIndex: 2, attributeIndices: [2], values: ['9'] }],
              },
            ],
          },
        ],
      },
    ],
    dictionary: {
      mappingTable: [
        {},
        { memoryStart: '2', memoryLimit: '3', fileOffset: '4', filenameStrindex: 5, attributeIndices: [7, 8] },
      ],
      locationTable: [
        {},
        { address: '1' },
        { address: '2' },
        {
          mappingIndex: 3,
          address: '4',
          lines: [{ functionIndex: 1, line: '2', column: '3' }],
          attributeIndices: [6, 7],
        },
      ],
      functionTable: [{}, { nameStrindex: 2, systemNameStrindex: 3, filenameStrindex: 4, startLine: '5' }],
      linkTable: [{}, { traceId: '0302030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }],
      stringTable: ['', 'key', 'intValue', 'foobar'],
      attributeTable: [
        { value: {} },
        { keyStrindex: 1, value: { stringValue: 'value-1' } },
        { keyStrindex: 1, value: { stringValue: 'value-2' } },
        { keyStrindex: 1, value: { intValue: '42' } },
        { keyStrindex: 2, value: {}, unitStrindex: 5 },
      ],
      stackTable: [{}, { locationIndices: [1] }, { locationIndices: [2] }],
    },
  }
}
