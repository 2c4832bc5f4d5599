import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome, Program } from './program.ts'
import { compareVerdicts, keyTexts } from './verdict.ts'

const withPositions = { name: 'vigil', namesPositions: true } as Program
const valid: Outcome = { exitCode: 0, stdout: '', stderr: '' }
const refused = (stderr: string): Outcome => ({ exitCode: 1, stdout: '', stderr })
const checks = (oracle: Outcome, vigil: Outcome, places = [] as { line: number; column: number }[]) =>
  compareVerdicts(oracle, vigil, withPositions, places).map(({ check }) => check)

const upstream = `Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):

'processors' error reading configuration for "batch": decoding failed due to the following error(s):

'batchprocessor.Config' has invalid keys: timeot, zzz
'exporters' unknown type: "nosuch" for id: "nosuch/x" (valid values: [debug nop])
`

test('the key texts are what is left without wrappers, Go names and paths', () => {
  assert.deepEqual(keyTexts(upstream), ['has invalid keys: timeot, zzz', 'unknown type: "nosuch" for id: "nosuch/x"'])
  assert.deepEqual(
    keyTexts(`Error: service::pipelines::traces: references receiver "otlp/9" which is not configured\n`),
    ['references receiver "otlp/9" which is not configured'],
  )
  const built =
    'Error: failed to build pipelines: failed to create "otlp_http" exporter for data type "traces": no URL\n'
  assert.deepEqual(keyTexts(built), ['no URL'])
  assert.deepEqual(keyTexts('Error: exporters::otlp_grpc::clientconfig: invalid port "abc"\n'), ['invalid port "abc"'])
})

test('two silent successes agree', () => {
  assert.deepEqual(checks(valid, valid), [])
  assert.deepEqual(checks(valid, { ...valid, stdout: 'fine\n' }), ['output'])
})

test('valid against invalid is a disagreement about the verdict', () => {
  assert.deepEqual(checks(valid, refused('Error: no\n')), ['verdict'])
  assert.deepEqual(checks(refused('Error: no\n'), valid), ['verdict'])
})

test('the key text must be there, the place too, and no known value may be missing', () => {
  const invalid = refused('Error: a::b: no good\n')
  assert.deepEqual(checks(invalid, refused('Error: something else\n')), ['message'])
  const place = [{ line: 3, column: 5 }]
  assert.deepEqual(checks(invalid, refused('Error: a::b: no good\nc.yaml:3:5 a::b: no good\n'), place), [])
  assert.deepEqual(checks(invalid, refused('Error: a::b: no good\nc.yaml:3:55 a::b: no good\n'), place), ['position'])
  const values = (list: string) => refused(`Error: unknown type: "x" for id: "x" (valid values: [${list}])\n`)
  assert.deepEqual(checks(values('a b'), values('b c a')), [])
  assert.deepEqual(checks(values('a b'), values('b')), ['valid values'])
})

test('a stack trace is a crash, whatever the verdict', () => {
  const crash = 'TypeError: x\n    at main (file:///work/cmd/main.ts:3:5)\n\nNode.js v24.21.0\n'
  assert.deepEqual(checks(refused('Error: no\n'), refused(crash)), ['crash'])
})

test('where upstream itself dies there is nothing to agree with', () => {
  assert.deepEqual(checks({ exitCode: 2, stdout: '', stderr: 'panic: reflect\n' }, refused('Error: no\n')), [])
})
