import assert from 'node:assert/strict'
import { appendFile, copyFile, mkdtemp, readdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Batch, Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { logsPayload, metricsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

describeContract(factory, `include: [${join(tmpdir(), 'vigil-no-such-file-*.jsonl')}]`, { kind: 'receiver' })

let root = ''
let folder = ''
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'vigil-otlp-json-'))
})
after(() => rm(root, { recursive: true }))
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'test-'))
})

const at = (name: string) => join(folder, name)
const logs = (...bodies: readonly string[]): Logs => {
  const builder = newLogs()
  for (const body of bodies) builder.record({ body })
  return builder.build()
}
const line = (...bodies: readonly string[]) => `${writeJson(logs(...bodies))}\n`
const bodiesOf = (batch: Batch): string[] =>
  batch.signal === 'logs' ? [...batch].map(({ body }) => (typeof body === 'string' ? body : JSON.stringify(body))) : []

async function start(yaml = '', options: TestContextOptions = {}, state?: Uint8Array) {
  const built = build(factory, `include: ['${at('*.jsonl')}']\n${yaml}`, { kind: 'receiver', ...options })
  const { instance, context } = built
  if (state !== undefined) await instance.restore?.(state)
  await instance.start?.()
  return {
    context,
    /** Lets time pass, and what is read meanwhile arrive. */
    poll: async (ms = 200) => {
      const before = context.clock.nowMs()
      while (context.clock.nowMs() < before + ms) {
        await context.clock.advance(200)
        await new Promise((resolve) => setTimeout(resolve, 15))
        await context.clock.advance(0)
      }
    },
    bodies: () => context.recorded.emitted.flatMap(({ batch }) => bodiesOf(batch)),
    stop: async () => instance.shutdown?.(AbortSignal.timeout(5_000)),
    save: async () => (await instance.save?.()) ?? new Uint8Array(),
  }
}

suite('reading', () => {
  test('every signal comes out as the file exporter wrote it', async () => {
    const batches = [tracesPayload(20), metricsPayload(20), logsPayload(20)]
    await writeFile(at('a.jsonl'), batches.map((batch) => `${writeJson(batch)}\n`).join(''))
    const { context, poll, stop } = await start('start_at: beginning')
    await poll()
    await stop()
    const { emitted, drops } = context.recorded
    assert.deepEqual(
      emitted.map(({ batch }) => writeJson(batch)),
      batches.map((batch) => writeJson(batch)),
    )
    assert.equal(emitted[0]?.batch.origin.transport, 'file')
    assert.deepEqual(drops, [])
  })

  test('what was there at the start is left out unless start_at says otherwise, what comes later never', async () => {
    await writeFile(at('a.jsonl'), line('old'))
    const running = await start()
    await writeFile(at('b.jsonl'), line('new file'))
    await appendFile(at('a.jsonl'), line('new line'))
    await running.poll()
    await running.stop()
    assert.deepEqual(running.bodies().toSorted(), ['new file', 'new line'])
  })

  test('a line is read when it is whole, also without its end after a while', async () => {
    const running = await start('start_at: beginning')
    const text = line('a').trimEnd()
    await writeFile(at('a.jsonl'), text.slice(0, 20))
    await running.poll(1_000)
    assert.deepEqual(running.bodies(), [])
    await appendFile(at('a.jsonl'), text.slice(20))
    await running.poll(1_000)
    await appendFile(at('a.jsonl'), `\n${line('b')}`)
    await running.poll(400)
    await running.stop()
    assert.deepEqual(running.bodies(), ['a', 'b'])
    assert.deepEqual(running.context.recorded.drops, [])
  })

  test('signals that no pipeline takes are passed over', async () => {
    await writeFile(at('a.jsonl'), `${writeJson(tracesPayload(3))}\n${line('a')}{}\n\n`)
    const running = await start('start_at: beginning', { signals: ['logs'] })
    await running.poll()
    await running.stop()
    assert.deepEqual([running.bodies(), running.context.recorded.drops], [['a'], []])
  })

  test('broken lines are skipped, counted, and told with file and line', async () => {
    const long = line('x'.repeat(3_000))
    await writeFile(at('a.jsonl'), `${line('a')}{"resourceLogs":[{]}\n${long}{"other":1}\n${line('b')}`)
    const running = await start('start_at: beginning\nmax_log_size: 2000')
    await running.poll()
    await running.stop()
    assert.deepEqual(running.bodies(), ['a', 'b'])
    const { drops, lines, sums } = running.context.recorded
    assert.deepEqual(drops, [{ items: 3, reason: 'broken_line', intent: 'lost' }])
    assert.equal(sums.get('otelcol_otlp_json_file_broken_lines'), 3)
    const { path, line: number, lines: count } = lines.find(({ level }) => level === 'error')?.fields ?? {}
    assert.deepEqual([path, number, count], [at('a.jsonl'), 2, 3])
  })

  test('a line that is larger than every buffer is read', async () => {
    const big = 'y'.repeat(500_000)
    await writeFile(at('a.jsonl'), line('a') + line(big) + line('b'))
    const running = await start('start_at: beginning')
    await running.poll(400)
    await running.stop()
    assert.deepEqual(running.bodies(), ['a', big, 'b'])
  })
})

