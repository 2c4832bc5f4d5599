/** `node cmd/bench/profile.ts [row]`: one row of the benchmark with Vigil under a profiler, and the functions that took the time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { vigil } from './collector.ts'
import { topSelfTimes } from './cpu-profile.ts'
import { connectProfiler, inspectorFlags } from './profiler.ts'
import { allRows, componentRows } from './rows.ts'
import { Subject } from './subject.ts'

interface Flags {
  readonly top: string
  readonly seconds: string
  readonly keep?: string
  readonly nodeFlags: string
}

const warmUpMs = 4_000

const command = new Command('profile')
  .description('Profiles Vigil while one row of the benchmark runs')
  .argument('[row]', 'as `npm run bench` names it', 'traces grpc none')
  .option('--top <n>', 'how many functions', '30')
  .option('--seconds <n>', 'of load', '8')
  .option('--keep <file>', 'keep the .cpuprofile, for the DevTools')
  .option('--node-flags <flags>', 'to try a setting of V8', '')
  .parse()
const { top, seconds, keep, nodeFlags } = command.opts<Flags>()
const [rowName] = command.processedArgs as [string]
const rows = [...allRows, ...componentRows]
const row = rows.find(({ name }) => name === rowName)
if (row === undefined) {
  process.stderr.write(`Error: no row "${rowName}". One of: ${rows.map(({ name }) => name).join(', ')}\n`)
  process.exit(1)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const folder = mkdtempSync(join(tmpdir(), 'vigil-profile-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const flags = [...inspectorFlags, ...nodeFlags.split(' ').filter((flag) => flag !== '')]
const subject = await Subject.start(vigil(flags), row, folder)
try {
  await subject.round(warmUpMs)
  const profiler = await connectProfiler(subject.collector.log())
  await profiler.start()
  const { items, cpuSeconds, systemSeconds } = await subject.round(Number(seconds) * 1_000)
  const profile = await profiler.stop()
  profiler.close()
  const perMillion = (value: number) => ((value / items) * 1e6).toFixed(2)
  process.stdout.write(
    `${row.name}: ${items} items, ${perMillion(cpuSeconds)} CPU-s per M items under the profiler, ` +
      `${perMillion(systemSeconds)} of it in the kernel\n`,
  )
  for (const { where, ms, share } of topSelfTimes(profile, Number(top)))
    process.stdout.write(
      `${(share * 100).toFixed(1).padStart(6)} %  ${((ms / items) * 1e3).toFixed(3)} us/item  ${where}\n`,
    )
  if (keep !== undefined) writeFileSync(keep, JSON.stringify(profile))
} finally {
  await subject.stop()
}
