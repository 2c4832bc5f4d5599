/** Holds what a subject said against what really happened. */

import type { Verdict } from '../../pipeline/vocabulary/diagnosis.ts'
import type { FaultTruth } from '../simulate/scenario/truth.ts'
import type { Incidents } from './incidents.ts'
import type { Served } from './play-run.ts'
import type { Run } from './scenario-set.ts'
import type { Members } from './statistics.ts'
import type { Alert, Incident, Known, Ranking, Subject } from './subject.ts'

/** An incident is explained by what came in its first minutes. */
export const explainMs = 120_000
/** After a fault has gone its alerts may still come for this long. */
const afterMs = 60_000

/** One fault and what a subject made of it. Times are in ms of the world. */
export interface Sighting {
  readonly run: string
  readonly fault: string
  readonly root: string
  readonly isDouble: boolean
  /** No user noticed. */
  readonly isSilent: boolean
  /** Of all traces. */
  readonly sampling: number
  /** From the onset to the first alert that names the root or the users' way in, in an incident that was opened since; undefined = missed. */
  readonly delayMs: number | undefined
  /** How long one could have noticed. */
  readonly watchedMs: number
  /** Of the root among the suspects, from 1; undefined = not among them. */
  readonly rank: number | undefined
  /** How sure the subject said to be of what it suspects; undefined = it says no such thing, or missed the fault. */
  readonly verdict?: Verdict
  /** The root had an alert, and all of its alerts were kept from people. */
  readonly isRootSuppressed: boolean
  /** Users' requests that went wrong because of it, and how many of them after the first right alert: what a perfect repair could have saved. */
  readonly lost: number
  readonly lostAfter: number
}

export interface Judged {
  readonly sightings: readonly Sighting[]
  /** How many alerts belong to which fault, if any, and were told in which incident. */
  readonly members: readonly Required<Members>[]
}

export interface Evidence {
  readonly run: Run
  readonly faults: readonly FaultTruth[]
  readonly served: readonly Served[]
  readonly incidents: Incidents
  readonly known: Known
}

interface Placed {
  readonly told: FaultTruth
  readonly root: string
  readonly onsetMs: number
  readonly untilMs: number
}

export function judge(evidence: Evidence, rank: Ranking, own?: Subject['own']): Judged {
  const { run, faults, incidents } = evidence
  const placed = faults.map((told) => place(told, run))
  const firstMs = Math.min(...placed.map(({ onsetMs }) => onsetMs))
  const entries = new Set(run.topology.users.operations.map(({ call }) => call.slice(0, call.indexOf('/'))))
  return {
    sightings: placed.map((fault) => sight(fault, { evidence, rank, own, firstMs, entries })),
    members: incidents.all.flatMap(({ alerts }, i) =>
      [...Map.groupBy(alerts, (alert) => belongsTo(alert, placed))].map(([truth, { length }]) => ({
        truth: `${run.name}/${truth}`,
        cluster: `${run.name}/${i}`,
        count: length,
      })),
    ),
  }
}

interface Looking {
  readonly evidence: Evidence
  readonly rank: Ranking
  readonly own: Subject['own']
  readonly firstMs: number
  readonly entries: ReadonlySet<string>
}

