/** Plays a whole set and lets all subjects watch. */
import { Random } from '../simulate/world/random.ts'
import { Incidents } from './incidents.ts'
import { explainMs, type Judged, judge } from './judge.ts'
import { type Counts, type Pipeline, startPipeline } from './pipeline.ts'
import { type Played, playRun } from './play-run.ts'
import type { Run, ScenarioSet } from './scenario-set.ts'
import { type Quiet, type Score, scoreOf } from './score.ts'
import type { Event, Known, Subject, Window } from './subject.ts'

const dayMs = 24 * 3_600_000
const partMs = dayMs / 4

export interface RunSetOptions {
  readonly subjects: readonly Subject[]
  /** A file; the built-in pass-through if absent. */
  readonly config: string | undefined
  readonly signal: AbortSignal
  /** Share of the set that is done, and what is played now. */
  readonly onProgress: (share: number, run: string) => void
}

export interface Outcome {
  readonly scores: readonly Score[]
  readonly judged: ReadonlyMap<string, readonly Judged[]>
  readonly sent: Counts
  readonly received: Counts
  readonly notLookedAt: number
}

/** Of one subject over the whole set. */
interface Notes {
  readonly subject: Subject
  readonly judged: Judged[]
  readonly parts: Quiet['parts'][number][]
  quietAlerts: number
  incidents: number
}

export async function runSet(set: ScenarioSet, options: RunSetOptions): Promise<Outcome> {
  const { subjects, config, signal, onProgress } = options
  const records: readonly Notes[] = subjects.map((subject) => ({
    subject,
    judged: [],
    parts: [],
    quietAlerts: 0,
    incidents: 0,
  }))
  const sent = { traces: 0, metrics: 0, logs: 0 }
  const received = { traces: 0, metrics: 0, logs: 0 }
  const totalMs = set.runs.reduce((sum, { scenario }) => sum + scenario.duration, 0)
  let [doneMs, notLookedAt] = [0, 0]
  for (const run of set.runs) {
    onProgress(doneMs / totalMs, run.name)
    // What a pipeline learned in one world must not help it in the next.
    const pipeline = await startPipeline(config)
    try {
      const watchers = watchersOf(subjects, run)
      const events: Event[] = []
      let entities: readonly string[] = []
      const played = await playRun(run, {
        pipeline,
        signal,
        onWindow: (window) => {
          for (const watcher of watchers.values()) watcher.see(window)
          events.push(...window.events)
          ;({ entities } = window)
        },
        onProgress: (ms) => onProgress((doneMs += ms) / totalMs, run.name),
      })
      if (config === undefined) checkNothingLost(pipeline)
      for (const record of records) conclude(record, { run, played, watchers, events, entities })
      notLookedAt += played.notLookedAt
      for (const counted of ['traces', 'metrics', 'logs'] as const) {
        sent[counted] += pipeline.sent[counted]
        received[counted] += pipeline.received[counted]
      }
    } finally {
      await pipeline.close()
    }
  }
  const scores = records.map(({ subject, judged, parts, quietAlerts, incidents }) => {
    const quiet: Quiet = { alerts: quietAlerts, parts }
    return scoreOf(subject.name, judged, quiet, incidents)
  })
  const judged = new Map(records.map((record) => [record.subject.name, record.judged]))
  return { scores, judged, sent, received, notLookedAt }
}

interface Watcher {
  readonly incidents: Incidents
  see(window: Window): void
}

/** Subjects with the same detector share it. */
function watchersOf(subjects: readonly Subject[], { seed, isQuiet }: Run): ReadonlyMap<string, Watcher> {
  const watchers = new Map<string, Watcher>()
  for (const { detector, detect } of subjects) {
    if (watchers.has(detector)) continue
    const chance = new Random(seed, detector)
    const detecting = detect(() => chance.next())
    const incidents = new Incidents(isQuiet ? explainMs : Number.POSITIVE_INFINITY)
    watchers.set(detector, {
      incidents,
      see: (window) => {
        const alerts = detecting.observe(window)
        if (!window.isWarmUp) for (const alert of alerts) incidents.add(alert)
      },
    })
  }
  return watchers
}

interface Seen {
  readonly run: Run
  readonly played: Played
  readonly watchers: ReadonlyMap<string, Watcher>
  readonly events: readonly Event[]
  readonly entities: readonly string[]
}

function conclude(record: Notes, { run, played, watchers, events, entities }: Seen): void {
  const { subject, judged, parts } = record
  const { incidents } = watchers.get(subject.detector)!
  record.incidents += incidents.all.length
  if (run.isQuiet) {
    record.quietAlerts += incidents.alerts
    parts.push(...partsOf(incidents, run))
    return
  }
  const chance = new Random(run.seed, `ranking of ${subject.name}`)
  const known: Known = { entities, events, random: () => chance.next() }
  const { faults, served } = played
  judged.push(judge({ run, faults, served, incidents, known }, subject.rank))
}

function partsOf({ all }: Incidents, { scenario, warmUpMs }: Run): Quiet['parts'] {
  const lengthMs = scenario.duration - warmUpMs
  const count = Math.max(1, Math.round(lengthMs / partMs))
  const counts = Array.from({ length: count }, () => 0)
  for (const { openMs } of all) {
    const part = Math.floor(((openMs - warmUpMs) / lengthMs) * count)
    counts[Math.min(count - 1, part)]!++
  }
  return counts.map((incidents) => ({ days: lengthMs / count / dayMs, incidents }))
}

function checkNothingLost({ sent, received }: Pipeline): void {
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    if (sent[signal] !== received[signal])
      throw new Error(`of ${sent[signal]} ${signal} that went into the pipeline ${received[signal]} came out`)
  }
}
