import assert from 'node:assert/strict'
import { test } from 'node:test'
import { difference, leavesOf, recordsOf } from './records.ts'

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

test('data points are compared one by one, without the order of attributes and what is volatile', () => {
  const metrics = (...dataPoints: object[]) =>
    JSON.stringify({
      resourceMetrics: [{ resource: {}, scopeMetrics: [{ metrics: [{ name: 'm', sum: { dataPoints } }] }] }],
    })
  const point = (timeUnixNano: string, ...keys: string[]) => ({
    timeUnixNano,
    attributes: keys.map((key) => ({ key, value: { stringValue: key } })),
  })
  const blank = new Set(['timeUnixNano'])
  const together = leavesOf(metrics(point('1', 'a', 'b'), point('2', 'c')), blank)
  assert.equal(together.length, 2)
  assert.deepEqual(together, leavesOf(`${metrics(point('3', 'c'))}\n${metrics(point('4', 'b', 'a'))}`, blank))
  assert.deepEqual(difference(together, leavesOf(metrics(point('1', 'a', 'b')), blank)).missing.length, 1)
})

test('a volatile attribute is blank', () => {
  const span = (id: string) =>
    JSON.stringify({
      resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: [{ key: 'id', value: { stringValue: id } }] }] }] }],
    })
  assert.deepEqual(leavesOf(span('1'), new Set(['id'])), leavesOf(span('2'), new Set(['id'])))
})
