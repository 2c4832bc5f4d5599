/** `benchmark`: incidents and quiet days of simulated worlds through the real pipeline, and how well each subject notices and explains them. */

import { availableParallelism } from 'node:os'
import { type Command, Option } from 'commander'
import { memoryJournal, openJournal } from './benchmark/journal.ts'
import { withObjectives } from './benchmark/objectives.ts'
import { Progress } from './benchmark/progress.ts'
import { legend, notesOf, type Report, textOf } from './benchmark/report.ts'
import { outcomeOf, playSet } from './benchmark/run-set.ts'
import { drawSet, faultsIn, type SetSize } from './benchmark/scenario-set.ts'
import { subjectsOf } from './benchmark/subjects.ts'
import type { CommandContext } from './command.ts'
import { number, wholeNumber } from './option-values.ts'
import { readTopology } from './simulate/topology/read.ts'
import type { Topology } from './simulate/topology/schema.ts'

interface BenchmarkFlags {
  readonly seed: number
  readonly incidents?: number
  readonly days?: number
  readonly incidentRate: number
  readonly quietRate: number
  readonly quick?: true
  readonly config?: string
  readonly jobs: number
  readonly resume?: string
  readonly report?: true
  readonly repairs: boolean
  readonly output: 'text' | 'json'
}

/** 160 incidents leave more than 100 that users notice. */
const whole = { incidents: 160, days: 90 }
const quick = { incidents: 20, days: 0.5 }

export function register(program: Command, context: CommandContext): void {
  program
    .command('benchmark')
    .description(
      'Plays seeded incidents and quiet days through the real pipeline and measures who notices and explains them',
    )
    .argument('<topology...>', 'YAML files; examples/topologies has some')
    .option('--seed <n>', 'the same seed draws the same set', wholeNumber(0, 0xffff_ffff), 1)
    .option('--incidents <n>', `how many; ${whole.incidents} if absent`, wholeNumber(0, 100_000))
    .option('--days <n>', `days without a fault; ${whole.days} if absent`, number(0, 10_000))
    .option('--quick', `${quick.incidents} incidents and ${quick.days} days, for a first look`)
    .option('--incident-rate <n>', "users' requests a second during incidents", number(0.1, 10_000), 4)
    .option('--quiet-rate <n>', 'the same on quiet days', number(0.01, 10_000), 0.5)
    .option(
      '--config <file>',
      'the configuration under test: its vigil.anomaly events are measured beside the baselines',
    )
    .option('--jobs <n>', 'runs that are played at once, each on a core', wholeNumber(1, 256), availableParallelism())
    .option('--resume <folder>', 'keeps what was played there, goes on where it stopped, and plays nothing twice')
    .option('--report', 'plays nothing, and reports what --resume has')
    .option('--no-repairs', 'leaves out what acting on incidents recovers and costs, which takes as long as all else')
    .addOption(new Option('--output <format>', 'of the report').choices(['text', 'json']).default('text'))
    .action(async (files: readonly string[], flags: BenchmarkFlags) => benchmark(files, flags, context))
}

async function benchmark(files: readonly string[], flags: BenchmarkFlags, context: CommandContext): Promise<void> {
  const { incidents, days } = flags.quick === true ? quick : whole
  const { seed, incidentRate, quietRate } = flags
  const size: SetSize = {
    incidents: flags.incidents ?? incidents,
    quietDays: flags.days ?? days,
    incidentRate,
    quietRate,
  }
  if (size.incidents === 0 && size.quietDays === 0)
    throw new Error('nothing to play: give --incidents or --days more than 0')
  if (flags.report === true && flags.resume === undefined)
    throw new Error('--report needs to know where the runs are: give --resume the folder that they were played with')
  // All of them first: a mistake in the last file should not show after an hour.
  const topologies: Topology[] = []
  for (const file of files) topologies.push(await readTopology(file))
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt)
  try {
    const reports: Report[] = []
    for (const topology of topologies) {
      const report = await measure(topology, seed, size, { flags, context, signal: interrupted.signal })
      reports.push(report)
      if (flags.output === 'text') context.stdout.write(`${textOf(report)}\n`)
    }
    context.stdout.write(flags.output === 'text' ? legend : `${JSON.stringify(reports, withNever, 2)}\n`)
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt)
  }
}

/** What never happened is infinitely late, and JSON has no such number. */
function withNever(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? 'never' : value
}

interface Measuring {
  readonly flags: BenchmarkFlags
  readonly context: CommandContext
  readonly signal: AbortSignal
}

async function measure(
  topology: Topology,
  seed: number,
  size: SetSize,
  { flags, context, signal }: Measuring,
): Promise<Report> {
  const { config, jobs, resume, repairs: hasRepairs } = flags
  const set = drawSet(withObjectives(topology, size.incidentRate, seed), seed, size)
  const journal =
    resume === undefined
      ? memoryJournal()
      : await openJournal(resume, { topology: topology.name, seed, set, config, hasRepairs })
  if (flags.report !== true) {
    const progress = new Progress(context.stderr)
    const onProgress = (share: number, run: string) => progress.show(share, `${topology.name} ${run}`)
    await playSet(set, { journal, jobs, config, hasRepairs, signal, onProgress })
      .catch((error: unknown) => {
        if (resume === undefined || !signal.aborted) throw error
        throw new Error(
          `interrupted: ${journal.records.size} of ${set.runs.length} runs are in ${resume}; begin again to go on`,
        )
      })
      .finally(() => progress.clear())
  }
  const subjects = subjectsOf(config).map(({ name }) => name)
  const outcome = outcomeOf(set, journal, subjects)
  const { received, scores, played } = outcome
  const { faults, faultFree } = faultsIn(played)
  const { rate } = topology.users
  return {
    topology: topology.name,
    services: Object.keys(topology.services).length,
    seed,
    setVersion: set.version,
    hash: set.hash,
    incidents: outcome.incidents,
    plannedIncidents: size.incidents,
    faults,
    silentFaults: scores[0]?.silentFaults ?? 0,
    quietDays: outcome.quietDays,
    plannedQuietDays: size.quietDays,
    incidentRate: Math.min(rate, size.incidentRate),
    quietRate: Math.min(rate, size.quietRate),
    plannedRate: rate,
    simulatedHours: played.reduce((sum, { scenario }) => sum + scenario.duration, 0) / 3_600_000,
    faultFree,
    wallSeconds: outcome.wallSeconds,
    spans: received.traces,
    points: received.metrics,
    logRecords: received.logs,
    notes: notesOf(set, outcome),
    scores,
    repairs: outcome.repairs,
    sightings: Object.fromEntries(
      [...outcome.judged].map(([subject, judged]) => [subject, judged.flatMap((one) => one.sightings)]),
    ),
  }
}
