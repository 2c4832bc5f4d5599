/** `node cmd/bench/turns.bench.ts [row]`: how much CPU one turn of Vigil's event loop takes while a row of the benchmark runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vigil } from './collector.ts'
import { allRows } from './rows.ts'
import { Subject } from './subject.ts'

const warmUpMs = 4_000
const roundMs = 6_000

const [, , name = 'traces grpc none', ...nodeFlags] = process.argv
const row = allRows.find((one) => one.name === name)
if (row === undefined) {
  process.stderr.write(`Error: no row "${name}". One of: ${allRows.map((one) => one.name).join(', ')}\n`)
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'vigil-turns-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const recorder = new URL('./turn-recorder.ts', import.meta.url)
const subject = await Subject.start(vigil([`--import=${recorder.href}`, ...nodeFlags]), row, folder)
try {
  await subject.round(warmUpMs)
  await subject.round(roundMs)
} finally {
  await subject.stop()
}
const found = /^TURNS (.*)$/m.exec(subject.collector.log())
process.stdout.write(`${row.name}: ${found?.[1] ?? 'nothing was recorded'}\n`)
