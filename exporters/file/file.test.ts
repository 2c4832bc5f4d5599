import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { Rejected } from '../../pipeline/component.ts'
import { fromChunks } from '../../pipeline/data/batch.ts'
import { readJson } from '../../pipeline/data/json/read-json.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'
import { segmentPath } from './segments.ts'

describeContract(factory, `path: ${join(tmpdir(), `vigil-file-contract-${process.pid}.json`)}`)

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigil-file-'))
})
after(async () => {
  await rm(folder, { recursive: true })
  await rm(join(tmpdir(), `vigil-file-contract-${process.pid}.json`), { force: true })
})

let files = 0
const freshPath = (extension = '.json') => join(folder, `data${++files}${extension}`)

function spanChunk(name: string, attributes: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const list = Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: value },
  }))
  const resourceSpans = [{ resource: { attributes: list }, scopeSpans: [{ spans: [{ name }] }] }]
  return readJson('traces', new TextEncoder().encode(JSON.stringify({ resourceSpans })))
}
const tracesOf = (...chunks: readonly Uint8Array[]): Batch =>
  fromChunks(
    'traces',
    chunks,
    chunks.map(() => 1),
  )
const named = (name: string, attributes?: Readonly<Record<string, unknown>>) => tracesOf(spanChunk(name, attributes))

interface Running {
  readonly context: TestContext
  readonly handle: (batch: Batch) => Promise<unknown>
}

/** Runs the exporter of this YAML from start to shutdown. */
async function run(yaml: string, use: (running: Running) => Promise<void>): Promise<Running> {
  const built = build(factory, yaml)
  const running = { context: built.context, handle: (batch: Batch) => built.handle(batch) }
  await built.instance.start?.()
  try {
    await use(running)
  } finally {
    await built.instance.shutdown?.(AbortSignal.timeout(5_000))
  }
  return running
}

suite('one file', () => {
  test('json is a request a line, in the order of acceptance', async () => {
    const path = freshPath()
    await run(`path: ${path}`, async ({ handle }) => {
      await Promise.all(Array.from({ length: 100 }, (_, i) => handle(named(`span ${i}`))))
    })
    const lines = (await readFile(path, 'utf8')).split('\n')
    assert.equal(lines.pop(), '')
    assert.deepEqual(
      lines,
      Array.from({ length: 100 }, (_, i) => writeJson(named(`span ${i}`))),
    )
  })

  test('an accepted batch is in the file at once', async () => {
    const path = freshPath()
    await run(`path: ${path}`, async ({ handle }) => {
      await handle(named('a'))
      assert.equal(await readFile(path, 'utf8'), `${writeJson(named('a'))}\n`)
    })
  })

  test('proto has the length of each message before it', async () => {
    const path = freshPath('.pb')
    const first = [spanChunk('a'), spanChunk('b')]
    await run(`path: ${path}\nformat: proto`, async ({ handle }) => {
      await handle(tracesOf(...first))
      await handle(named('c'))
    })
    assert.deepEqual(messagesOf(await readFile(path)), [Buffer.concat(first), Buffer.from(spanChunk('c'))])
  })

  test('zstd compresses each message, with its length before it', async () => {
    for (const format of ['json', 'proto']) {
      const path = freshPath('.zst')
      await run(`path: ${path}\ncompression: zstd\nformat: ${format}`, async ({ handle }) => {
        await handle(named('a'))
        await handle(named('b'))
      })
      const plain = messagesOf(await readFile(path)).map((message) => String(zstdDecompressSync(message)))
      const wanted = ['a', 'b'].map((name) =>
        format === 'json' ? writeJson(named(name)) : String(Buffer.from(spanChunk(name))),
      )
      assert.deepEqual(plain, wanted)
    }
  })

  test('profiles of several chunks are a message each', async () => {
    const path = freshPath()
    const chunk = readJson('profiles', new TextEncoder().encode('{"dictionary":{"stringTable":[""]}}'))
    await run(
      `path: ${path}`,
      async ({ handle }) => void (await handle(fromChunks('profiles', [chunk, chunk], [0, 0]))),
    )
    assert.equal(await readFile(path, 'utf8'), '{"dictionary":{"stringTable":[""]}}\n'.repeat(2))
  })

  test('a file is emptied at start, or kept with append', async () => {
    const path = freshPath()
    await writeFile(path, 'before\n')
    await run(`path: ${path}\nappend: true`, async ({ handle }) => void (await handle(named('a'))))
    assert.equal(await readFile(path, 'utf8'), `before\n${writeJson(named('a'))}\n`)
    await run(`path: ${path}`, async () => {})
    assert.equal(await readFile(path, 'utf8'), '')
  })

  test('what comes after the shutdown is refused and spoils nothing', async () => {
    const path = freshPath()
    const { handle } = await run(`path: ${path}`, async (running) => void (await running.handle(named('a'))))
    await assert.rejects(handle(named('b')), (error) => error instanceof Rejected && error.retryable)
    assert.equal(await lineCount(path), 1)
  })

  test('a directory that is missing fails the start, or is created when asked for', async () => {
    const path = join(folder, 'new', 'deep', 'data.json')
    await assert.rejects(
      run(`path: ${path}`, async () => {}),
      /ENOENT/,
    )
    await run(`path: ${path}\ncreate_directory: true\ndirectory_permissions: "0700"`, async () => {})
    assert.equal((await stat(join(folder, 'new'))).mode & 0o777, 0o700)
  })

  test('a full disk is refused as retryable, and again and again', async () => {
    await run('path: /dev/full', async ({ handle }) => {
      for (let i = 0; i < 3; i++) {
        await assert.rejects(handle(named('a')), (error) => error instanceof Rejected && error.retryable)
      }
    })
  })
})

