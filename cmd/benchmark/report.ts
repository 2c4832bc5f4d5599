/** What the benchmark prints. */
import { tooEasyFor } from './baselines/baselines.ts'
import type { Sighting } from './judge.ts'
import { detectionMs } from './repair/oracle.ts'
import { thinkMs } from './repair/policies.ts'
import { human } from './repair/repairs.ts'
import type { RepairScore } from './repair/score.ts'
import type { Outcome } from './run-set.ts'
import { faultsIn, type ScenarioSet } from './scenario-set.ts'
import type { Score } from './score.ts'
import type { Interval } from './statistics.ts'

export interface Report {
  readonly topology: string
  readonly services: number
  readonly seed: number
  readonly setVersion: string
  readonly hash: string
  readonly incidents: number
  readonly plannedIncidents: number
  readonly faults: number
  readonly silentFaults: number
  readonly quietDays: number
  readonly plannedQuietDays: number
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
  readonly repairs: readonly RepairScore[]
  /** By subject: each fault and what was made of it. */
  readonly sightings: Readonly<Record<string, readonly Sighting[]>>
}

/** Fewer say little: 5.4 of the specification asks for so many. */
const leastFaults = 100
const leastQuietDays = 90
const tooEasy = 0.8

export function notesOf(set: ScenarioSet, outcome: Outcome): readonly string[] {
  const notes: string[] = []
  const { quietDays, played } = outcome
  if (played.length < set.runs.length)
    notes.push(`NOT FINISHED: ${played.length} of ${set.runs.length} runs were played; these are the figures so far`)
  const noticed = outcome.scores[0]?.faults ?? 0
  if (noticed < leastFaults)
    notes.push(`${noticed} faults that users noticed; below ${leastFaults} the intervals are what counts`)
  if (quietDays < leastQuietDays)
    notes.push(`${round(quietDays, 2)} quiet days; a claim about false alarms needs ${leastQuietDays}`)
  const { faultFree } = faultsIn(played)
  if (faultFree < 0.7)
    notes.push(`only ${percent(faultFree)} of the simulated time had no fault; it should be 70 % or more`)
  const easy = outcome.scores.find(({ subject }) => subject === tooEasyFor)?.top1.value ?? Number.NaN
  if (easy > tooEasy)
    notes.push(`TOO EASY: ${tooEasyFor} has AC@1 ${share(easy)}, so this set tells good from simple no more`)
  else if (easy <= tooEasy) notes.push(`not too easy: ${tooEasyFor} has AC@1 ${share(easy)}`)
  if (outcome.notLookedAt > 0)
    notes.push(`${outcome.notLookedAt} data points of series beyond the limit were not looked at`)
  if (outcome.repairs.length === 0) notes.push('what repairs recover and what wrong ones cost was not measured')
  else
    notes.push(
      `repairs: the same worlds again, with a fault that stays until it is repaired, 40 minutes at most; the oracle acts ${detectionMs / 1_000} s after the ` +
        `onset, a human (an assumption) ${human.medianMs / 60_000} minutes later in the median of a log-normal with sigma ${human.sigma}, scripts ` +
        `${thinkMs / 1_000} s after an incident opens; no script saw what came of what it did. A user makes a request a minute`,
    )
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
    `  ${of(report.incidents, report.plannedIncidents)} incidents with ${report.faults} faults, ${report.silentFaults} of them silent (no user ` +
      `noticed), at ${report.incidentRate} requests/s; ${of(round(report.quietDays, 2), round(report.plannedQuietDays, 2))} quiet days at ` +
      `${report.quietRate}/s (the topology is planned for ${report.plannedRate}/s)`,
    `  ${round(report.simulatedHours, 1)} h of the world, ${percent(report.faultFree)} of it without a fault, in ` +
      `${Math.round(report.wallSeconds)} s of one player; ${report.spans} spans, ${report.points} data points, ${report.logRecords} log records through the pipeline`,
    '',
    ...table([head, ...rows]),
    '',
    ...verdictLines(scores),
    ...repairTable(report.repairs),
    ...notes.map((note) => `  - ${note}`),
  ]
  return `${lines.join('\n')}\n`
}

function verdictLines(scores: readonly Score[]): readonly string[] {
  const lines = scores.flatMap(({ subject, verdicts }) =>
    verdicts.map(
      ({ verdict, cases, right }) => `${subject}, ${verdict}: ${cases} faults, AC@1 ${interval(right, share)}`,
    ),
  )
  return lines.length === 0 ? [] : [...lines, '']
}

export const legend = `detected: of the faults that users noticed. MTTD: median by Kaplan-Meier of the world's seconds from the onset, missed = censored.
AC@k: the root is among the first k suspects; missed = wrong, "det." = of the detected. FP: incidents on quiet days. noise red.: 1 - incidents/alerts.
homog., compl.: of incidents against faults. loss after: of users' failed requests, those after the first right alert. [..]: 95 % bootstrap intervals.
who acts: attempted ... harmful: of all incidents, silent ones too. recovered: of the users' minutes that the faults cost when nothing is done; of oracle: of
those that the oracle recovers. goodput lost: users' minutes by incident that only what was done made bad. MTTR: until users feel nothing any more, censored
where they still do at the end. quiet acts: what would be done on quiet days, all of it wrong; counted, not played.
`

const repairColumns: readonly (readonly [head: string, of: (score: RepairScore) => string])[] = [
  ['attempted', ({ attempted }) => interval(attempted, percent)],
  ['correct', ({ correct }) => interval(correct, percent)],
  ['harmless wrong', ({ harmlessWrong }) => interval(harmlessWrong, percent)],
  ['harmful', ({ harmful }) => interval(harmful, percent)],
  ['recovered', ({ recovered }) => interval(recovered, percent)],
  ['of oracle', ({ recoveredOfOracle }) => interval(recoveredOfOracle, percent)],
  ['user-min', ({ minutesRecovered, minutesLost }) => `${Math.round(minutesRecovered)} of ${Math.round(minutesLost)}`],
  ['goodput lost', ({ goodputLost }) => interval(goodputLost, one)],
  ['MTTR min', ({ minutesToRepair }) => interval(minutesToRepair, one)],
  ['quiet acts/day', ({ quietActions }) => one(quietActions)],
]

function repairTable(repairs: readonly RepairScore[]): readonly string[] {
  if (repairs.length === 0) return []
  const head = ['who acts', ...repairColumns.map(([name]) => name)]
  const rows = repairs.map((score) => [score.who, ...repairColumns.map(([, of]) => of(score))])
  return [...table([head, ...rows]), '']
}

function of(played: number, planned: number): string {
  return played === planned ? String(played) : `${played} of ${planned} planned`
}

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
  if (value === Number.POSITIVE_INFINITY) return 'never'
  return Number.isNaN(value) ? '-' : value.toFixed(1)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
