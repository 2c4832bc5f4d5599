import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode } from './catalog.fixture.ts'
import { ConfigError } from './config.ts'

const base = `receivers: &r
  otlp:
    protocols: {grpc: {endpoint: '\${env:A:-x}'}, http: }
processors:
  batch: {timeout: 5s, send_batch_size: 0x10, metadata_keys: [a, b]}
exporters:
  debug: {verbosity: detailed}
  otlp: {endpoint: 'a:1', headers: {a: b}, tls: {insecure: true}, sending_queue: {batch: {min_size: 1}}, ratio: .5}
connectors: {forward: }
service:
  telemetry: {logs: {level: info}, metrics: {level: none}, resource: {a: b}}
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [debug, otlp]}
`
/** Whatever is written, a user gets a config or a list of problems, each in words. */
async function isAnswered(yaml: string): Promise<void> {
  try {
    await decode(yaml, { env: { A: '${B}', B: '[1, {a: b}]' } })
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${yaml}\n${error instanceof Error ? error.stack : 'not an error'}`)
    assert.ok(error.problems.length > 0)
    for (const { message } of error.problems) assert.ok(message.length > 5 && !message.includes('[object'), message)
  }
}

test('a config with a slip anywhere is answered', async () => {
  const slip = fc.constantFrom(
    '',
    ' ',
    '\n',
    '\t',
    ':',
    '::',
    '{',
    '}',
    '[',
    ']',
    '-',
    '&r ',
    '*r',
    '<<: *r',
    '$',
    '${',
    '}',
    "'",
    '"',
    '#',
    '~',
    '1',
    'é',
    '\0',
    '__proto__: 1',
    '${env:A}',
    '!!int ',
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(base.length), fc.nat(6), slip, async (at, length, text) => {
      await isAnswered(base.slice(0, at) + text + base.slice(at + length))
    }),
    { numRuns: 300, seed: 20_261_123 },
  )
})

test('a config with any value in any place is answered', async () => {
  const words = [...base.matchAll(/[\w.]+/g)].map((match) => ({ at: match.index, length: match[0].length }))
  const value = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom(
      '~',
      '.inf',
      '.nan',
      '-1',
      '1e400',
      '99999999999999999999',
      '2020-01-01',
      '!!binary aGk=',
      '${env:A}',
      '{enabled: false}',
      '{toString: 1}',
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...words), value, async ({ at, length }, text) => {
      await isAnswered(base.slice(0, at) + text + base.slice(at + length))
    }),
    { numRuns: 300, seed: 20_261_123 },
  )
})
