/** One run of a set, watched by all subjects. What is kept of it can be written as JSON: a set is put together from such records. */
import { Random } from '../simulate/world/random.ts'
import { Incidents } from './incidents.ts'
import { explainMs, type Judged, judge } from './judge.ts'
import { type Counts, type Pipeline, startPipeline } from './pipeline.ts'
import { type Played, playRun } from './play-run.ts'
import { planOf, policiesFor } from './repair/policies.ts'
import { type Repair, repairsOf } from './repair/repairs.ts'
import type { Run } from './scenario-set.ts'
import type { Quiet } from './score.ts'
import type { Event, Known, Subject, Window } from './subject.ts'

const dayMs = 24 * 3_600_000
const partMs = dayMs / 4

/** What a subject made of a run. */
export interface Seen {
  readonly incidents: number
  /** Of an incident. */
  readonly judged?: Judged
  /** Of a quiet run. */
  readonly quiet?: Quiet
}

export interface RunRecord {
  readonly run: string
  readonly wallSeconds: number
  readonly sent: Counts
  readonly received: Counts
  readonly notLookedAt: number
  readonly subjects: Readonly<Record<string, Seen>>
  /** Of an incident: what acting on it was worth, by who acts. */
  readonly repairs?: Readonly<Record<string, Repair>>
  /** Of a quiet run: how often they would have acted. */
  readonly quietActions?: Readonly<Record<string, number>>
}

export interface PlayOneOptions {
  readonly subjects: readonly Subject[]
  /** A file; the built-in pass-through if absent. */
  readonly config: string | undefined
  /** Whether incidents are played again with those who act on them. */
  readonly hasRepairs: boolean
  readonly signal: AbortSignal
  /** Milliseconds of the world that were played since the last call. */
  readonly onProgress: (ms: number) => void
}

export async function playOne(run: Run, options: PlayOneOptions): Promise<RunRecord> {
  const { subjects, config, hasRepairs, signal, onProgress } = options
  const begun = performance.now()
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
      onProgress,
    })
    if (config === undefined) checkNothingLost(pipeline)
    const seen = subjects.map((subject) => [
      subject.name,
      conclude(subject, { run, played, watchers, events, entities }),
    ])
    const acting = hasRepairs ? await act({ run, played, watchers, events, entities }, signal) : {}
    return {
      run: run.name,
      ...acting,
      wallSeconds: Math.round(performance.now() - begun) / 1_000,
      sent: { ...pipeline.sent },
      received: { ...pipeline.received },
      notLookedAt: played.notLookedAt,
      subjects: Object.fromEntries(seen) as Record<string, Seen>,
    }
  } finally {
    await pipeline.close()
  }
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

interface Watched {
  readonly run: Run
  readonly played: Played
  readonly watchers: ReadonlyMap<string, Watcher>
  readonly events: readonly Event[]
  readonly entities: readonly string[]
}

function conclude(subject: Subject, { run, played, watchers, events, entities }: Watched): Seen {
  const { incidents } = watchers.get(subject.detector)!
  const told = incidents.all.length
  if (run.isQuiet) return { incidents: told, quiet: { alerts: incidents.alerts, parts: partsOf(incidents, run) } }
  const chance = new Random(run.seed, `ranking of ${subject.name}`)
  const known: Known = { entities, events, random: () => chance.next() }
  const { faults, served } = played
  return { incidents: told, judged: judge({ run, faults, served, incidents, known }, subject.rank, subject.own) }
}

async function act(
  { run, played, watchers, events, entities }: Watched,
  signal: AbortSignal,
): Promise<Pick<RunRecord, 'repairs' | 'quietActions'>> {
  const policies = policiesFor(new Set(watchers.keys()))
  const known: Known = { entities, events, random: () => 0 }
  const incidents = (detector: string) => watchers.get(detector)?.incidents.all ?? []
  if (!run.isQuiet)
    return { repairs: await repairsOf({ run, faults: played.faults, known, incidents, signal }, policies) }
  const counts = policies.map((one) => [one.name, planOf(one, run.topology, incidents(one.detector), known).length])
  return { quietActions: Object.fromEntries(counts) as Record<string, number> }
}

function partsOf({ all }: Incidents, { scenario, warmUpMs }: Run): Quiet['parts'] {
  const lengthMs = scenario.duration - warmUpMs
  const count = Math.max(1, Math.round(lengthMs / partMs))
  const parts = Array.from({ length: count }, () => ({ days: lengthMs / count / dayMs, incidents: 0, pages: 0 }))
  for (const { openMs, isPage } of all) {
    const part = parts[Math.min(count - 1, Math.floor(((openMs - warmUpMs) / lengthMs) * count))]!
    part.incidents++
    if (isPage) part.pages++
  }
  return parts
}

function checkNothingLost({ sent, received }: Pipeline): void {
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    if (sent[signal] !== received[signal])
      throw new Error(`of ${sent[signal]} ${signal} that went into the pipeline ${received[signal]} came out`)
  }
}
