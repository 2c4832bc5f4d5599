/** SMD, ASD and JumpStarter: ours beside the baselines, which are computed here on the same machines. */
import { readFile } from 'node:fs/promises'
import type { AlarmBudgetOptions } from '../../models/alarm-budget.ts'
import { noveltyDefaults } from '../../models/novelty.ts'
import type { Progress } from '../predict/dataset.ts'
import { casesOf } from '../predict/machines.ts'
import { readTable } from '../predict/read-table.ts'
import { alarmMetrics, median } from './alarm-metrics.ts'
import { baselines, budgetAlarms } from './baselines.ts'
import type { Evaluation, Table } from './evaluation.ts'
import { type Bars, type Curves, meanCurve, precisionByRecall, type Timeline, timeline } from './plot.ts'
import { averagePrecision, spansOf, vusBuffer, vusPr } from './ranking-metrics.ts'
import { type Prediction, readPredictions } from './read-predictions.ts'

/** Seconds from row to row, as the data sets' authors say. */
const rowSeconds = { smd: 60, asd: 300, jumpstarter: 300 } as const

/** The whole of what our two views may spend, so that a baseline has as many alarms as we have. */
const budget: AlarmBudgetOptions = {
  ...noveltyDefaults.size,
  rate: noveltyDefaults.size.rate + noveltyDefaults.pattern.rate,
  inHand: noveltyDefaults.size.inHand + noveltyDefaults.pattern.inHand,
}

/** False alarms per machine and day that a team can bear. */
const mostFalseAlarms = 2

const columns = ['AUC-PR', 'VUS-PR', 'event F1', 'found', 'of', 'point F1', 'delay min', 'false/day'] as const

interface Measured {
  readonly values: readonly number[]
  readonly delays: readonly number[]
  readonly curve: Float64Array
  readonly alarmPoint: { readonly recall: number; readonly precision: number }
}

export const machineEvaluations: readonly Evaluation[] = (['smd', 'asd', 'jumpstarter'] as const).map((kind) => ({
  kind,
  evaluate: (predictions, dir, progress) => evaluate(kind, predictions, dir, progress),
}))

async function evaluate(
  kind: keyof typeof rowSeconds,
  lines: AsyncIterable<unknown>,
  dir: string,
  progress: Progress,
): Promise<readonly Table[]> {
  const seconds = rowSeconds[kind]
  const predictions = await readPredictions(lines)
  const cases = await casesOf(dir)
  const byDetector = new Map<string, Measured[]>()
  const ours: (readonly (string | number)[])[] = []
  const timelines: Timeline[] = []
  for (const [i, { name, test: testFile, train: trainFile }] of cases.entries()) {
    progress(i, cases.length)
    const prediction = predictions.get(name)
    if (prediction === undefined) throw new Error(`there are no predictions for ${name}, which ${dir} has`)
    const test = await readTable(testFile)
    const labels = await readLabels(testFile.replace(/\.test\.csv(\.gz)?$/, '.label.csv'), test.rows)
    if (prediction.scores.length !== test.rows)
      throw new Error(
        `there are predictions for ${prediction.scores.length} rows of ${name}, and ${testFile} has ${test.rows}`,
      )
    const buffer = vusBuffer(firstColumn(test))
    const add = (detector: string, measured: Measured) =>
      byDetector.set(detector, [...(byDetector.get(detector) ?? []), measured])
    const own = measure(labels, prediction, buffer, seconds)
    add('vigil', own)
    ours.push([name, ...own.values])
    timelines.push(timeline(name, prediction, spansOf(labels), ['start', duration(test.rows * seconds)]))
    const train = trainFile === undefined ? test : await readTable(trainFile)
    for (const baseline of baselines) {
      const scores = baseline.score(train, test)
      const alarms = budgetAlarms(scores.train, scores.test, budget)
      add(baseline.name, measure(labels, { scores: scores.test, alarms }, buffer, seconds))
    }
  }
  progress(cases.length, cases.length)
  const { rate, inHand } = budget
  const notes = [
    `Means over ${cases.length} machines; found events and their number are sums, the delay is the median of all found events.`,
    `An alarm is the row at which it is raised; it is false where no labelled row is within its run. Thresholds saw no label: all detectors share one budget of an alarm in ${Math.round(1 / rate)} rows and ${inHand} in hand.`,
    'Point F1 takes alarm rows as they are: one row of an event that lasts hours is one row. No point adjustment anywhere.',
  ]
  return [
    {
      title: `${kind}: detectors`,
      columns: ['detector', ...columns],
      rows: Array.from(byDetector, ([name, all]) => [name, ...summary(all)]),
      notes,
      plots: [curves(byDetector), falseAlarms('False alarms per machine and day, by detector', byDetector)],
    },
    {
      title: `${kind}: vigil by machine`,
      columns: ['machine', ...columns],
      rows: ours,
      notes: [],
      plots: [
        falseAlarms(
          'False alarms per day, by machine',
          new Map((byDetector.get('vigil') ?? []).map((one, i) => [cases[i]!.name, [one]])),
        ),
        ...timelines,
      ],
    },
  ]
}

