/** What the benchmark prints. */
import { tooEasyFor } from './baselines/baselines.ts'
import type { Sighting } from './judge.ts'
import type { Outcome } from './run-set.ts'
import type { ScenarioSet } from './scenario-set.ts'
import type { Score } from './score.ts'
import type { Interval } from './statistics.ts'

export interface Report {
  readonly topology: string
  readonly services: number
  readonly seed: number
  readonly setVersion: string
  readonly hash: string
  readonly incidents: number
  readonly faults: number
  readonly silentFaults: number
  readonly quietDays: number
  readonly incidentRate: number
  readonly quietRate: number
  /** What the topology is planned for. */
  readonly plannedRate: number
  readonly simulatedHours: number
  readonly faultFree: number
  readonly wallSeconds: number
  readonly spans: number
  readonly points: number
  readonly logRecords: number
  readonly notes: readonly string[]
  readonly scores: readonly Score[]
  /** By subject: each fault and what was made of it. */
  readonly sightings: Readonly<Record<string, readonly Sighting[]>>
}

/** Fewer say little: 5.4 of the specification asks for so many. */
const leastFaults = 100
const leastQuietDays = 90
const tooEasy = 0.8

export function notesOf(set: ScenarioSet, outcome: Outcome, quietDays: number): readonly string[] {
  const notes: string[] = []
  const noticed = outcome.scores[0]?.faults ?? 0
  if (noticed < leastFaults)
    notes.push(`${noticed} faults that users noticed; below ${leastFaults} the intervals are what counts`)
  if (quietDays < leastQuietDays)
    notes.push(`${round(quietDays, 2)} quiet days; a claim about false alarms needs ${leastQuietDays}`)
  if (set.faultFree < 0.7)
    notes.push(`only ${percent(set.faultFree)} of the simulated time had no fault; it should be 70 % or more`)
  const easy = outcome.scores.find(({ subject }) => subject === tooEasyFor)?.top1.value ?? Number.NaN
  if (easy > tooEasy)
    notes.push(`TOO EASY: ${tooEasyFor} has AC@1 ${share(easy)}, so this set tells good from simple no more`)
  else if (easy <= tooEasy) notes.push(`not too easy: ${tooEasyFor} has AC@1 ${share(easy)}`)
  if (outcome.notLookedAt > 0)
    notes.push(`${outcome.notLookedAt} data points of series beyond the limit were not looked at`)
  notes.push('no subject acts on the world yet: what repairs recover and what wrong ones cost is not measured')
  return notes
}

const columns: readonly (readonly [head: string, of: (score: Score) => string])[] = [
  ['detected', ({ detected }) => interval(detected, percent)],
  ['MTTD s', ({ secondsToDetect }) => interval(secondsToDetect, seconds)],
  ['AC@1', ({ top1 }) => interval(top1, share)],
  ['AC@3', ({ top3 }) => interval(top3, share)],
  ['AC@1 det.', ({ top1OfDetected }) => interval(top1OfDetected, share)],
  ['FP/day', ({ falseIncidentsPerDay }) => interval(falseIncidentsPerDay, one)],
  ['pages/week', ({ pagesPerWeek }) => one(pagesPerWeek.value)],
  ['noise red.', ({ noiseReduction }) => tenths(noiseReduction)],
  ['homog.', ({ homogeneity }) => share(homogeneity)],
  ['compl.', ({ completeness }) => share(completeness)],
  ['suppr. roots', ({ suppressedRoots }) => String(suppressedRoots)],
  ['loss after', ({ lostAfterNotice }) => interval(lostAfterNotice, percent)],
  ['silent det.', ({ silentDetected }) => interval(silentDetected, percent)],
]

export function textOf(report: Report): string {
  const { topology, services, seed, setVersion, hash, notes, scores } = report
  const head = ['subject', ...columns.map(([name]) => name)]
  const rows = scores.map((score) => [score.subject, ...columns.map(([, of]) => of(score))])
  const lines = [
    `${topology}: ${services} services, seed ${seed}, set ${setVersion} ${hash}`,
    `  ${report.incidents} incidents with ${report.faults} faults, ${report.silentFaults} of them silent (no user noticed), at ` +
      `${report.incidentRate} requests/s; ${round(report.quietDays, 2)} quiet days at ${report.quietRate}/s ` +
      `(planned for ${report.plannedRate}/s)`,
    `  ${round(report.simulatedHours, 1)} h of the world, ${percent(report.faultFree)} of it without a fault, in ` +
      `${Math.round(report.wallSeconds)} s; ${report.spans} spans, ${report.points} data points, ${report.logRecords} log records through the pipeline`,
    '',
    ...table([head, ...rows]),
    '',
    ...notes.map((note) => `  - ${note}`),
  ]
  return `${lines.join('\n')}\n`
}

export const legend = `detected: of the faults that users noticed. MTTD: median by Kaplan-Meier of the world's seconds from the onset, missed = censored.
AC@k: the root is among the first k suspects; missed = wrong, "det." = of the detected. FP: incidents on quiet days. noise red.: 1 - incidents/alerts.
homog., compl.: of incidents against faults. loss after: of users' failed requests, those after the first right alert. [..]: 95 % bootstrap intervals.
`

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

function interval({ value, low, high }: Interval, format: (value: number) => string): string {
  return Number.isNaN(value) ? '-' : `${format(value)} [${format(low)}, ${format(high)}]`
}

function percent(value: number): string {
  return Number.isNaN(value) ? '-' : `${Math.round(value * 100)} %`
}

/** Of a giant incident nearly everything is noise: 99.9 % is not all. */
function tenths(value: number): string {
  return Number.isNaN(value) ? '-' : `${(value * 100).toFixed(1)} %`
}

function share(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(2)
}

function seconds(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'never' : String(Math.round(value))
}

function one(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(1)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
