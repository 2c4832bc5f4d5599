import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { JournalEntry, JournalSize } from '../../pipeline/capability/storage.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { FileJournal, type JournalEvents } from './journal.ts'

const root = testFolder('journal')
let folders = 0
const newFolder = () => join(root, String(folders++))

interface Seen extends JournalEvents {
  torn: number
  lost: JournalSize[]
  failures: number
}
function seen(): Seen {
  const events: Seen = {
    torn: 0,
    lost: [],
    failures: 0,
    tornTail: () => void events.torn++,
    damaged: (_file, lost) => void events.lost.push({ ...lost }),
    writeFailed: () => void events.failures++,
    failed: (what, error) => assert.fail(`${what}: ${String(error)}`),
  }
  return events
}
const settings = { fsync: false, segmentBytes: 700, permissions: 0o750 }
const openAt = (folder: string, events = seen(), change = {}) =>
  FileJournal.open(folder, { ...settings, ...change }, events)

/** Its length says its number, so that a record that was mixed up with another cannot look right. */
function record(number: number, padBytes = 0) {
  const text = `record ${number} ${'x'.repeat(padBytes)}`
  return {
    items: 1,
    meta: Buffer.from(`${number}`),
    chunks: [Buffer.from(text.slice(0, 5)), Buffer.from(text.slice(5))],
  }
}
async function drain(journal: FileJournal): Promise<{ numbers: number[]; entries: JournalEntry[] }> {
  const numbers: number[] = []
  const entries: JournalEntry[] = []
  for (let one = await journal.next(); one !== undefined; one = await journal.next()) {
    const number = Number(Buffer.from(one.meta).toString())
    assert.match(Buffer.from(one.body).toString(), new RegExp(`^record ${number} x*$`))
    numbers.push(number)
    entries.push(one.entry)
  }
  return { numbers, entries }
}
const filesOf = (folder: string, suffix: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => join(folder, name))

type Step = { readonly do: 'append' | 'take' | 'acknowledge'; readonly n: number }
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ do: fc.constantFrom('append', 'append', 'take', 'acknowledge'), n: fc.nat(400) }),
  { minLength: 1, maxLength: 40 },
)

/** What a run did: which records are safe in `folder` once their append resolved, and how long the last file was then. */
async function play(folder: string, sequence: readonly Step[], fsync: boolean) {
  const journal = await openAt(folder, seen(), { fsync })
  const committed: { number: number; file: string; end: number }[] = []
  const acknowledged = new Set<number>()
  const open: { number: number; entry: JournalEntry }[] = []
  for (const [number, step] of sequence.entries()) {
    if (step.do === 'append') {
      await journal.append(record(number, step.n))
      const file = filesOf(folder, '.segment').at(-1)!
      committed.push({ number, file, end: statSync(file).size })
    } else if (step.do === 'take') {
      const taken = await journal.next()
      if (taken) open.push({ number: Number(Buffer.from(taken.meta).toString()), entry: taken.entry })
    } else if (open.length > 0) {
      const [one] = open.splice(step.n % open.length, 1)
      journal.acknowledge(one!.entry)
      acknowledged.add(one!.number)
    }
  }
  return { journal, committed, acknowledged }
}

suite('journal', () => {
  test('after a crash at any byte, what was committed before it and not acknowledged comes again, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        async (sequence, part, isLate) => {
          const folder = newFolder()
          const { journal, committed, acknowledged } = await play(folder, sequence, false)
          // What a kill leaves: the files as they are now, or as they are when the marks are written too.
          if (isLate) await journal.close()
          const copy = newFolder()
          cpSync(folder, copy, { recursive: true })
          await journal.close()
          const last = filesOf(copy, '.segment').at(-1)
          let cut = Number.POSITIVE_INFINITY
          if (last !== undefined) {
            const size = statSync(last).size
            cut = Math.floor(part * size)
            truncateSync(last, cut)
          }
          const isSafe = ({ file, end }: { file: string; end: number }) =>
            last === undefined || file.split('/').at(-1) !== last.split('/').at(-1) || end <= cut
          const must = committed
            .filter((one) => isSafe(one) && !acknowledged.has(one.number))
            .map(({ number }) => number)
          const may = new Set(committed.filter(isSafe).map(({ number }) => number))

          const events = seen()
          const recovered = await openAt(copy, events)
          const { records } = recovered.size
          const { numbers, entries } = await drain(recovered)
          assert.equal(numbers.length, records)
          assert.deepEqual([...new Set(numbers)], numbers, 'no record twice, in order')
          assert.deepEqual(
            numbers.filter((number) => !may.has(number)),
            [],
            'nothing that was not committed',
          )
          assert.deepEqual(
            must.filter((number) => !numbers.includes(number)),
            [],
            'nothing is lost',
          )
          if (isLate) assert.deepEqual(numbers, must)
          assert.deepEqual(events.lost, [])
          // It can be written to and emptied.
          await recovered.append(record(1_000))
          for (const entry of entries) recovered.acknowledge(entry)
          const rest = await drain(recovered)
          assert.deepEqual(rest.numbers, [1_000])
          recovered.acknowledge(rest.entries[0]!)
          await recovered.close()
          assert.deepEqual(readdirSync(copy), [])
          rmSync(folder, { recursive: true })
          rmSync(copy, { recursive: true })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('whatever bytes change in whatever file, it opens, tells no wrong data, and counts what is missing', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (sequence, changes, isClosed) => {
          const folder = newFolder()
          const { journal, committed, acknowledged } = await play(folder, sequence, false)
          if (isClosed) await journal.close()
          const copy = newFolder()
          cpSync(folder, copy, { recursive: true })
          await journal.close()
          const files = [...filesOf(copy, '.segment'), ...filesOf(copy, '.acks')]
          for (const [which, where, how] of changes) {
            const file = files[which % Math.max(1, files.length)]
            if (file === undefined) continue
            const bytes = readFileSync(file)
            if (bytes.length > 0) bytes[where % bytes.length]! ^= how
            writeFileSync(file, bytes)
          }
          const events = seen()
          const recovered = await openAt(copy, events)
          const { numbers, entries } = await drain(recovered)
          const known = new Set(committed.map(({ number }) => number))
          assert.deepEqual(
            numbers.filter((number) => !known.has(number)),
            [],
          )
          assert.deepEqual([...new Set(numbers)], numbers)
          const missing = committed.filter(({ number }) => !acknowledged.has(number) && !numbers.includes(number))
          if (missing.length > 0) assert.ok(events.torn + events.lost.length > 0, 'a loss is never silent')
          for (const entry of entries) recovered.acknowledge(entry)
          assert.deepEqual({ ...recovered.size }, { records: 0, items: 0, bytes: 0 })
          await recovered.close()
          rmSync(folder, { recursive: true })
          rmSync(copy, { recursive: true })
        },
      ),
      { numRuns: 120 },
    )
  })
})
