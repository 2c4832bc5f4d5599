import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openJournal } from './journal.ts'
import type { RunRecord } from './play-one.ts'

const root = await mkdtemp(join(tmpdir(), 'vigil-journal-test-'))
after(() => rm(root, { recursive: true, force: true }))

const set = { version: '2.1', hash: 'abc', runs: [] }
const played = { topology: 'shop', seed: 3, set, config: undefined, hasRepairs: true }
const counts = { traces: 1, metrics: 2, logs: 3 }
const record = (run: string): RunRecord => ({
  run,
  wallSeconds: 1.5,
  sent: counts,
  received: counts,
  notLookedAt: 0,
  subjects: {
    'max-z, most alerts': { incidents: 2, quiet: { alerts: 3, parts: [{ days: 1, incidents: 2, pages: 1 }] } },
  },
})

test('what was played is there when it is opened again, and a line that was cut off is not', async () => {
  const folder = join(root, 'again')
  const file = join(folder, 'shop.jsonl')
  const journal = await openJournal(folder, played)
  await journal.add(record('incident-1'))
  await journal.add(record('quiet-1'))
  await appendFile(file, '{"topology":"shop","seed":3,"ver')
  const again = await openJournal(folder, played)
  assert.deepEqual([...again.records.values()], [record('incident-1'), record('quiet-1')])
  await again.add(record('incident-2'))
  assert.deepEqual([...(await openJournal(folder, played)).records.keys()], ['incident-1', 'quiet-1', 'incident-2'])
  assert.equal((await readFile(file, 'utf8')).split('\n').length, 4)
})

test('lines of another set are refused, with what is different and what to do', async () => {
  const folder = join(root, 'other')
  await (await openJournal(folder, played)).add(record('incident-1'))
  const config = join(root, 'config.yaml')
  await writeFile(config, 'receivers: {}')
  const others = [
    [{ ...played, seed: 4 }, /shop\.jsonl:1 was played with another seed: 3, not 4\. Repeat the options/],
    [{ ...played, set: { ...set, hash: 'abd' } }, /another set: abc, not abd/],
    [{ ...played, set: { ...set, version: '3.1' } }, /another version of the simulator: 2\.1, not 3\.1/],
    [{ ...played, config }, /another configuration: pass-through, not [0-9a-f]{16}/],
    [{ ...played, hasRepairs: false }, /another measure of repairs/],
  ] as const
  for (const [other, message] of others) await assert.rejects(openJournal(folder, other), message)
  assert.equal((await openJournal(folder, played)).records.size, 1)
})

test('what is no line of a benchmark is refused and left as it is', async () => {
  const folder = join(root, 'strange')
  const file = join(folder, 'shop.jsonl')
  await openJournal(folder, played)
  await writeFile(file, 'dear diary\n')
  await assert.rejects(openJournal(folder, played), /shop\.jsonl:1 is no line of a benchmark.*another folder/)
  assert.equal(await readFile(file, 'utf8'), 'dear diary\n')
})