suite('rotation', () => {
  const large = 'x'.repeat(400_000)

  test("a file that would grow too large is moved aside under upstream's name", async () => {
    const path = freshPath()
    await run(`path: ${path}\nrotation:\n  max_megabytes: 1`, async ({ handle }) => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await handle(named(name + large))
    })
    const base = path.slice(path.lastIndexOf('/') + 1, -'.json'.length)
    const names = (await readdir(folder)).filter((name) => name.startsWith(`${base}-`) || name === `${base}.json`)
    assert.deepEqual(names.toSorted(), [
      `${base}-2023-11-14T22-13-20.000-size.json`,
      `${base}-2023-11-14T22-13-20.000-size_1.json`,
      `${base}.json`,
    ])
    const counts = await Promise.all(names.map(async (name) => lineCount(join(folder, name))))
    assert.deepEqual(
      counts.toSorted((a, b) => a - b),
      [1, 2, 2],
    )
  })

  test('what waits together is split over files, none too large', async () => {
    const inner = await mkdtemp(join(folder, 'split-'))
    await run(`path: ${join(inner, 'd.json')}\nrotation:\n  max_megabytes: 1`, async ({ handle }) => {
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => handle(named(name + large))))
    })
    const names = await readdir(inner)
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(inner, name))).size))
    assert.ok(sizes.every((size) => size <= 1 << 20))
    const lines = await Promise.all(names.map((name) => lineCount(join(inner, name))))
    assert.equal(
      lines.reduce((sum, count) => sum + count, 0),
      7,
    )
  })

  test('an existing file goes on, whatever append says', async () => {
    const path = freshPath()
    await writeFile(path, 'before\n')
    await run(`path: ${path}\nrotation:`, async ({ handle }) => void (await handle(named('a'))))
    assert.equal(await readFile(path, 'utf8'), `before\n${writeJson(named('a'))}\n`)
  })

  test('only the newest backups stay, those of older Collectors counted, other files untouched', async () => {
    const inner = await mkdtemp(join(folder, 'old-'))
    const old = [
      'd-2020-01-01T00-00-00.000.json',
      'd-2021-01-01T00-00-00.000-size.json',
      'd-2022-01-01T00-00-00.000.json',
    ]
    for (const name of [...old, 'd-notes.json', 'other-2020-01-01T00-00-00.000.json'])
      await writeFile(join(inner, name), '')
    await run(`path: ${join(inner, 'd.json')}\nrotation:\n  max_backups: 2`, async () => {})
    const left = ['d-2021-01-01T00-00-00.000-size.json', 'd-2022-01-01T00-00-00.000.json', 'd-notes.json', 'd.json']
    assert.deepEqual((await readdir(inner)).toSorted(), [...left, 'other-2020-01-01T00-00-00.000.json'])
    // The fake clock stands in November 2023.
    await run(`path: ${join(inner, 'd.json')}\nrotation:\n  max_days: 700`, async () => {})
    assert.ok((await readdir(inner)).includes('d-2022-01-01T00-00-00.000.json'))
    assert.ok(!(await readdir(inner)).includes('d-2021-01-01T00-00-00.000-size.json'))
  })

  test('a batch larger than a file may be is refused for good', async () => {
    const path = freshPath()
    await run(`path: ${path}\nrotation:\n  max_megabytes: 1`, async ({ handle }) => {
      const rejection = (error: unknown) => error instanceof Rejected && !error.retryable
      await assert.rejects(handle(named('x'.repeat(1 << 20))), rejection)
      await handle(named('a'))
    })
    assert.equal(await lineCount(path), 1)
  })
})

