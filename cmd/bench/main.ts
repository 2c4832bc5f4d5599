/** `npm run bench`: what a million items cost Vigil and the real Collector, on the same YAML, in the same run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { findContribOracle, findOracle, NoOracle } from '../compat/oracle.ts'
import { measureAgent } from './agent.ts'
import { placement } from './child.ts'
import { type Program, realCollector, vigil } from './collector.ts'
import { measureRow, type Plan, type RowResult } from './end-to-end.ts'
import { measureInProcess } from './in-process.ts'
import { agentTable, endToEndHead, endToEndLines, machine, type Report } from './report.ts'
import { chooseComponentRows, chooseRows, type Row } from './rows.ts'

interface Flags {
  readonly quick?: true
  readonly rows?: string
  readonly only: 'all' | 'end-to-end' | 'components' | 'agent' | 'in-process'
  readonly programs: 'both' | 'vigil' | 'otelcol'
  readonly rounds: number
  readonly seconds: number
  readonly nodeFlags: string
  readonly output: 'text' | 'json'
}

const warmUpMs = 3_000
const agentStarts = 3

const whole = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 600) throw new InvalidArgumentError('It must be 1 to 600.')
  return value
}
const { quick, rows, only, programs, rounds, seconds, nodeFlags, output } = new Command('bench')
  .description('Measures Vigil beside the real Collector: CPU a million items, memory, start')
  .option('--quick', 'five rows instead of eighteen')
  .option('--rows <text>', 'only rows whose name holds this, as "traces grpc"')
  .addOption(
    new Option('--only <part>').choices(['all', 'end-to-end', 'components', 'agent', 'in-process']).default('all'),
  )
  .addOption(new Option('--programs <which>').choices(['both', 'vigil', 'otelcol']).default('both'))
  .option('--rounds <n>', 'of each program and row; the median counts', whole, 3)
  .option('--seconds <n>', 'of load in a round', whole, 6)
  .option('--node-flags <flags>', 'for Vigil, to try a setting of V8', '')
  .addOption(new Option('--output <format>').choices(['text', 'json']).default('text'))
  .parse()
  .opts<Flags>()

// Each line as soon as it is there: a full run takes a quarter of an hour.
const say = (text: string) => output === 'text' && process.stdout.write(`${text}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const about = machine()
say(`${about}; ${placement}\n`)
const isWanted = (part: Flags['only']) => only === 'all' || only === part
const subjects =
  isWanted('end-to-end') || isWanted('agent') ? await choosePrograms(async () => (await findOracle(say)).otelcol) : []
const contribs = isWanted('components') ? await choosePrograms(() => findContribOracle(say)) : []
const plan: Plan = { rounds, roundMs: seconds * 1_000, warmUpMs }
const report: Report = {
  machine: about,
  placement,
  endToEnd: isWanted('end-to-end') ? await endToEnd(subjects, plan) : [],
  components: isWanted('components') ? await components(contribs, plan) : [],
  agent: isWanted('agent') ? await agent(subjects) : [],
  inProcess: isWanted('in-process') ? await measureInProcess(({ title, text }) => say(`\n## ${title}\n\n${text}`)) : [],
}
if (output === 'json') process.stdout.write(`${JSON.stringify(report)}\n`)
if ([...report.endToEnd, ...report.components].some(({ failures }) => failures.length > 0)) process.exitCode = 1

async function choosePrograms(find: () => Promise<string>): Promise<Program[]> {
  const chosen: Program[] = []
  if (programs !== 'vigil') {
    try {
      chosen.push(realCollector(await find()))
    } catch (error) {
      if (!(error instanceof NoOracle) || programs === 'otelcol') throw error
      process.stderr.write(`Vigil is measured alone: ${error.message}\n`)
    }
  }
  if (programs !== 'otelcol') chosen.push(vigil(nodeFlags.split(' ').filter((flag) => flag !== '')))
  return chosen
}

function endToEnd(subjects: readonly Program[], plan: Plan): Promise<Report['endToEnd']> {
  say('## OTLP in, batch, OTLP out: 1,000 items a request, 64 distinct payloads, 8 requests in flight\n')
  say(
    `${plan.rounds} interleaved rounds of ${plan.roundMs / 1_000} s after a warm-up; every item sent was counted at the sink.\n`,
  )
  return measureRows(chooseRows(quick === true, rows), subjects, plan)
}

function components(subjects: readonly Program[], plan: Plan): Promise<Report['components']> {
  say('\n## Traces over gRPC through one component, then batch: CPU by items that went in\n')
  return measureRows(chooseComponentRows(rows), subjects, plan)
}

async function measureRows(all: readonly Row[], subjects: readonly Program[], plan: Plan): Promise<RowResult[]> {
  const results = []
  say(endToEndHead)
  for (const row of all) {
    const result = await measureRow(row, subjects, plan, folder)
    say(endToEndLines(result))
    results.push(result)
  }
  return results
}

async function agent(subjects: readonly Program[]): Promise<Report['agent']> {
  const results = []
  for (const subject of subjects) results.push(await measureAgent(subject, agentStarts, folder))
  say(`\n## Agent profile: otlp, batch, otlp_grpc, nothing to do\n\n${agentTable(results)}`)
  return results
}
