import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { type Storage, storage } from '../../pipeline/capability/storage.ts'
import { describeStorage } from '../../pipeline/capability/storage-contract.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { lockDirectory } from '../../pipeline/directory-lock.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { FileStorage } from './file-storage.ts'
import factory from './index.ts'
import { formatVersion } from './record.ts'

const root = testFolder('file-storage')
let folders = 0
const newFolder = () => mkdtempSync(join(root, String(folders++)))

const nothing = { kind: 'extension', signals: [], outputs: [] } as const
const owner = { kind: 'exporter', id: 'otlp_http/a', name: 'logs' } as const
const record = { items: 2, meta: Buffer.from('meta'), chunks: [Buffer.from('some bytes')] }

function storageAt(directory: string, change: { recreate?: boolean; fsync?: boolean } = {}) {
  const context = testContext(nothing)
  const { logger, meter, clock } = context
  const settings = { directory, fsync: false, recreate: false, permissions: 0o750, segmentBytes: 4096, ...change }
  return { context, files: new FileStorage({ ...settings, logger, meter, clock }) }
}
const sum = (context: ReturnType<typeof testContext>, name: string) => context.recorded.sums.get(name)

describeContract(factory, `directory: ${newFolder()}`, nothing)

for (const fsync of [false, true]) {
  describeStorage(async () => {
    const directory = newFolder()
    const open = async (): Promise<Storage> => storageAt(directory, { fsync }).files
    return { storage: await open(), reopen: open }
  })
}

suite('file_storage config', () => {
  const missing = join(root, 'missing')
  const file = join(root, 'file')
  writeFileSync(file, '')
  const refused: readonly (readonly [string, string])[] = [
    [
      `directory: ${missing}`,
      `directory must exist: stat ${missing}: no such file or directory. You can enable the create_directory option to automatically create it`,
    ],
    [`directory: ${file}`, `${file} is not a directory`],
    [
      `directory: ${root}\ncompaction: { on_start: true, directory: ${missing} }`,
      `directory must exist: stat ${missing}: no such file or directory. You can enable the create_directory option to automatically create it`,
    ],
    [
      `directory: ${root}\ncompaction: { max_transaction_size: -1 }`,
      'max transaction size for compaction cannot be less than 0',
    ],
    [
      `directory: ${root}\ncompaction: { on_rebound: true, directory: ${root}, check_interval: 0s }`,
      'compaction check interval must be positive when rebound compaction is set',
    ],
    [
      `directory: ${root}\ncreate_directory: true\ndirectory_permissions: '0999'`,
      'directory_permissions value must be a valid octal representation',
    ],
    [
      `directory: ${root}\ncreate_directory: true\ndirectory_permissions: '7777'`,
      'directory_permissions contain invalid bits for file access',
    ],
  ]
  for (const [yaml, message] of refused) {
    test(`refused: ${message.slice(0, 60)}`, () => {
      assert.throws(
        () => build(factory, yaml, nothing),
        (error) => error instanceof ConfigError && error.problems.some((problem) => problem.message.includes(message)),
      )
    })
  }
  test('a directory that is to be made is valid, and made by the start', async () => {
    const directory = join(newFolder(), 'a', 'b')
    const { instance } = build(factory, `directory: ${directory}\ncreate_directory: true`, nothing)
    await instance.start?.()
    assert.ok(readdirSync(directory).includes('.lock'))
    assert.ok(instance.provides?.has(storage))
    await instance.shutdown?.(AbortSignal.timeout(1_000))
  })
})