suite('group_by', () => {
  const yamlOf = (directory: string, more = '', group = '') =>
    `path: ${directory}/*.json\n${more}group_by:\n  enabled: true\n  resource_attribute: service.name\n${group}`

  test('each value of the attribute has its file, and what has none is counted as lost', async () => {
    const inner = await mkdtemp(join(folder, 'group-'))
    const cart = { 'service.name': 'cart' }
    const { context } = await run(yamlOf(inner), async ({ handle }) => {
      const chunks = [spanChunk('a', cart), spanChunk('b', { 'service.name': 'eu/shop' }), spanChunk('c', cart)]
      await handle(tracesOf(Buffer.concat([...chunks, spanChunk('d'), spanChunk('e', { 'service.name': 7 })])))
    })
    assert.equal(
      await readFile(join(inner, 'cart.json'), 'utf8'),
      `${writeJson(tracesOf(spanChunk('a', cart), spanChunk('c', cart)))}\n`,
    )
    assert.equal(await lineCount(join(inner, 'eu/shop.json')), 1)
    assert.deepEqual(context.recorded.drops, [
      { items: 2, reason: 'no text in resource attribute service.name', intent: 'lost' },
    ])
  })

  test('a file that was closed for another one keeps what it had', async () => {
    const inner = await mkdtemp(join(folder, 'lru-'))
    await writeFile(join(inner, 's0.json'), 'of an earlier run\n')
    await run(yamlOf(inner, '', '  max_open_files: 2'), async ({ handle }) => {
      for (let round = 0; round < 3; round++) {
        await Promise.all(Array.from({ length: 10 }, (_, i) => handle(named('a', { 'service.name': `s${i}` }))))
      }
    })
    for (let i = 0; i < 10; i++) assert.equal(await lineCount(join(inner, `s${i}.json`)), 3)
  })

  test('no attribute leads out of the directory', () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ['/data/*.json', '../etc/my_config', '/data/etc/my_config.json'],
      ['/data/*.json', '../../../../etc/passwd', '/data/etc/passwd.json'],
      ['/data/*.json', 'a/../../../x', '/data/x.json'],
      ['/data/*.json', '/etc/passwd', '/data/etc/passwd.json'],
      ['/data/*.json', './a', '/data/a.json'],
      ['/data/log-*.json', 'x/../../etc', '/data/log-/etc.json'],
      ['data/*.json', '../../x', 'data/x.json'],
      ['./*.json', '../x', 'x.json'],
      ['/data/*', '..', '/data'],
    ]
    for (const [pattern, segment, path] of cases) assert.equal(segmentPath(pattern, segment), path)
  })

  test('a value that can be no path is refused for good and harms no other', async () => {
    const inner = await mkdtemp(join(folder, 'bad-'))
    await run(yamlOf(inner), async ({ handle }) => {
      const bad = spanChunk('a', { 'service.name': 'x'.repeat(300) })
      const nul = spanChunk('b', { 'service.name': 'a\0b' })
      const good = spanChunk('c', { 'service.name': 'good' })
      await assert.rejects(handle(tracesOf(bad, nul, good)), (error) => {
        assert.ok(error instanceof Rejected)
        assert.equal(error.retryable, false)
        assert.equal(error.remaining?.count, 2)
        return true
      })
    })
    assert.equal(await lineCount(join(inner, 'good.json')), 1)
  })

  test('a directory that comes late is retryable until then', async () => {
    const inner = await mkdtemp(join(folder, 'late-'))
    await writeFile(join(inner, 'blocked'), '')
    await run(yamlOf(join(inner, 'blocked')), async ({ handle }) => {
      await assert.rejects(handle(named('a', { 'service.name': 's' })), Rejected)
      await rm(join(inner, 'blocked'))
      await mkdir(join(inner, 'blocked'))
      await handle(named('a', { 'service.name': 's' }))
    })
    assert.equal(await lineCount(join(inner, 'blocked/s.json')), 1)
  })
})

suite('config', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['{}', /path must be non-empty/],
    ['{ path: a, append: true, rotation: {} }', /append and rotation enabled at the same time is not supported/],
    [
      '{ path: a, rotation: { max_days: -1 } }',
      /rotation max_megabytes, max_days and max_backups must not be negative/,
    ],
    ['{ path: a, format: text }', /format type is not supported/],
    ['{ path: a, compression: gzip }', /compression is not supported/],
    ['{ path: a, flush_interval: -1s }', /flush_interval must be larger than zero/],
    ['{ path: a, group_by: { enabled: true } }', /path must contain exactly one \* when group_by is enabled/],
    ['{ path: "*a", group_by: { enabled: true } }', /path must not start with \* when group_by is enabled/],
    [
      '{ path: "a*", group_by: { enabled: true, resource_attribute: "" } }',
      /resource_attribute must not be empty when group_by is enabled/,
    ],
    [
      '{ path: "a*", group_by: { enabled: true, max_open_files: 0 } }',
      /max_open_files must be positive when group_by is enabled/,
    ],
    ['{ path: a, directory_permissions: "0755" }', /directory_permissions requires create_directory to be true/],
    [
      '{ path: a, create_directory: true, directory_permissions: "0o9" }',
      /directory_permissions value must be a valid octal representation/,
    ],
    [
      '{ path: a, create_directory: true, directory_permissions: "7777" }',
      /directory_permissions contain invalid bits for file access/,
    ],
    ['{ path: a, encoding: otlp_encoding }', /encoding extensions are not in this build/],
  ]
  for (const [yaml, error] of refused) {
    test(`${yaml} is refused`, () => {
      assert.throws(() => build(factory, yaml), error)
    })
  }
})

async function lineCount(path: string): Promise<number> {
  return (await readFile(path, 'utf8')).split('\n').length - 1
}

function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let pos = 0; pos < bytes.length; ) {
    const length = bytes.readUInt32BE(pos)
    messages.push(bytes.subarray(pos + 4, pos + 4 + length))
    pos += 4 + length
  }
  return messages
}
