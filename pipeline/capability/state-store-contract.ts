/** What every implementation of `StateStore` must keep. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { StateQuery, StateRow, StateStore, StateTables } from './state-store.ts'
import { StateStoreError } from './state-store.ts'
import type { StorageOwner } from './storage.ts'

const owner: StorageOwner = { kind: 'extension', id: 'feature_store/a', name: 'history' }
const row = (key: string, at: number, text: string, revision = 1): StateRow => ({
  key,
  at,
  revision,
  value: new Uint8Array(Buffer.from(text)),
})
const put = (key: string, at: number, text: string, revision = 1, table = 't') =>
  ({ kind: 'put', table, row: row(key, at, text, revision) }) as const

async function texts(tables: StateTables, query: Omit<StateQuery, 'table'> = {}, table = 't'): Promise<string[]> {
  const found: string[] = []
  for await (const rows of tables.read({ table, ...query }))
    for (const { key, at, value } of rows) found.push(`${key} ${at} ${Buffer.from(value).toString()}`)
  return found
}

/** `open` gives a new store over a new empty place, and `reopen` one over the same place, as after a restart. */
export function describeStateStore(
  open: () => Promise<{ store: StateStore; reopen: () => Promise<StateStore> }>,
): void {
  suite('contract of a state store', () => {
    test('rows are read by key and time, in order, and only from the table that is asked', async () => {
      const tables = await (await open()).store.open(owner, 1)
      await tables.commit([put('b', 2, 'b2'), put('a', 3, 'a3'), put('a', 1, 'a1'), put('a', 1, 'other', 1, 'u')])
      assert.deepEqual(await texts(tables), ['a 1 a1', 'b 2 b2', 'a 3 a3'])
      assert.deepEqual(await texts(tables, { key: 'a' }), ['a 1 a1', 'a 3 a3'])
      assert.deepEqual(await texts(tables, { from: 2, until: 3 }), ['b 2 b2'])
      assert.deepEqual(await texts(tables, { newestFirst: true }), ['a 3 a3', 'b 2 b2', 'a 1 a1'])
      assert.deepEqual(await texts(tables, {}, 'none'), [])
      assert.deepEqual(await texts(tables, {}, 'u'), ['a 1 other'])
      await tables.close()
    })

    test('a row is replaced only by a greater revision', async () => {
      const tables = await (await open()).store.open(owner, 1)
      await tables.commit([put('a', 1, 'second', 2)])
      await tables.commit([put('a', 1, 'first', 1), put('a', 1, 'second again', 2)])
      assert.deepEqual(await texts(tables), ['a 1 second'])
      await tables.commit([put('a', 1, 'third', 3)])
      assert.deepEqual(await texts(tables), ['a 1 third'])
      await tables.close()
    })

    test('the changes of a commit are made together and in order, or not at all', async () => {
      const tables = await (await open()).store.open(owner, 1)
      await tables.commit([put('a', 1, 'x'), put('b', 1, 'y'), { kind: 'remove', table: 't', key: 'a', at: 1 }])
      assert.deepEqual(await texts(tables), ['b 1 y'])
      const tooLong = put('k'.repeat(1_001), 1, 'z')
      await assert.rejects(tables.commit([put('c', 1, 'z'), tooLong]), StateStoreError)
      assert.deepEqual(await texts(tables), ['b 1 y'])
      await tables.close()
    })

    test('what is older than a time goes, of one key or of all', async () => {
      const tables = await (await open()).store.open(owner, 1)
      await tables.commit([put('a', 1, ''), put('a', 5, ''), put('b', 1, ''), put('b', 5, '')])
      await tables.commit([{ kind: 'remove before', table: 't', key: 'a', before: 5 }])
      assert.deepEqual(await texts(tables), ['b 1 ', 'a 5 ', 'b 5 '])
      await tables.commit([{ kind: 'remove before', table: 't', before: 6 }])
      assert.deepEqual(await texts(tables), [])
      await tables.close()
    })

    test('thousands of rows are all read, in whatever pages they come', async () => {
      const tables = await (await open()).store.open(owner, 1)
      const all = Array.from({ length: 5_000 }, (_, i) => put(`k${i % 7}`, Math.trunc(i / 7), `${i}`))
      await tables.commit(all)
      const found = await texts(tables)
      assert.equal(new Set(found).size, all.length)
      assert.equal(found.length, all.length)
      assert.equal((await texts(tables, { newestFirst: true })).toReversed().join('|'), found.join('|'))
      await tables.close()
    })

    test('rows and the version of their meaning are there after a restart, whoever else has rows', async () => {
      const { store, reopen } = await open()
      const tables = await store.open(owner, 3)
      assert.equal(tables.foundVersion, 0)
      await tables.commit([put('a', 1, 'mine')])
      const other = await store.open({ ...owner, name: 'other' }, 1)
      await other.commit([put('a', 1, 'theirs')])
      await Promise.all([tables.close(), other.close()])
      const again = await (await reopen()).open(owner, 4)
      assert.equal(again.foundVersion, 3)
      assert.deepEqual(await texts(again), ['a 1 mine'])
      await again.close()
      await assert.rejects((await reopen()).open(owner, 3), /newer/)
    })

    test('tables that are open are refused to a second owner, and take nothing more once they are closed', async () => {
      const { store } = await open()
      const tables = await store.open(owner, 1)
      await assert.rejects(store.open(owner, 1))
      await tables.close()
      await assert.rejects(tables.commit([put('a', 1, 'late')]), StateStoreError)
      await (await store.open(owner, 1)).close()
    })
  })
}
