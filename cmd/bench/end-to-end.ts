/** One row: both Collectors loaded in turns, so that what else the machine does falls on both. */
import { errorMessage } from '../../pipeline/error-message.ts'
import type { Program } from './collector.ts'
import type { Row } from './rows.ts'
import { type Round, Subject } from './subject.ts'

interface Measured {
  readonly program: string
  /** CPU-seconds a million items, user and system. */
  readonly cpuPerMillion: Spread
  readonly itemsPerCpuSecond: number
  readonly itemsPerSecond: number
  /** Sent on, as compressed: who compresses less has less to do. */
  readonly bytesPerItem: number
  readonly maxRssMb: number
  /** Of the time its first thread wanted a core: the share that somebody else had it. */
  readonly waitedShare: number
  readonly loopDelayP99Ms: number | undefined
}
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}
export interface RowResult {
  readonly row: string
  readonly measured: readonly Measured[]
  /** Why there is nothing to see of a program. */
  readonly failures: readonly string[]
  /** Vigil's items per CPU-second by those of the real Collector. */
  readonly ratio: number | undefined
}

export interface Plan {
  readonly rounds: number
  readonly roundMs: number
  readonly warmUpMs: number
}

export async function measureRow(
  row: Row,
  programs: readonly Program[],
  plan: Plan,
  folder: string,
): Promise<RowResult> {
  const subjects: Subject[] = []
  const failures: string[] = []
  const rounds = new Map<Subject, Round[]>()
  const failed = (program: Program, error: unknown) => failures.push(`${program.name}: ${errorMessage(error)}`)
  try {
    for (const program of programs) {
      try {
        const subject = await Subject.start(program, row, folder)
        subjects.push(subject)
        await subject.round(plan.warmUpMs)
        rounds.set(subject, [])
      } catch (error) {
        failed(program, error)
      }
    }
    for (let round = 0; round < plan.rounds; round++) {
      for (const [subject, done] of rounds) {
        try {
          done.push(await subject.round(plan.roundMs))
        } catch (error) {
          failed(subject.collector.program, error)
          rounds.delete(subject)
        }
      }
    }
    const measured = await Promise.all([...rounds].map(([subject, done]) => summarise(subject, done)))
    return { row: row.name, measured, failures, ratio: ratioOf(measured) }
  } finally {
    for (const subject of subjects) await subject.stop()
  }
}

async function summarise(subject: Subject, rounds: readonly Round[]): Promise<Measured> {
  const cpuPerMillion = spread(rounds.map(({ items, cpuSeconds }) => (cpuSeconds / items) * 1e6))
  return {
    program: subject.collector.program.name,
    cpuPerMillion,
    itemsPerCpuSecond: 1e6 / cpuPerMillion.median,
    itemsPerSecond: spread(rounds.map(({ itemsPerSecond }) => itemsPerSecond)).median,
    bytesPerItem: spread(rounds.map(({ wireBytes, items }) => wireBytes / items)).median,
    maxRssMb: subject.memory().maxRssMb,
    waitedShare: subject.waitedShare(),
    loopDelayP99Ms: await subject.loopDelayMs(),
  }
}

function ratioOf(measured: readonly Measured[]): number | undefined {
  const rate = (name: string) => measured.find(({ program }) => program === name)?.itemsPerCpuSecond
  const [vigil, real] = [rate('vigil'), rate('otelcol')]
  return vigil === undefined || real === undefined ? undefined : vigil / real
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
