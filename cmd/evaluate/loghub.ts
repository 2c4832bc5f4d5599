/**
 * Log parsing against Loghub's labels, by the definitions of Loghub-2.0 (Jiang et al. 2024): GA, FGA, PA and FTA. Groups are those of `EventId`, texts
 * those of the corrected templates where a system has them.
 */
import { existsSync } from 'node:fs'
import { casesOf } from '../predict/loghub.ts'
import { columnOf, readCsv } from '../predict/read-csv.ts'
import type { Evaluation, Table } from './evaluation.ts'
import type { Bars } from './plot.ts'

/** What `evaluate` needs of a line that `vigil predict --dataset loghub` wrote. */
interface Prediction {
  readonly line: number
  readonly template_id: string
  readonly template: string
}

export interface ParsingMetrics {
  /** The share of lines whose group is exactly the true group of lines. */
  readonly groupingAccuracy: number
  /** The same by groups: F1 of predicted groups that are true groups. */
  readonly groupingF1: number
  /** The share of lines whose template's text is the true one. */
  readonly parsingAccuracy: number
  /** F1 of predicted groups that are true groups and have the true text. */
  readonly templateF1: number
  readonly predictedGroups: number
  readonly trueGroups: number
}

/** Published, with regular expressions and thresholds made for each system: logpai/logparser, the README of each parser. */
const published: Readonly<Record<string, { readonly drain: number; readonly brain: number }>> = {
  HDFS: { drain: 0.998, brain: 0.998 },
  Hadoop: { drain: 0.948, brain: 0.949 },
  Spark: { drain: 0.92, brain: 0.998 },
  Zookeeper: { drain: 0.967, brain: 0.988 },
  BGL: { drain: 0.963, brain: 0.986 },
  HPC: { drain: 0.887, brain: 0.945 },
  Thunderbird: { drain: 0.955, brain: 0.971 },
  Windows: { drain: 0.997, brain: 0.997 },
  Linux: { drain: 0.69, brain: 0.996 },
  Android: { drain: 0.911, brain: 0.961 },
  HealthApp: { drain: 0.78, brain: 1 },
  Apache: { drain: 1, brain: 1 },
  Proxifier: { drain: 0.527, brain: 1 },
  OpenSSH: { drain: 0.788, brain: 1 },
  OpenStack: { drain: 0.733, brain: 1 },
  Mac: { drain: 0.787, brain: 0.942 },
}

export const loghub: Evaluation = {
  kind: 'loghub',
  async evaluate(predictions, labelsDir, progress) {
    const byCase = await read(predictions)
    const cases = await casesOf(labelsDir)
    const known = new Set(cases.map(({ name }) => name))
    const stranger = [...byCase.keys()].find((name) => !known.has(name))
    if (stranger !== undefined) throw new Error(`there are predictions for ${stranger}, and no labels in ${labelsDir}`)
    const scored: { name: string; metrics: ParsingMetrics }[] = []
    for (const [i, { name, file }] of cases.entries()) {
      progress(i, cases.length)
      const lines = byCase.get(name)
      if (lines === undefined) throw new Error(`there are no predictions for ${name}`)
      scored.push({ name, metrics: score(lines, await readLabels(file), name) })
    }
    progress(cases.length, cases.length)
    return [table(scored)]
  },
}

async function read(predictions: AsyncIterable<unknown>): Promise<Map<string, Map<number, Prediction>>> {
  const byCase = new Map<string, Map<number, Prediction>>()
  let row = 0
  for await (const one of predictions) {
    row++
    const { case: name, line, template_id, template } = (one ?? {}) as Partial<Prediction & { case: string }>
    if (typeof name !== 'string' || typeof line !== 'number' || typeof template_id !== 'string')
      throw new Error(`prediction ${row}: a line is {"case","line","template_id","template"}`)
    const lines = byCase.get(name) ?? new Map<number, Prediction>()
    byCase.set(name, lines)
    lines.set(line, { line, template_id, template: template ?? '' })
  }
  return byCase
}

export interface LabelledLine {
  readonly line: number
  readonly eventId: string
  readonly template: string
}

async function readLabels(file: string): Promise<readonly LabelledLine[]> {
  const csv = await readCsv(file)
  const corrected = file.replace(/\.csv$/, '_corrected.csv')
  const templates = existsSync(corrected) ? await readCsv(corrected) : csv
  const events = columnOf(csv, 'EventId', file)
  const texts = columnOf(templates, 'EventTemplate', templates === csv ? file : corrected)
  if (texts.length !== events.length) throw new Error(`${corrected} has ${texts.length} rows, ${file} ${events.length}`)
  return columnOf(csv, 'LineId', file).map((line, i) => ({
    line: Number(line),
    eventId: events[i]!,
    template: texts[i]!,
  }))
}

