import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import {
  type StateStore,
  StateStoreError,
  type StateTables,
  stateStore,
} from '../../pipeline/capability/state-store.ts'
import { describeStateStore } from '../../pipeline/capability/state-store-contract.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-state-'))
let files = 0
const newPath = () => join(folder, `${files++}`, 'state.db')
after(() => rmSync(folder, { recursive: true, force: true }))
const owner = { kind: 'extension', id: 'feature_store', name: 'history' } as const

function make(path: string, more = '') {
  const built = build(factory, `path: ${path}\n${more}`)
  const store = built.instance.provides!.get(stateStore) as StateStore
  return { ...built, store }
}
const running: { shutdown?: (deadline: AbortSignal) => Promise<void> }[] = []
async function run(path: string, more = '') {
  const made = make(path, more)
  await made.instance.start!()
  running.push(made.instance)
  return made
}
const stop = (instance: (typeof running)[number]) => instance.shutdown!(AbortSignal.timeout(5_000))
after(() => Promise.all(running.map(stop)))

describeContract(factory, `path: ${newPath()}`)

describeStateStore(async () => {
  const path = newPath()
  let last = await run(path)
  return {
    store: last.store,
    async reopen() {
      await stop(last.instance)
      last = await run(path)
      return last.store
    },
  }
})

const put = (key: string, value: Uint8Array, at = 0, revision = 1) =>
  ({ kind: 'put', table: 't', row: { key, at, revision, value } }) as const

async function keys(tables: StateTables): Promise<string[]> {
  const all: string[] = []
  for await (const rows of tables.read({ table: 't' })) for (const { key } of rows) all.push(key)
  return all
}

test('a file that is no database is set aside with a clear message, and a new one begun', async () => {
  const path = newPath()
  const first = await run(path)
  await (await first.store.open(owner, 1)).close()
  await stop(first.instance)
  writeFileSync(path, 'this was never a database'.repeat(100))
  const { context, store } = await run(path)
  const [line] = context.recorded.lines
  assert.match(line!.message, /could not be read and was set aside/)
  const aside = String(line!.fields.path)
  assert.match(readFileSync(aside, 'utf8'), /never a database/)
  assert.equal((await store.open(owner, 1)).foundVersion, 0)
})

test('a file whose end is gone is set aside', async () => {
  const path = newPath()
  const first = await run(path)
  const tables = await first.store.open(owner, 1)
  await tables.commit(Array.from({ length: 200 }, (_, i) => put(`${i}`, new Uint8Array(2_000))))
  await tables.close()
  await stop(first.instance)
  truncateSync(path, Math.trunc(statSync(path).size / 2 / 4096) * 4096)
  const { context, store } = await run(path)
  assert.match(context.recorded.lines[0]!.message, /set aside/)
  assert.deepEqual(await keys(await store.open(owner, 1)), [])
})

test('a file of a newer Vigil is refused and stays as it is', async () => {
  const path = newPath()
  const first = await run(path)
  await stop(first.instance)
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 99')
  database.close()
  await assert.rejects(make(path).instance.start!(), /written by a newer Vigil \(format 99, this one knows 1\)/)
  assert.deepEqual(
    readdirSync(join(path, '..')).filter((name) => name.includes('damaged')),
    [],
  )
})

test('a file that another process has open is refused', async () => {
  const path = newPath()
  const first = await run(path)
  await assert.rejects(make(path).instance.start!(), /in use by another process/)
  await stop(first.instance)
})

test('a full store says so, keeps what it has, counts it, and goes on when there is room', async () => {
  const { store, context } = await run(newPath(), 'max_bytes: 1MiB')
  const tables = await store.open(owner, 1)
  await tables.commit([put('kept', new Uint8Array(1_000))])
  const big = put('big', new Uint8Array(2 * 1024 * 1024))
  const isFull = (error: unknown) => error instanceof StateStoreError && error.reason === 'full'
  await assert.rejects(tables.commit([put('small', new Uint8Array(1)), big]), isFull)
  await assert.rejects(tables.commit([big]), isFull)
  assert.deepEqual(await keys(tables), ['kept'])
  assert.equal(context.recorded.sums.get('otelcol_extension_state_store_failed_commits{reason="full"}'), 2)
  assert.equal(context.recorded.lines.filter(({ level }) => level === 'error').length, 1)
  await tables.commit([put('small', new Uint8Array(1))])
  assert.deepEqual(await keys(tables), ['kept', 'small'])
})

test('what was committed survives kill -9, and what was not is not there', async () => {
  const path = newPath()
  const script = `
    import { SqliteStore } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)}
    import { mkdirSync } from 'node:fs'
    mkdirSync(${JSON.stringify(join(path, '..'))}, { recursive: true })
    const store = await SqliteStore.start({ path: ${JSON.stringify(path)}, maxBytes: 2 ** 30 }, () => {})
    const tables = await store.open(${JSON.stringify(owner)}, 1)
    for (let i = 0; ; i++) {
      await tables.commit(['a', 'b'].map((k) => ({ kind: 'put', table: 't', row: { key: k + i, at: 0, revision: 1, value: new Uint8Array(500) } })))
      console.log(i)
    }`
  const scriptPath = join(folder, 'writer.mts')
  writeFileSync(scriptPath, script)
  const child = spawn(process.execPath, [scriptPath], { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
  while (!told.includes('50\n') && child.exitCode === null) await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const committed = told.trimEnd().split('\n').length
  const { store, context } = await run(path)
  const found = await keys(await store.open(owner, 1))
  assert.ok(found.length >= 2 * committed, `${found.length} of ${2 * committed}`)
  assert.equal(found.length % 2, 0, 'a commit is there in whole or not at all')
  assert.deepEqual(context.recorded.lines, [])
  assert.ok(existsSync(path))
})