suite('back pressure', () => {
  test('what is refused for now comes again, in order, and only what did not get through', async () => {
    let refusals = 0
    const accept = (batch: Batch) => {
      if (bodiesOf(batch)[0] === 'b' && refusals++ < 2) throw new Rejected('full', { retryable: true })
      if (bodiesOf(batch).length === 2 && bodiesOf(batch)[0] === 'c')
        throw new Rejected('half', { retryable: true, remaining: logs('d') })
    }
    await writeFile(at('a.jsonl'), line('a') + line('b') + line('c', 'd') + line('e'))
    const running = await start('start_at: beginning', { accept })
    await running.poll()
    assert.deepEqual(running.bodies(), ['a'])
    await running.poll(1_200)
    await running.stop()
    assert.deepEqual(running.bodies(), ['a', 'b', 'd', 'e'])
    assert.deepEqual(running.context.recorded.drops, [])
  })

  test('retryAfterMs is waited for, and a refusal for good is counted', async () => {
    let refusals = 0
    const accept = (batch: Batch) => {
      if (bodiesOf(batch)[0] === 'bad') throw new Rejected('no', { retryable: false })
      if (refusals++ === 0) throw new Rejected('later', { retryable: true, retryAfterMs: 1_000 })
    }
    await writeFile(at('a.jsonl'), line('a') + line('bad', 'x') + line('b'))
    const running = await start('start_at: beginning', { accept })
    await running.poll(800)
    assert.deepEqual(running.bodies(), [])
    await running.poll(800)
    await running.stop()
    assert.deepEqual(running.bodies(), ['a', 'b'])
    assert.deepEqual(running.context.recorded.drops, [{ items: 2, reason: 'refused', intent: 'lost' }])
  })
})