/** A group's text is the one its last line had. Throws an `Error` where a line has no prediction. */
export function score(
  predictions: ReadonlyMap<number, Prediction>,
  labels: readonly LabelledLine[],
  name: string,
): ParsingMetrics {
  const groups = new Map<string, { lines: number[]; text: string }>()
  const truth = new Map<string, number[]>()
  for (const [i, { line, eventId }] of labels.entries()) {
    const predicted = predictions.get(line)
    if (predicted === undefined) throw new Error(`${name}: line ${line} has no prediction`)
    const group = groups.get(predicted.template_id) ?? { lines: [], text: '' }
    groups.set(predicted.template_id, group)
    group.lines.push(i)
    group.text = predicted.template
    const event = truth.get(eventId) ?? []
    truth.set(eventId, event)
    event.push(i)
  }
  let [rightLines, rightGroups, rightTexts, exactLines] = [0, 0, 0, 0]
  for (const { lines, text } of groups.values()) {
    const first = labels[lines[0]!]!
    const isWhole = lines.every((i) => labels[i]!.eventId === first.eventId)
    exactLines += lines.filter((i) => labels[i]!.template === text).length
    if (!isWhole || truth.get(first.eventId)!.length !== lines.length) continue
    rightLines += lines.length
    rightGroups++
    if (first.template === text) rightTexts++
  }
  const f1 = (right: number) => (2 * right) / (groups.size + truth.size)
  return {
    groupingAccuracy: rightLines / labels.length,
    groupingF1: f1(rightGroups),
    parsingAccuracy: exactLines / labels.length,
    templateF1: f1(rightTexts),
    predictedGroups: groups.size,
    trueGroups: truth.size,
  }
}

function table(scored: readonly { readonly name: string; readonly metrics: ParsingMetrics }[]): Table {
  const row = (name: string, m: ParsingMetrics) => [
    name,
    m.groupingAccuracy,
    m.groupingF1,
    m.parsingAccuracy,
    m.templateF1,
    m.predictedGroups,
    m.trueGroups,
    published[name]?.drain ?? null,
    published[name]?.brain ?? null,
  ]
  const rows = scored.map(({ name, metrics }) => row(name, metrics))
  const mean = (column: number) => {
    const values = rows.map((cells) => cells[column]).filter((cell): cell is number => typeof cell === 'number')
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
  }
  const names = scored.map(({ name }) => name)
  const series = (name: string, pick: (name: string, metrics: ParsingMetrics) => number | undefined) => ({
    name,
    values: scored.map(({ name: of, metrics }) => pick(of, metrics) ?? null),
  })
  const plots: readonly Bars[] = [
    {
      kind: 'bars',
      title: 'GA: share of lines in exactly the true group',
      names,
      series: [
        series('vigil', (_, { groupingAccuracy }) => groupingAccuracy),
        series('Drain', (name) => published[name]?.drain),
        series('Brain', (name) => published[name]?.brain),
      ],
    },
    {
      kind: 'bars',
      title: 'vigil: FGA, PA and FTA',
      names,
      series: [
        series('FGA', (_, { groupingF1 }) => groupingF1),
        series('PA', (_, { parsingAccuracy }) => parsingAccuracy),
        series('FTA', (_, { templateF1 }) => templateF1),
      ],
    },
  ]
  rows.push(['mean', mean(1), mean(2), mean(3), mean(4), mean(5), mean(6), mean(7), mean(8)])
  return {
    title: 'Loghub-2k: log parsing, one configuration for all systems',
    columns: ['system', 'GA', 'FGA', 'PA', 'FTA', 'templates', 'true', 'Drain GA', 'Brain GA'],
    rows,
    plots,
    notes: [
      'GA: share of lines in exactly the true group. FGA: F1 over groups. PA: share of lines with the exact template. FTA: F1 over groups with the exact template.',
      'Drain and Brain: GA as published, with regular expressions and thresholds made for each system (logpai/logparser). Brain reads the whole file first, Drain and log_template one line after the other.',
      'Published means on Loghub-2k over 16 systems (Loghub-2.0 study): Drain GA .85, FGA .74, PA .32, FTA .28; LogPPT (learns from labelled lines) GA .76, FGA .86, PA .71, FTA .64.',
    ],
  }
}
