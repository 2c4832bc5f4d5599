/** The figures of one subject over a whole set, with their 95 % intervals: over faults, and over parts of quiet days. */
import { type Verdict, verdicts } from '../../pipeline/vocabulary/diagnosis.ts'
import { Random } from '../simulate/world/random.ts'
import type { Judged, Sighting } from './judge.ts'
import { bootstrap, type Interval, mean, medianSurvival, vMeasureOf } from './statistics.ts'

/** What a subject said while nothing was wrong. */
export interface Quiet {
  readonly alerts: number
  /** A quarter of a day, or what there is. */
  readonly parts: readonly { readonly days: number; readonly incidents: number; readonly pages: number }[]
}

export interface Score {
  readonly subject: string
  /** Faults that users noticed. */
  readonly faults: number
  readonly detected: Interval
  /** Of the world's seconds; the median by Kaplan and Meier, faults that were missed are censored. Infinite where at most half were detected. */
  readonly secondsToDetect: Interval
  readonly top1: Interval
  readonly top3: Interval
  /** Of those that were detected. */
  readonly top1OfDetected: Interval
  readonly top3OfDetected: Interval
  readonly falseIncidentsPerDay: Interval
  /** Incidents that wake somebody; of whoever knows no severity, all. */
  readonly pagesPerWeek: Interval
  readonly noiseReduction: number
  readonly homogeneity: number
  readonly completeness: number
  readonly suppressedRoots: number
  /** Of the requests that went wrong by a fault, the share that came after it was noticed: no repair could save more. */
  readonly lostAfterNotice: Interval
  /** Of faults that no user noticed: how many, and the share that was told nevertheless. */
  readonly silentFaults: number
  readonly silentDetected: Interval
  /** Of faults that users noticed and that were explained: how often it said to be so sure, and how often its first suspect was right then. */
  readonly verdicts: readonly { readonly verdict: Verdict; readonly cases: number; readonly right: Interval }[]
}

export function scoreOf(subject: string, judged: readonly Judged[], quiet: Quiet, incidents: number): Score {
  const chance = new Random(1, `bootstrap of ${subject}`)
  const over = <T>(items: readonly T[], measure: (sample: readonly T[]) => number) =>
    bootstrap(items, measure, { random: () => chance.next() })
  const all = judged.flatMap(({ sightings }) => sightings)
  const noticed = all.filter(({ isSilent }) => !isSilent)
  const silent = all.filter(({ isSilent }) => isSilent)
  const found = noticed.filter(isFound)
  const members = judged.flatMap((one) => one.members)
  const { homogeneity, completeness } = vMeasureOf(members)
  const alerts = members.reduce((sum, { count }) => sum + count, 0) + quiet.alerts
  const perDay = (of: 'incidents' | 'pages') => rareOf(quiet, over(quiet.parts, countPerDay(of)))
  const pages = perDay('pages')
  return {
    subject,
    faults: noticed.length,
    detected: over(noticed, shareOf(isFound)),
    secondsToDetect: over(noticed, medianSeconds),
    top1: over(noticed, shareOf(isTop(1))),
    top3: over(noticed, shareOf(isTop(3))),
    top1OfDetected: over(found, shareOf(isTop(1))),
    top3OfDetected: over(found, shareOf(isTop(3))),
    falseIncidentsPerDay: perDay('incidents'),
    pagesPerWeek: { value: pages.value * 7, low: pages.low * 7, high: pages.high * 7 },
    noiseReduction: alerts === 0 ? Number.NaN : 1 - incidents / alerts,
    homogeneity: members.length === 0 ? Number.NaN : homogeneity,
    completeness: members.length === 0 ? Number.NaN : completeness,
    suppressedRoots: all.filter(({ isRootSuppressed }) => isRootSuppressed).length,
    lostAfterNotice: over(noticed, lostAfterNotice),
    silentFaults: silent.length,
    silentDetected: over(silent, shareOf(isFound)),
    verdicts: verdicts.flatMap((verdict) => {
      const said = noticed.filter((one) => one.verdict === verdict)
      return said.length === 0 ? [] : [{ verdict, cases: said.length, right: over(said, shareOf(isTop(1))) }]
    }),
  }
}

/** No false alarm in a few days is no proof that there is none: nothing to resample then, so the exact limit of a Poisson count of zero. */
function rareOf({ parts }: Quiet, resampled: Interval): Interval {
  const days = parts.reduce((sum, one) => sum + one.days, 0)
  return resampled.value > 0 || days === 0 ? resampled : { ...resampled, high: -Math.log(0.025) / days }
}

function countPerDay(of: 'incidents' | 'pages'): (sample: Quiet['parts']) => number {
  return (sample) => {
    const days = sample.reduce((sum, one) => sum + one.days, 0)
    return days === 0 ? Number.NaN : sample.reduce((sum, one) => sum + one[of], 0) / days
  }
}

function isFound({ delayMs }: Sighting): boolean {
  return delayMs !== undefined
}

function isTop(most: number): (one: Sighting) => boolean {
  return ({ delayMs, rank }) => delayMs !== undefined && rank !== undefined && rank <= most
}

function shareOf(is: (one: Sighting) => boolean): (sample: readonly Sighting[]) => number {
  return (sample) => mean(sample.map((one) => (is(one) ? 1 : 0)))
}

function medianSeconds(sample: readonly Sighting[]): number {
  return medianSurvival(
    sample.map(({ delayMs, watchedMs }) => ({
      time: (delayMs ?? watchedMs) / 1_000,
      isObserved: delayMs !== undefined,
    })),
  )
}

function lostAfterNotice(sample: readonly Sighting[]): number {
  const lost = sample.reduce((sum, one) => sum + one.lost, 0)
  return lost === 0 ? Number.NaN : sample.reduce((sum, one) => sum + one.lostAfter, 0) / lost
}
