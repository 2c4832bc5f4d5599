/** NAB: our alarms as they are, so one fixed threshold that saw no label; beside the published detectors, whose thresholds were tuned on the labels. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSeries, seriesOf } from '../predict/nab.ts'
import type { Evaluation, Table } from './evaluation.ts'
import { type NabFile, nabProfiles, nabRaw, normalise } from './nab-score.ts'
import { type Bars, meanCurve, precisionByRecall, type Timeline, timeline } from './plot.ts'
import type { Span } from './ranking-metrics.ts'
import { readPredictions } from './read-predictions.ts'

const profileNames = ['standard', 'low_fp', 'low_fn'] as const
/** As NAB's scoreboard calls them. */
const published = { standard: 'standard', low_fp: 'reward_low_FP_rate', low_fn: 'reward_low_FN_rate' } as const

export const nabEvaluation: Evaluation = {
  kind: 'nab',
  async evaluate(predictions, dir, progress) {
    const said = await readPredictions(predictions)
    const windows = await readWindows(join(dir, 'labels/combined_windows.json'))
    const names = await seriesOf(dir)
    const files: NamedFile[] = []
    const timelines: Timeline[] = []
    const curves: Float64Array[] = []
    for (const [i, name] of names.entries()) {
      progress(i, names.length)
      const { timestamps } = await readSeries(join(dir, 'data', name))
      const prediction = said.get(name)
      const alarms = prediction?.alarms
      if (alarms?.length !== timestamps.length || prediction === undefined)
        throw new Error(
          `there are predictions for ${alarms?.length ?? 0} rows of ${name}, and ${dir} has ${timestamps.length}`,
        )
      const labelled = (windows[name] ?? []).map((window) => span(window, timestamps, name))
      files.push({ name, alarms, windows: labelled, days: daysOf(timestamps) })
      timelines.push(timeline(name, prediction, labelled, [timestamps[0] ?? '', timestamps.at(-1) ?? '']))
      const labels = new Uint8Array(alarms.length)
      for (const { from, to } of labelled) labels.fill(1, from, to + 1)
      curves.push(precisionByRecall(labels, prediction.scores))
    }
    progress(names.length, names.length)
    const groups = Map.groupBy(files, ({ name }) => name.split('/')[0] ?? '')
    return [
      {
        title: 'NAB: fixed threshold',
        columns: ['detector', ...columns],
        rows: [scored('vigil', files), ...Array.from(groups, ([group, some]) => scored(`  ${group}`, some))],
        notes: [
          `${files.length} files; an alarm is the row at which it is raised. The first 15 % of a file (750 rows at most) are not scored.`,
        ],
        plots: [
          {
            kind: 'curves',
            title:
              'Precision over recall of the rows of windows, mean over files; a window is far longer than what is odd in it',
            curves: [{ name: 'vigil', precision: meanCurve(curves) }],
          },
          falseAlarms(groups),
          ...timelines,
        ],
      },
      ...(await scoreboard(join(dir, 'scoreboard.json'))),
    ]
  },
}

interface NamedFile extends NabFile {
  readonly name: string
  readonly days: number
}

function falseAlarms(groups: ReadonlyMap<string, readonly NamedFile[]>): Bars {
  const perDay = (files: readonly NamedFile[]) =>
    files.reduce((sum, file) => sum + nabRaw(file, nabProfiles.standard).falsePositives, 0) /
    files.reduce((sum, { days }) => sum + days, 0)
  return {
    kind: 'bars',
    title: 'False alarms per series and day, by group of files',
    names: [...groups.keys()],
    series: [{ name: 'false alarms', values: Array.from(groups.values(), perDay) }],
  }
}

function daysOf(timestamps: readonly string[]): number {
  const at = (text: string | undefined) => Date.parse(`${(text ?? '').replace(' ', 'T')}Z`)
  return Math.max(1 / 24, (at(timestamps.at(-1)) - at(timestamps[0])) / 86_400_000)
}

const columns = ['standard', 'low FP', 'low FN', 'found', 'of', 'false alarms'] as const

function scored(name: string, files: readonly NabFile[]): readonly (string | number)[] {
  const scores = profileNames.map((profile) => normalise(files.map((file) => nabRaw(file, nabProfiles[profile]))))
  const raws = files.map((file) => nabRaw(file, nabProfiles.standard))
  const sum = (pick: (raw: (typeof raws)[number]) => number) => raws.reduce((total, raw) => total + pick(raw), 0)
  return [name, ...scores, sum((raw) => raw.found), sum((raw) => raw.windows), sum((raw) => raw.falsePositives)]
}

async function readWindows(file: string): Promise<Readonly<Record<string, readonly (readonly [string, string])[]>>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`${file} cannot be read: NAB's label windows stand there`, { cause })
  })
  return JSON.parse(text)
}

function span([from, to]: readonly [string, string], timestamps: readonly string[], name: string): Span {
  // The labels have microseconds, the data have none.
  const rows = { from: timestamps.indexOf(from.slice(0, 19)), to: timestamps.indexOf(to.slice(0, 19)) }
  if (rows.from < 0 || rows.to < 0) throw new Error(`the window ${from} to ${to} is not within ${name}`)
  return rows
}

async function scoreboard(file: string): Promise<readonly Table[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return []
  const known: Readonly<Record<string, Readonly<Record<string, number>>>> = JSON.parse(text)
  const rows = Object.entries(known).map(
    ([name, scores]) => [name, ...profileNames.map((profile) => scores[published[profile]] ?? null)] as const,
  )
  return [
    {
      title: 'NAB: published, all 58 files, threshold tuned on the labels',
      columns: ['detector', ...columns.slice(0, 3)],
      rows: rows.toSorted(([, a], [, b]) => (b ?? 0) - (a ?? 0)),
      notes: [
        'Not computed here: a threshold tuned on all labels is an oracle, and these are more files than the ones above.',
      ],
    },
  ]
}
