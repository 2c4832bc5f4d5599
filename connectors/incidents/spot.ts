/** One episode of trouble in one place: alarms about the same service, database or node that began together. */
import type { Alarm } from './alarm.ts'
import { isOn } from './alarm.ts'
import { rankOf } from './severity.ts'

export interface Spot {
  readonly place: string
  readonly pin: string | undefined
  readonly alarms: readonly Alarm[]
  readonly onset: number
  /** The latest onset. */
  readonly last: number
  readonly uncertainty: number
  readonly strength: number
  /** Rank. */
  readonly severity: number
  readonly isOn: boolean
  /** Of the last that cleared. */
  readonly until: number
  /** Only more or less traffic, or something odd: it explains nothing by itself. */
  readonly isWeak: boolean
  /** What breaks it. */
  explainer: Spot | undefined
  /** How many it breaks, through others too. */
  explains: number
}

/** In the order of their onsets, the same for the same alarms in whatever order they came. */
export function spotsOf(alarms: readonly Alarm[], joinWithin: number, sourceOf: (alarm: Alarm) => string): Spot[] {
  const byPlace = Map.groupBy(alarms, (alarm) => `${alarm.pinnedTo ?? ''} ${sourceOf(alarm)}`)
  const spots: Spot[] = []
  for (const of of byPlace.values()) {
    const sorted = of.toSorted(byOnset)
    let from = 0
    let last = sorted[0]!.last
    for (let i = 1; i <= sorted.length; i++) {
      const next = sorted[i]
      if (next !== undefined && next.since - last <= joinWithin) {
        last = Math.max(last, next.last)
        continue
      }
      spots.push(newSpot(sorted.slice(from, i), sourceOf(sorted[from]!)))
      from = i
      last = next?.last ?? 0
    }
  }
  return spots.sort(inOrder)
}

function newSpot(alarms: readonly Alarm[], place: string): Spot {
  // What is loud says when it began; a quiet forerunner says little.
  const strength = (of: readonly Alarm[]) => Math.max(...of.map((one) => one.strength))
  const severity = Math.max(...alarms.map((alarm) => rankOf(alarm.severity)))
  const loud = alarms.filter((alarm) => rankOf(alarm.severity) >= Math.min(severity, 1))
  const [first = alarms[0]!] = loud
  return {
    place,
    pin: first.pinnedTo,
    alarms,
    onset: first.since,
    last: Math.max(...alarms.map(({ last }) => last)),
    uncertainty: first.uncertainty,
    strength: strength(loud),
    severity,
    isOn: alarms.some(isOn),
    until: Math.max(...alarms.map(({ until, heard }) => until ?? heard)),
    isWeak: strength(alarms) === 0 || (severity === 0 && strength(alarms) < 2),
    explainer: undefined,
    explains: 0,
  }
}

export function byOnset(a: Alarm, b: Alarm): number {
  return a.since - b.since || (a.fingerprint < b.fingerprint ? -1 : a.fingerprint > b.fingerprint ? 1 : 0)
}

export function inOrder(a: Spot, b: Spot): number {
  return a.onset - b.onset || byOnset(a.alarms[0]!, b.alarms[0]!)
}

/** Seconds between their onsets; 0 where one's lie among the other's. */
export function between(a: Pick<Spot, 'onset' | 'last'>, b: Pick<Spot, 'onset' | 'last'>): number {
  return Math.max(0, a.onset - b.last, b.onset - a.last)
}
