import assert from 'node:assert/strict'
import { test } from 'node:test'
import { difference, recordsOf } from './records.ts'

const spans = (...names: string[]) =>
  JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ spans: names.map((name) => ({ name })) }] }] })

test('how spans were batched, and the order of lines and keys, makes no difference', () => {
  assert.deepEqual(recordsOf(`${spans('a', 'b')}\n`), recordsOf(`${spans('b')}\n${spans('a')}\n`))
  const swapped = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}],"resource":{}}]}'
  assert.deepEqual(recordsOf(swapped), recordsOf(spans('a')))
})

test('a record that came twice is not one that came once', () => {
  assert.deepEqual(difference(['a', 'a', 'b'], ['a', 'b', 'c']), { missing: ['a'], extra: ['c'] })
})
