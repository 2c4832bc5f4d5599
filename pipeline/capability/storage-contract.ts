/** What every implementation of `Storage` must keep. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Journal, JournalEntry, Storage, StorageOwner } from './storage.ts'

const owner: StorageOwner = { kind: 'exporter', id: 'otlp_http/a', name: 'logs' }
const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const append = (journal: Journal, text: string, items = 1) =>
  journal.append({ items, meta: bytes(`about ${text}`), chunks: [bytes(text.slice(0, 1)), bytes(text.slice(1))] })

async function readAll(journal: Journal): Promise<{ texts: string[]; entries: JournalEntry[] }> {
  const texts: string[] = []
  const entries: JournalEntry[] = []
  for (let record = await journal.next(); record !== undefined; record = await journal.next()) {
    const text = Buffer.from(record.body).toString()
    assert.equal(Buffer.from(record.meta).toString(), `about ${text}`)
    texts.push(text)
    entries.push(record.entry)
  }
  return { texts, entries }
}

/** `open` gives a new storage over a new empty place, and `reopen` one over the same place, as after a restart. */
export function describeStorage(open: () => Promise<{ storage: Storage; reopen: () => Promise<Storage> }>): void {
  suite('contract of a storage', () => {
    test('records come back in order, with what was said of them, and count until they are acknowledged', async () => {
      const { storage } = await open()
      const journal = await storage.journal(owner)
      assert.equal(await journal.next(), undefined)
      await Promise.all([append(journal, 'one', 2), append(journal, 'two', 3), append(journal, 'three', 4)])
      assert.deepEqual({ ...journal.size }, { records: 3, items: 9, bytes: 11 })
      assert.equal(journal.unread, 3)
      const { texts, entries } = await readAll(journal)
      assert.deepEqual(texts, ['one', 'two', 'three'])
      assert.equal(journal.unread, 0)
      journal.acknowledge(entries[1]!)
      journal.acknowledge(entries[1]!)
      assert.deepEqual({ ...journal.size }, { records: 2, items: 6, bytes: 8 })
      await journal.close()
    })

    test('what was begun and neither ended nor acknowledged counts as a crash, in each process once more', async () => {
      const { storage, reopen } = await open()
      let journal = await storage.journal(owner)
      for (const text of ['begun', 'ended', 'taken']) await append(journal, text)
      const seen: [string, number][][] = []
      for (let process = 0; process < 3; process++) {
        const taken = [(await journal.next())!, (await journal.next())!, (await journal.next())!]
        seen.push(taken.map(({ body, crashes }) => [Buffer.from(body).toString(), crashes]))
        await journal.begin([taken[0]!.entry, taken[1]!.entry])
        journal.ended(taken[1]!.entry)
        await journal.close()
        journal = await (await reopen()).journal(owner)
      }
      assert.deepEqual(
        seen.map((records) => records.map(([, crashes]) => crashes)),
        [
          [0, 0, 0],
          [1, 0, 0],
          [2, 0, 0],
        ],
      )
      const poison = (await journal.next())!
      assert.equal(poison.crashes, 3)
      await journal.setAside(poison)
      assert.equal(journal.size.records, 2)
      await journal.close()
    })

    test('what was not acknowledged comes again after a restart, with the attempts counted', async () => {
      const { storage, reopen } = await open()
      const first = await storage.journal(owner)
      for (const text of ['a', 'b', 'c', 'd']) await append(first, text)
      const taken = [await first.next(), await first.next(), await first.next()]
      first.acknowledge(taken[1]!.entry)
      await first.close()
      const second = await (await reopen()).journal(owner)
      assert.deepEqual({ ...second.size }, { records: 3, items: 3, bytes: 3 })
      assert.equal(second.returned, 2)
      const again: [string, number][] = []
      for (let record = await second.next(); record !== undefined; record = await second.next()) {
        again.push([Buffer.from(record.body).toString(), record.attempts])
        second.acknowledge(record.entry)
      }
      assert.deepEqual(again, [
        ['a', 1],
        ['c', 1],
        ['d', 0],
      ])
      await second.close()
      const third = await (await reopen()).journal(owner)
      assert.equal(third.size.records, 0)
      await third.close()
    })

    test('what was just appended can be taken without reading, but never out of order', async () => {
      const { storage } = await open()
      const journal = await storage.journal(owner)
      const [a, b] = [await append(journal, 'a'), await append(journal, 'b')]
      assert.equal(journal.take(b), false)
      assert.equal(journal.take(a), true)
      assert.equal(journal.take(a), false)
      assert.equal(journal.take(b), true)
      assert.equal(await journal.next(), undefined)
      const c = await append(journal, 'c')
      await append(journal, 'd')
      assert.equal(journal.take(c), true)
      assert.deepEqual((await readAll(journal)).texts, ['d'])
      await journal.close()
    })

    test('a journal that is open is refused to a second owner, and is free once it is closed', async () => {
      const { storage } = await open()
      const journal = await storage.journal(owner)
      await assert.rejects(storage.journal(owner))
      const other = await storage.journal({ ...owner, name: 'traces' })
      await append(journal, 'mine')
      assert.equal(other.size.records, 0)
      await journal.close()
      await assert.rejects(append(journal, 'late'))
      await (await storage.journal(owner)).close()
      await other.close()
    })

    test('a store keeps the last value of each key over restarts', async () => {
      const { storage, reopen } = await open()
      const store = await storage.keyValue(owner)
      const value = bytes('1')
      await store.set('a', value)
      value[0] = 0
      await Promise.all([store.set('b', bytes('2')), store.set('b', bytes('3')), store.set('c', bytes(''))])
      await store.delete('a')
      await assert.rejects(storage.keyValue(owner))
      await store.close()
      await assert.rejects(store.set('a', bytes('late')))
      const again = await (await reopen()).keyValue(owner)
      assert.deepEqual([...again.keys()], ['b', 'c'])
      assert.equal(again.get('a'), undefined)
      assert.deepEqual(again.get('b'), bytes('3'))
      assert.deepEqual(again.get('c'), bytes(''))
      await again.close()
    })
  })
}