suite('file_storage', () => {
  test('another process is kept out, and one that was killed holds nothing', async () => {
    const directory = newFolder()
    const lockModule = fileURLToPath(new URL('../../pipeline/directory-lock.ts', import.meta.url))
    const script = `import { lockDirectory } from '${lockModule}'; lockDirectory('${directory}', 0); console.log('locked'); setInterval(() => {}, 1000)`
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(other.stdout, 'data')
    const { instance } = build(factory, `directory: ${directory}\ntimeout: 10ms`, nothing)
    await assert.rejects(async () => instance.start?.(), /is in use by another process/)
    other.kill('SIGKILL')
    await once(other, 'exit')
    await instance.start?.()
    await instance.shutdown?.(AbortSignal.timeout(1_000))
    const [first, second] = [lockDirectory(directory, 0), lockDirectory(directory, 0)]
    first()
    first()
    second()
  })

  test('a queue that no component has opened is reported once the engine is ready, with its size', async () => {
    const directory = newFolder()
    const journal = await storageAt(directory).files.journal(owner)
    await journal.append(record)
    await journal.close()
    const { instance, context } = build(factory, `directory: ${directory}`, nothing)
    await instance.start?.()
    await context.clock.advance(1_000)
    for (const end = Date.now() + 10_000; context.recorded.lines.length === 0 && Date.now() < end; ) await setTimeout(5)
    assert.deepEqual(
      context.recorded.lines.map(({ fields }) => fields),
      [
        {
          component: 'exporter otlp_http/a',
          name: 'logs',
          path: join(directory, 'exporter.otlp_http~2f~a.logs.queue'),
          records: 1,
          items: 2,
          bytes: 10,
        },
      ],
    )
    await instance.shutdown?.(AbortSignal.timeout(1_000))
  })

  test('a queue of a newer format stops the start and stays as it is, unless recreate sets it aside', async () => {
    const directory = newFolder()
    const folder = join(directory, 'exporter.otlp_http~2f~a.logs.queue')
    mkdirSync(folder)
    const header = Buffer.alloc(64)
    header.writeUInt32LE(0x4a4c4756, 0)
    header.writeUInt32LE(formatVersion + 1, 4)
    header.writeUInt32LE(crc32(header.subarray(0, 28)), 28)
    const file = join(folder, '0000000001.segment')
    writeFileSync(file, header)
    await assert.rejects(storageAt(directory).files.journal(owner), /has format 2 and this build reads up to 1/)
    assert.deepEqual(readFileSync(file), header)
    const { files } = storageAt(directory, { recreate: true })
    const journal = await files.journal(owner)
    assert.equal(journal.size.records, 0)
    assert.deepEqual(readdirSync(`${folder}.backup`), ['0000000001.segment'])
    await journal.close()
  })

  test('a damaged segment is set aside when what can be read of it is done, and what is lost is counted', async () => {
    const directory = newFolder()
    const { files } = storageAt(directory)
    const journal = await files.journal(owner)
    for (let i = 0; i < 5; i++) await journal.append(record)
    await journal.close()
    const folder = join(directory, 'exporter.otlp_http~2f~a.logs.queue')
    const file = join(folder, '0000000001.segment')
    const bytes = readFileSync(file)
    bytes[32 + 2 * 46 + 40]! ^= 1
    writeFileSync(file, bytes)
    const { files: again, context } = storageAt(directory)
    const losses: object[] = []
    const recovered = await again.journal(owner, { onLoss: (loss) => losses.push(loss) })
    assert.equal(recovered.size.records, 5)
    for (let one = await recovered.next(); one !== undefined; one = await recovered.next()) {
      recovered.acknowledge(one.entry)
    }
    assert.deepEqual(losses, [{ records: 1, items: 2, bytes: 10 }])
    assert.equal(sum(context, 'vigil_storage_lost_records'), 1)
    await recovered.close()
    assert.deepEqual(readdirSync(folder), ['0000000001.corrupt'])
  })

  test('a store whose file is damaged keeps what can be read, and the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (where, how) => {
        const directory = newFolder()
        const store = await storageAt(directory).files.keyValue(owner)
        for (const key of ['a', 'b', 'c']) await store.set(key, Buffer.from(`value of ${key}`))
        await store.close()
        const file = join(directory, 'exporter.otlp_http~2f~a.logs.kv')
        const bytes = readFileSync(file)
        bytes[where % bytes.length]! ^= how
        writeFileSync(file, bytes)
        const { files, context } = storageAt(directory)
        const again = await files.keyValue(owner)
        const keys = [...again.keys()]
        for (const key of keys) assert.equal(Buffer.from(again.get(key)!).toString(), `value of ${key}`)
        const told = (sum(context, 'vigil_storage_torn_tails') ?? 0) + (sum(context, 'vigil_storage_lost_records') ?? 0)
        assert.ok(keys.length >= 2 && told > 0)
        await again.close()
      }),
      { numRuns: 50 },
    )
  })

  test('a store does not grow with the number of its changes', async () => {
    const directory = newFolder()
    const store = await storageAt(directory).files.keyValue(owner)
    const value = Buffer.alloc(4096, 1)
    for (let i = 0; i < 1_000; i++) await store.set('offset', value)
    await store.close()
    const size = readFileSync(join(directory, 'exporter.otlp_http~2f~a.logs.kv')).length
    assert.ok(size < 300_000, `${size} bytes`)
    const again = await storageAt(directory).files.keyValue(owner)
    assert.deepEqual(Buffer.from(again.get('offset')!), value)
    await again.close()
  })

  const canMount = process.platform === 'linux' && process.getuid?.() === 0
  test('a full disk refuses, keeps what was written, and takes more when there is room', {
    skip: !canMount,
  }, async () => {
    const directory = newFolder()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' })
    } catch {
      return test.skip('this machine lets nobody mount')
    }
    try {
      const { files, context } = storageAt(directory)
      const journal = await files.journal(owner)
      const big = { ...record, chunks: [Buffer.alloc(50_000, 1)] }
      let written = 0
      await assert.rejects(
        async () => {
          for (;;) {
            await journal.append(big)
            written++
          }
        },
        { code: 'ENOSPC' },
      )
      assert.ok(written >= 15, `${written}`)
      await assert.rejects(Promise.all([journal.append(big), journal.append(big)]), { code: 'ENOSPC' })
      assert.equal(journal.size.records, written)
      assert.ok((sum(context, 'vigil_storage_write_failures') ?? 0) >= 2)
      for (let i = 0; i < 5; i++) journal.acknowledge((await journal.next())!.entry)
      for (let tries = 0; tries < 100; tries++) {
        try {
          await journal.append(big)
          break
        } catch {
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      await journal.close()
      const again = await storageAt(directory).files.journal(owner)
      assert.equal(again.size.records, written - 5 + 1)
      let read = 0
      for (let one = await again.next(); one !== undefined; one = await again.next()) {
        assert.deepEqual(Buffer.from(one.body), big.chunks[0])
        read++
      }
      assert.equal(read, written - 5 + 1)
      await again.close()
    } finally {
      execFileSync('umount', [directory])
    }
  })
})