suite('rotation', () => {
  // So that the beginnings of all files are the same, as those of one service are.
  const same = (body: string) =>
    `{"resourceLogs":[{"schemaUrl":"${'s'.repeat(2_000)}","scopeLogs":[{"logRecords":[{"body":{"stringValue":"${body}"}}]}]}]}\n`

  test('a file that is moved aside is read to its end, and its successor from the beginning', async () => {
    const running = await start()
    await writeFile(at('a.jsonl'), same('1'))
    await running.poll()
    await appendFile(at('a.jsonl'), same('2'))
    await rename(at('a.jsonl'), at('a.old'))
    await appendFile(at('a.old'), same('3'))
    await writeFile(at('a.jsonl'), same('4') + same('5'))
    await running.poll(400)
    await running.stop()
    assert.deepEqual(running.bodies().toSorted(), ['1', '2', '3', '4', '5'])
  })

  test('a file that is copied and emptied is read once', async () => {
    const running = await start()
    await writeFile(at('a.jsonl'), same('1') + same('2'))
    await running.poll()
    await copyFile(at('a.jsonl'), at('a.1.jsonl'))
    await truncate(at('a.jsonl'))
    await running.poll()
    await appendFile(at('a.jsonl'), same('3') + same('4') + same('5'))
    await running.poll(400)
    await running.stop()
    assert.deepEqual(running.bodies().toSorted(), ['1', '2', '3', '4', '5'])
  })

  test('a file that is written anew between two looks is read anew', async () => {
    const running = await start()
    await writeFile(at('a.jsonl'), same('1') + same('2'))
    await running.poll()
    await writeFile(at('a.jsonl'), same('3') + same('4') + same('5'))
    await running.poll(400)
    await running.stop()
    assert.deepEqual(running.bodies(), ['1', '2', '3', '4', '5'])
  })

  test('more files than may be open are all read', async () => {
    const running = await start('max_concurrent_files: 2')
    const names = Array.from({ length: 10 }, (_, i) => `file ${i}`)
    for (const name of names) await writeFile(at(`${name}.jsonl`), line(name))
    await running.poll(400)
    for (const name of names) await appendFile(at(`${name}.jsonl`), line(`${name}, again`))
    await running.poll(400)
    await running.stop()
    assert.deepEqual(running.bodies().toSorted(), names.flatMap((name) => [name, `${name}, again`]).toSorted())
  })
})

test('a new instance goes on where the one before it stopped', async () => {
  const first = await start('start_at: beginning')
  await writeFile(at('a.jsonl'), line('1') + line('2'))
  await first.poll()
  await first.stop()
  const state = await first.save()
  await appendFile(at('a.jsonl'), line('3'))
  await rename(at('a.jsonl'), at('b.jsonl'))
  const second = await start('start_at: beginning', {}, state)
  await second.poll()
  await second.stop()
  assert.deepEqual([first.bodies(), second.bodies()], [['1', '2'], ['3']])
})

test('exclude, exclude_older_than, delete_after_read and replay_file do what they say', async () => {
  await writeFile(at('a.jsonl'), line('a'))
  await writeFile(at('x-b.jsonl'), line('b'))
  await writeFile(at('c.jsonl'), line('c'))
  await utimes(at('c.jsonl'), 0, 0)
  const running = await start(
    `start_at: beginning\ndelete_after_read: true\nexclude: ['${at('x-*')}']\nexclude_older_than: 24h`,
  )
  await running.poll()
  await running.stop()
  // The fake clock stands in 2023, so that a file of today is not old.
  assert.deepEqual([running.bodies(), (await readdir(folder)).toSorted()], [['a'], ['c.jsonl', 'x-b.jsonl']])
  const replaying = await start(`include: ['${at('x-b.jsonl')}']\nreplay_file: true`.replace(/^include.*\n/, ''))
  await replaying.poll(600)
  await replaying.stop()
  assert.deepEqual([...new Set(replaying.bodies())].toSorted(), ['b', 'c'])
  assert.ok(replaying.bodies().length >= 4)
})

test('settings that make no sense are refused with what would', () => {
  const cases: [yaml: string, message: RegExp][] = [
    ['start_at: end', /required field `include` is empty/],
    ['include: [a]\nstart_at: middle', /invalid start_at location 'middle'; use beginning or end/],
    ['include: [a]\nstorage: file_storage', /offsets cannot be stored in this build; remove the key/],
    ['include: [a]\ndelete_after_read: true', /cannot be used with 'start_at: end'/],
    ['include: [a]\nmax_concurrent_files: 1', /must be greater than 1/],
    ['include: [a]\nfingerprint_size: 1', /at least 16 bytes/],
  ]
  for (const [yaml, message] of cases) {
    assert.throws(
      () => build(factory, yaml, { kind: 'receiver' }),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  }
})
