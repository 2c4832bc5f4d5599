/** Plays what of a set has not been played yet, and puts all of it together. */
import type { Journal } from './journal.ts'
import type { Judged } from './judge.ts'
import type { Counts } from './pipeline.ts'
import type { RunRecord } from './play-one.ts'
import { playAll } from './players.ts'
import { everybody, nobody, somebody } from './repair/repairs.ts'
import { type RepairScore, repairScoreOf } from './repair/score.ts'
import type { Run, ScenarioSet } from './scenario-set.ts'
import { type Quiet, type Score, scoreOf } from './score.ts'

const dayMs = 24 * 3_600_000

export interface RunSetOptions {
  readonly journal: Journal
  /** Runs that are played at once. */
  readonly jobs: number
  /** A file; the built-in pass-through if absent. */
  readonly config: string | undefined
  readonly hasRepairs: boolean
  readonly signal: AbortSignal
  /** Share of the set that is done, and what is played now. */
  readonly onProgress: (share: number, run: string) => void
}

export interface Outcome {
  readonly scores: readonly Score[]
  /** Empty where it was not asked for. */
  readonly repairs: readonly RepairScore[]
  readonly judged: ReadonlyMap<string, readonly Judged[]>
  readonly sent: Counts
  readonly received: Counts
  readonly notLookedAt: number
  /** Of the set, what has been played. */
  readonly played: readonly Run[]
  readonly incidents: number
  readonly quietDays: number
  /** Of all runs, one after the other. */
  readonly wallSeconds: number
}

export async function playSet({ runs }: ScenarioSet, options: RunSetOptions): Promise<void> {
  const { journal, jobs, config, hasRepairs, signal, onProgress } = options
  const left = mixed(runs.filter(({ name }) => !journal.records.has(name)))
  const totalMs = runs.reduce((sum, { scenario }) => sum + scenario.duration, 0)
  let doneMs = totalMs - left.reduce((sum, { scenario }) => sum + scenario.duration, 0)
  await playAll(left, {
    jobs,
    config,
    hasRepairs,
    signal,
    onProgress: (run, ms) => onProgress((doneMs += ms) / totalMs, run.name),
    onRecord: (record) => journal.add(record),
  })
}

/** Of what has been played so far. */
export function outcomeOf({ runs }: ScenarioSet, { records }: Journal, subjects: readonly string[]): Outcome {
  const played = runs.filter(({ name }) => records.has(name))
  const all = played.map(({ name }) => records.get(name)!)
  const judged = new Map(
    subjects.map((subject) => [subject, all.flatMap((record) => record.subjects[subject]?.judged ?? [])]),
  )
  const quiet = played.filter(({ isQuiet }) => isQuiet)
  const quietDays = quiet.reduce((sum, { scenario, warmUpMs }) => sum + scenario.duration - warmUpMs, 0) / dayMs
  return {
    scores: subjects.map((subject) => scoreFrom(subject, all)),
    repairs: repairsFrom(all, quietDays),
    judged,
    sent: total(all, 'sent'),
    received: total(all, 'received'),
    notLookedAt: all.reduce((sum, record) => sum + record.notLookedAt, 0),
    played,
    incidents: played.length - quiet.length,
    quietDays,
    wallSeconds: all.reduce((sum, record) => sum + record.wallSeconds, 0),
  }
}

function scoreFrom(subject: string, records: readonly RunRecord[]): Score {
  const seen = records.flatMap((record) => record.subjects[subject] ?? [])
  const quiet: Quiet = {
    alerts: seen.reduce((sum, one) => sum + (one.quiet?.alerts ?? 0), 0),
    parts: seen.flatMap((one) => one.quiet?.parts ?? []),
  }
  return scoreOf(
    subject,
    seen.flatMap(({ judged }) => judged ?? []),
    quiet,
    seen.reduce((sum, { incidents }) => sum + incidents, 0),
  )
}

function repairsFrom(records: readonly RunRecord[], quietDays: number): readonly RepairScore[] {
  const all = records.flatMap(({ repairs }) => (repairs === undefined ? [] : [repairs]))
  const names = new Set([nobody, everybody, somebody, ...all.flatMap((one) => Object.keys(one))])
  if (all.length === 0) return []
  return [...names].map((who) => {
    const acted = all.flatMap((one) => {
      const [own, nothing, oracle] = [one[who], one[nobody], one[everybody]]
      return own === undefined || nothing === undefined || oracle === undefined ? [] : [{ own, nothing, oracle }]
    })
    const quiet = records.reduce((sum, { quietActions }) => sum + (quietActions?.[who] ?? 0), 0)
    return repairScoreOf(who, acted, quiet / quietDays)
  })
}

/** Incidents and quiet days in turn, so that what has been played at any time tells of both. */
function mixed(runs: readonly Run[]): readonly Run[] {
  const places = new Map<Run, number>()
  for (const alike of [runs.filter(({ isQuiet }) => isQuiet), runs.filter(({ isQuiet }) => !isQuiet)])
    for (const [i, run] of alike.entries()) places.set(run, (i + 0.5) / alike.length)
  return runs.toSorted((a, b) => places.get(a)! - places.get(b)!)
}

function total(records: readonly RunRecord[], which: 'sent' | 'received'): Counts {
  const sum = (signal: keyof Counts) => records.reduce((all, record) => all + record[which][signal], 0)
  return { traces: sum('traces'), metrics: sum('metrics'), logs: sum('logs') }
}