/** Precision at each recall is averaged over the machines, whose scores need not have one scale. */
function curves(byDetector: ReadonlyMap<string, readonly Measured[]>): Curves {
  return {
    kind: 'curves',
    title: 'Precision over recall of rows, mean over machines; a dot is what the detector itself raised',
    curves: Array.from(byDetector, ([name, all]) => ({
      name,
      precision: meanCurve(all.map(({ curve }) => curve)),
      point: {
        recall: mean(all.map(({ alarmPoint }) => alarmPoint.recall)),
        precision: mean(all.map(({ alarmPoint }) => alarmPoint.precision)),
      },
    })),
  }
}

function falseAlarms(title: string, all: ReadonlyMap<string, readonly Measured[]>): Bars {
  const column = columns.indexOf('false/day')
  return {
    kind: 'bars',
    title,
    names: [...all.keys()],
    series: [
      {
        name: 'false alarms',
        values: Array.from(all.values(), (some) => mean(some.map(({ values }) => values[column] ?? 0))),
      },
    ],
    limit: { at: mostFalseAlarms, name: `at most ${mostFalseAlarms}` },
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function duration(seconds: number): string {
  return seconds < 172_800
    ? `${(seconds / 3_600).toFixed(1)} hours later`
    : `${(seconds / 86_400).toFixed(1)} days later`
}

function measure(
  labels: Uint8Array,
  { scores, alarms }: Pick<Prediction, 'scores' | 'alarms'>,
  buffer: number,
  seconds: number,
): Measured {
  const found = alarmMetrics(labels, alarms)
  const delays = found.delays.map((rows) => (rows * seconds) / 60)
  const days = (labels.length * seconds) / 86_400
  return {
    values: [
      averagePrecision(labels, scores),
      vusPr(labels, scores, buffer),
      found.eventF1,
      found.foundEvents,
      found.events,
      found.pointF1,
      median(delays),
      found.falseAlarms / days,
    ],
    delays,
    curve: precisionByRecall(labels, scores),
    alarmPoint: { recall: found.pointRecall, precision: found.pointPrecision },
  }
}

function summary(all: readonly Measured[]): readonly number[] {
  return columns.map((name, j) => {
    const values = all.map((one) => one.values[j] ?? Number.NaN).filter((value) => !Number.isNaN(value))
    const sum = values.reduce((total, value) => total + value, 0)
    if (name === 'delay min') return median(all.flatMap(({ delays }) => delays))
    return name === 'found' || name === 'of' ? sum : sum / values.length
  })
}

/** 0 or 1 a row, with a header or without. Throws an `Error` that names the file. */
async function readLabels(file: string, rows: number): Promise<Uint8Array> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`${file} cannot be read: labels stand beside the data`, { cause })
  })
  const cells = text.split(/\s+/).filter((cell) => cell !== '' && cell !== 'label')
  if (cells.length !== rows) throw new Error(`${file} has ${cells.length} labels where the data has ${rows} rows`)
  return Uint8Array.from(cells, (cell, i) => {
    const label = Number(cell)
    if (label === 0 || label === 1) return label
    throw new Error(`${file}: label ${i + 1} is ${cell}, not 0 or 1`)
  })
}

function firstColumn({
  values,
  rows,
  names,
}: {
  values: Float64Array
  rows: number
  names: readonly string[]
}): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => values[i * names.length] as number)
}
