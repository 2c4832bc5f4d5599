import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttributeEdits } from './attribute-edits.ts'
import { noOrigin } from './batch.ts'
import { readOtlp } from './read-otlp.ts'
import type { Traces } from './telemetry.ts'

/** `a` and `d` stand there twice, as some writers send them. */
function repeated(): Traces {
  const pairs = [
    ['a', 'long text'],
    ['b', 'b'],
    ['c', 'short'],
    ['a', 'second long text'],
    ['d', 'd1'],
    ['e', 'long as well'],
    ['d', 'd2'],
  ]
  const attributes = pairs.map(([key, stringValue]) => ({ key, value: { stringValue } }))
  const request = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 's', attributes }] }] }] }
  return readOtlp('traces', Buffer.from(JSON.stringify(request)), 'json', noOrigin)
}

function edited(change: (attributes: AttributeEdits) => void): readonly string[] {
  const [span] = repeated().edit(({ attributes }) => change(attributes as AttributeEdits))
  return [...span!.attributes.entries()].map(([key, value]) => `${key}=${value as string}`)
}

test('deleteWhere takes all of a name away, those set before included, and asks what was set', () => {
  assert.deepEqual(
    edited((attributes) => {
      attributes.set('b', 'B')
      attributes.set('new', 'x')
      attributes.delete('c')
      attributes.deleteWhere((name) => name === 'a' || name === 'new' || name === 'c')
    }),
    ['b=B', 'd=d1', 'e=long as well', 'd=d2'],
  )
})

test('after deleteWhere an attribute may be set again, and stands there once', () => {
  assert.deepEqual(
    edited((attributes) => {
      attributes.deleteWhere((name) => name === 'a')
      assert.equal(attributes.get('a'), undefined)
      assert.equal(attributes.size, 5)
      attributes.set('a', 'again')
    }),
    ['a=again', 'b=b', 'c=short', 'd=d1', 'e=long as well', 'd=d2'],
  )
})

test('mapTexts changes texts above a length, on the wire and set before; of repeated ones the first stays', () => {
  const short = (attributes: AttributeEdits) => attributes.mapTexts(5, (text) => text.slice(0, 5))
  assert.deepEqual(
    edited((attributes) => {
      attributes.set('c', 'no longer short')
      attributes.set('new', 'long and new')
      attributes.delete('b')
      short(attributes)
      assert.equal(attributes.get('a'), 'long ')
    }),
    ['a=long ', 'c=no lo', 'd=d1', 'e=long ', 'd=d2', 'new=long '],
  )
})

test('an attribute that mapTexts changed can be deleted, all of it', () => {
  assert.deepEqual(
    edited((attributes) => {
      attributes.mapTexts(0, (text) => text.toUpperCase())
      attributes.delete('d')
      attributes.delete('a')
    }),
    ['b=B', 'c=SHORT', 'e=LONG AS WELL'],
  )
})

// Quadratic work would take minutes.
test('a span with very many attributes is no trap', { timeout: 30_000 }, () => {
  const attributes = Array.from({ length: 50_000 }, (_, i) => ({ key: `k${i}`, value: { stringValue: `value ${i}` } }))
  const request = { resourceSpans: [{ scopeSpans: [{ spans: [{ attributes }] }] }] }
  const batch = readOtlp('traces', Buffer.from(JSON.stringify(request)), 'json', noOrigin)
  const output = batch.edit((span) => {
    const edits = span.attributes as AttributeEdits
    edits.mapTexts(0, (text) => text.slice(0, 3))
  })
  const fewer = output.edit((span) => (span.attributes as AttributeEdits).deleteWhere((name) => name !== 'k7'))
  assert.deepEqual([...[...fewer][0]!.attributes.entries()], [['k7', 'val']])
})
