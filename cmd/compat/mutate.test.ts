import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MutationKind, mutate } from './mutate.ts'

const yaml = `receivers:
  otlp/in:
    protocols: {grpc: {endpoint: "localhost:4317"}}
processors:
  batch:
    timeout: 5s
    send_batch_size: 100
service:
  extensions: [zpages]
  pipelines:
    traces:
      receivers: [otlp/in]
`

function only(kind: MutationKind, path: string) {
  return mutate(yaml)
    .filter((mutation) => mutation.kind === kind && mutation.path === path)
    .map(({ text, places }) => {
      const changed = text.split('\n').filter((line, index) => line !== yaml.split('\n')[index])
      return { line: changed[0], at: places.map(({ line, column }) => `${line}:${column}`) }
    })
}

test('a typo stands at its key', () => {
  assert.deepEqual(only('typo', 'processors.batch.timeout'), [{ line: '    tieout: 5s', at: ['6:5'] }])
})

test('a wrong value stands at the value or its key', () => {
  assert.deepEqual(only('bad duration', 'processors.batch.timeout'), [
    { line: '    timeout: 5 parsecs', at: ['6:14', '6:5'] },
    { line: '    timeout: 10d', at: ['6:14', '6:5'] },
  ])
  assert.deepEqual(only('negative number', 'processors.batch.send_batch_size'), [
    { line: '    send_batch_size: -1', at: ['7:22', '7:5'] },
  ])
})

test('a dangling reference stands at the item of the list', () => {
  assert.deepEqual(only('dangling reference', 'service.pipelines.traces.receivers.[]'), [
    { line: '      receivers: [otlp/in/nowhere]', at: ['12:19'] },
  ])
  assert.deepEqual(only('dangling reference', 'service.extensions.[]'), [
    { line: '  extensions: [zpages/nowhere]', at: ['9:16'] },
  ])
})

test('an unknown type keeps the name of the component', () => {
  assert.deepEqual(only('unknown type', 'receivers.otlp'), [{ line: '  nosuch/in:', at: ['2:3'] }])
})

test('a duplicate key stands at the second of the two, or at the first', () => {
  assert.deepEqual(only('duplicate key', 'processors.batch'), [{ line: '  batch: ~', at: ['6:3', '5:3'] }])
  assert.deepEqual(only('duplicate key', 'receivers.otlp.protocols.grpc.endpoint'), [
    { line: '    protocols: {grpc: {endpoint: ~, endpoint: "localhost:4317"}}', at: ['3:37', '3:24'] },
  ])
})

test('a body becomes null without moving what follows', () => {
  const [mutation] = mutate(yaml).filter(({ kind, path }) => kind === 'null body' && path === 'processors.batch')
  assert.match(mutation?.text ?? '', /batch:\n {4}~\nservice:/)
})

test('a removed section leaves the others', () => {
  const [mutation] = mutate(yaml).filter(({ kind, path }) => kind === 'removed section' && path === 'processors')
  assert.equal(mutation?.text, yaml.replace(/processors:[\s\S]*(?=service:)/, ''))
  assert.deepEqual(mutation?.places, [])
})
