import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newMetrics } from './builders.ts'
import { rewriteMetrics } from './metric-rewrite.ts'
import type { Value } from './telemetry.ts'
import { double } from './value.ts'

/** Of one point of each set of attributes. */
function identities(...sets: readonly { readonly [key: string]: Value }[]): string[] {
  const to = newMetrics().gauge(
    'g',
    sets.map((attributes) => ({ value: 1, timeUnixNano: 5n, attributes, flags: 1 })),
  )
  const found: string[] = []
  rewriteMetrics(to.build(), ({ metrics }) => {
    for (const { points } of metrics) for (const point of points) found.push(point.wireIdentity)
  })
  return found
}

test('the order of attributes means nothing, nor does that of the entries of a map', () => {
  const [a, b, c] = identities({ a: 'x', bb: 2, c: true }, { c: true, a: 'x', bb: 2 }, { bb: 2, c: true, a: 'x' })
  assert.equal(a, b)
  assert.equal(a, c)
  const [d, e] = identities({ k: '1', m: { x: 1, y: [1, 2] } }, { m: { y: [1, 2], x: 1 }, k: '1' })
  assert.equal(d, e)
})

test('keys, values and types tell apart', () => {
  const sets = identities(
    {},
    { a: '1' },
    { a: 1 },
    { a: double(1) },
    { a: true },
    { a: null },
    { b: '1' },
    { a: '1', b: '' },
    { a: [1, 2] },
    { a: [2, 1] },
    { a: { x: 1 } },
    { a: '1b' },
    { a: 'é' },
    { a: new Uint8Array([0xc3, 0xa9]) },
  )
  assert.equal(new Set(sets).size, sets.length)
})

test('an edited point has the identity of what it says now', () => {
  const batch = newMetrics()
    .gauge('g', [{ value: 1, attributes: { a: '1' } }])
    .build()
  rewriteMetrics(batch, ({ metrics }) => {
    const point = metrics[0]!.points[0]!
    const before = point.wireIdentity
    point.attributes.set('a', '2')
    assert.notEqual(point.wireIdentity, before)
  })
})
