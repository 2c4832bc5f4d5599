/**
 * What the disk costs: `node extensions/file_storage/journal.bench.ts [directory]`. First the journal alone, then the whole sending queue on disk
 * beside the one in memory, with batches of 1,000 spans.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromChunks } from '../../pipeline/data/batch.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { wrapExporter } from '../../pipeline/export/sender.ts'
import { type SendingSettings, sendingKeys } from '../../pipeline/export/sending.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { tracesPayload } from '../../pipeline/testing/payloads.ts'
import { FileStorage } from './file-storage.ts'

const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'vigil-journal-bench-'))
const segmentBytes = 16 * 1024 * 1024
const owner = { kind: 'exporter', id: 'bench', name: 'traces' } as const

function storageOf(fsync: boolean): FileStorage {
  const { logger, meter, clock } = testContext()
  const directory = mkdtempSync(join(root, 'run-'))
  return new FileStorage({ directory, fsync, recreate: false, permissions: 0o750, segmentBytes, logger, meter, clock })
}

/** `senders` appends under way at a time, each acknowledged at once, as when sending keeps up; or all read back first. */
async function journal(bytes: number, records: number, fsync: boolean, senders: number, isReadBack: boolean) {
  const open = await storageOf(fsync).journal(owner)
  const chunk = new Uint8Array(bytes).fill(7)
  const meta = new Uint8Array(16)
  const before = process.cpuUsage()
  const start = performance.now()
  let left = records
  const send = async () => {
    while (left-- > 0) {
      const entry = await open.append({ items: 1, meta, chunks: [chunk] })
      if (!isReadBack && open.take(entry)) open.acknowledge(entry)
    }
  }
  await Promise.all(Array.from({ length: senders }, send))
  const written = performance.now()
  for (let one = await open.next(); one !== undefined; one = await open.next()) open.acknowledge(one.entry)
  const end = performance.now()
  const { user, system } = process.cpuUsage(before)
  await open.close()
  const perRecord = ((written - start) * 1_000) / records
  console.log(
    `${`${bytes / 1024} KiB, fsync ${fsync}, ${senders} senders${isReadBack ? ', read back' : ''}`.padEnd(48)}` +
      `${((records * bytes) / 1e3 / (written - start)).toFixed(0).padStart(7)} MB/s ${perRecord.toFixed(1).padStart(8)} us/record` +
      `${((user + system) / records).toFixed(1).padStart(9)} us CPU/record` +
      (isReadBack ? `${((records * bytes) / 1e3 / (end - written)).toFixed(0).padStart(7)} MB/s read` : ''),
  )
}

/** CPU seconds per million spans, the sender's side alone: nothing is received and nothing goes out. */
async function queue(name: string, files: FileStorage | undefined): Promise<number> {
  const base = testContext({ id: 'bench', kind: 'exporter' })
  const sender = wrapExporter({
    context: { ...base, extension: <T>() => files as T },
    signal: 'traces',
    handler: async () => {},
    sending: sendingKeys({ queue: true, retry: true, timeoutMs: 0 }).parse({
      sending_queue: { ...(files === undefined ? {} : { storage: 'x' }), queue_size: 1_000, block_on_overflow: true },
    }) as SendingSettings,
  })
  await sender.start()
  const payloads = Array.from({ length: 12 }, (_, seed) => tracesPayload(1_000, { seed }))
  let round = 0
  const run = async (batches: number) => {
    let left = batches
    const send = async () => {
      while (left-- > 0) {
        const { chunks } = payloads[round++ % payloads.length]!
        const batch: Traces = fromChunks('traces', chunks, [1_000])
        await sender.consume(batch)
      }
    }
    await Promise.all(Array.from({ length: 8 }, send))
  }
  await run(200)
  const before = process.cpuUsage()
  const start = performance.now()
  await run(2_000)
  const { user, system } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6 / 2
  const kSpans = 2_000_000 / (performance.now() - start)
  console.log(`${name.padEnd(48)}${seconds.toFixed(3)} CPU-s per M spans, ${kSpans.toFixed(0)} k spans/s`)
  await sender.shutdown(AbortSignal.timeout(10_000))
  return seconds
}

try {
  for (const fsync of [false, true]) {
    for (const [bytes, records] of [
      [1024 * 1024, 400],
      [4096, 20_000],
    ] as const) {
      for (const senders of [1, 16]) {
        await journal(bytes, fsync && senders === 1 ? records / 10 : records, fsync, senders, false)
      }
      await journal(bytes, records, fsync, 16, true)
    }
  }
  const memory = await queue('queue in memory', undefined)
  for (const fsync of [false, true]) {
    const disk = await queue(`queue on disk, fsync ${fsync}`, storageOf(fsync))
    console.log(`  more than in memory: ${(disk - memory).toFixed(3)} CPU-s per M spans`)
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
