import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commonOrigin, joinReads, originKey, readsAll, readsNothing } from './origin.ts'
import type { Origin } from './telemetry.ts'

const origin = (metadata: Record<string, readonly string[]>, rest: Omit<Origin, 'metadata'> = {}): Origin => ({
  ...rest,
  metadata: new Map(Object.entries(metadata)),
})

test('reads are joined, names of metadata in any case', () => {
  assert.deepEqual(joinReads([]), readsNothing)
  assert.deepEqual(joinReads([{ metadata: ['B', 'a'] }, { metadata: ['b'], auth: ['User'] }, {}]), {
    metadata: ['a', 'b'],
    auth: ['User'],
  })
  assert.deepEqual(joinReads([{ metadata: 'all' }, { metadata: ['a'], auth: ['x'] }, { auth: 'all' }]), readsAll)
})

test('keys are equal where everything that is read is, and only there', () => {
  const reads = joinReads([{ metadata: ['tenant'], auth: ['user'] }])
  const key = (one: Origin) => originKey(one, reads)
  const red = origin({ tenant: ['red'], id: ['1'] }, { auth: { user: 'a', ticket: 1 } })
  assert.equal(
    key(red),
    key(origin({ tenant: ['red'], id: ['2'] }, { auth: { ticket: 2, user: 'a' }, address: 'x:1' })),
  )
  const different = [
    red,
    origin({ tenant: ['blue'] }, { auth: { user: 'a' } }),
    origin({ tenant: ['red'] }, { auth: { user: 'b' } }),
    origin({ tenant: ['red'] }),
    origin({ tenant: [] }),
    origin({ tenant: [''] }),
    origin({ tenant: ['red', 'red'] }),
    origin({ tenant: ['red,red'] }),
    origin({}),
  ]
  assert.equal(new Set(different.map(key)).size, different.length)
  assert.equal(originKey(red, readsNothing), '')
  assert.notEqual(originKey(red, readsAll), originKey(origin({ tenant: ['red'] }), readsAll))
  assert.equal(
    originKey(origin({ a: ['1'], b: ['2'] }), readsAll),
    originKey(origin({ b: ['2'], a: ['1'] }), readsAll),
    'order means nothing',
  )
})

test('a merged origin has what all have in common, and says of nobody what another told', () => {
  const a = origin(
    { tenant: ['red'], id: ['1'] },
    { address: 'x:1', transport: 'grpc', auth: { user: 'a', ticket: 1 } },
  )
  const b = origin(
    { tenant: ['red'], id: ['2'] },
    { address: 'y:1', transport: 'grpc', auth: { user: 'a', ticket: 2 } },
  )
  assert.deepEqual(commonOrigin([a, b]), origin({ tenant: ['red'] }, { transport: 'grpc', auth: { user: 'a' } }))
  assert.deepEqual(commonOrigin([a, b, origin({})]), origin({}))
  assert.deepEqual(commonOrigin([origin({}), a]), origin({}))
  assert.equal(commonOrigin([a, a, a]), a)
  assert.deepEqual(commonOrigin([]), origin({}))
})