function sight(fault: Placed, { evidence, rank, own, firstMs, entries }: Looking): Sighting {
  const { run, incidents, served, known } = evidence
  const { told, root, onsetMs, untilMs } = fault
  const names = (alert: Alert) =>
    // A symptom stands in the incident with what explains it: people see both.
    (own !== undefined || !alert.isSuppressed) &&
    alert.atMs > onsetMs &&
    alert.atMs <= untilMs &&
    // More requests at the way in are no symptom of anything but more users.
    (alert.entity === root || (entries.has(alert.entity) && (alert.feature !== 'rate' || root === 'users')))
  // One that was open before said nothing new; of two faults at once, both may be told as one.
  const found = incidents.all.find(({ openMs, alerts }) => openMs > firstMs && alerts.some(names))
  const namedMs = found?.alerts.find(names)?.atMs
  const withinMs = own?.withinMs ?? explainMs
  // Whoever opens incidents itself told people when it did, if what it is about was named soon; but not before there was anything to tell.
  const isOpening = own !== undefined && found !== undefined && found.openMs > onsetMs
  const seenMs = isOpening && namedMs! - found.openMs <= withinMs ? found.openMs : namedMs
  const explained = found === undefined ? undefined : firstMinutes(found, known, withinMs)
  const suspects = explained === undefined ? [] : rank(...explained)
  const verdict = explained === undefined ? undefined : own?.verdict(...explained)
  const rankOfRoot = suspects.indexOf(root) + 1
  const ofRoot = incidents.all
    .flatMap(({ alerts }) => alerts)
    .filter((one) => one.entity === root && isWithin(one, fault))
  const usual = shareOf(served.filter(({ fromMs }) => fromMs >= run.warmUpMs / 2 && fromMs < firstMs))
  const lostFrom = (ms: number) =>
    served
      .filter(({ fromMs }) => fromMs >= ms && fromMs <= untilMs)
      .reduce((sum, { all, bad }) => sum + bad - usual * all, 0)
  const lost = Math.max(0, lostFrom(onsetMs - 10_000))
  return {
    run: run.name,
    fault: told.fault,
    root,
    isDouble: run.isDouble,
    isSilent: told.isSilent,
    sampling: run.scenario.observation.sampling,
    delayMs: seenMs === undefined ? undefined : seenMs - onsetMs,
    watchedMs: untilMs - onsetMs,
    rank: rankOfRoot === 0 ? undefined : rankOfRoot,
    ...(verdict === undefined ? {} : { verdict }),
    isRootSuppressed: ofRoot.length > 0 && ofRoot.every((one) => one.isSuppressed === true),
    lost,
    lostAfter: seenMs === undefined ? 0 : Math.min(lost, Math.max(0, lostFrom(seenMs))),
  }
}

/** No subject may look into the future. */
function firstMinutes(incident: Incident, known: Known, withinMs: number): [Incident, Known] {
  const { openMs, alerts } = incident
  const untilMs = openMs + withinMs
  return [
    { ...incident, alerts: alerts.filter(({ atMs }) => atMs <= untilMs) },
    { ...known, events: known.events.filter(({ atMs }) => atMs <= untilMs) },
  ]
}

function place(told: FaultTruth, { startMs, scenario }: Run): Placed {
  const onsetMs = Date.parse(told.onset) - startMs
  const endMs = told.end === undefined ? scenario.duration : Date.parse(told.end) - startMs
  // A fault that ends at once, as a flushed cache, may be noticed as long as it was planned for.
  const planned = scenario.events.find(({ fault, at }) => fault?.type === told.fault && Math.abs(at - onsetMs) < 1_000)
  const untilMs = Math.max(endMs, onsetMs + (planned?.for ?? 0)) + afterMs
  return { told, root: told.root.service ?? told.root.name, onsetMs, untilMs: Math.min(scenario.duration, untilMs) }
}

function isWithin({ atMs }: Alert, { onsetMs, untilMs }: Placed): boolean {
  return atMs > onsetMs && atMs <= untilMs
}

/** Of two at once: to the one whose root it names, or else to the first. */
function belongsTo(alert: Alert, placed: readonly Placed[]): string {
  const possible = placed.filter((fault) => isWithin(alert, fault))
  const chosen = possible.find(({ root }) => root === alert.entity) ?? possible[0]
  return chosen === undefined ? 'no fault' : String(placed.indexOf(chosen))
}

function shareOf(served: readonly Served[]): number {
  const all = served.reduce((sum, one) => sum + one.all, 0)
  return all === 0 ? 0 : served.reduce((sum, one) => sum + one.bad, 0) / all
}
