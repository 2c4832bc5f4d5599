/** The metrics of Nezha's pods, a row a minute, as sightings. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sighting, SightingKind } from '../../models/root-cause/evidence.ts'
import { type MetricChange, metricChange } from '../../models/root-cause/metric-change.ts'
import { PlaceboTail } from '../../models/root-cause/placebo-tail.ts'
import { unpacked } from './nezha-traces.ts'
import { columnOf, parseCsv } from './read-csv.ts'

/**
 * What a column of the schema is, and the smallest change of it that can slow anybody down: a tenth of the limit. Times and counts of requests are not looked
 * at again here, since spans tell them better than a histogram of a few requests a minute.
 */
const columns: readonly (readonly [column: string, kind: SightingKind, floor: number])[] = [
  ['CpuUsageRate(%)', 'cpu', 10],
  ['MemoryUsageRate(%)', 'memory', 10],
]
/** The column that a sighting is of; null where it is of none. */
export function metricKind(sighting: Sighting | undefined): string | null {
  return columns[sighting?.reference ?? -1]?.[0] ?? null
}

/** s between rows. */
const step = 60
/** s of history that count. */
const longest = 2 * 3600
/** s between placebos, and how many of them there are at most. */
const placeboEvery = 600
const mostPlacebos = 10

export interface PodMetrics {
  readonly pod: string
  readonly times: Float64Array
  /** As `columns`; undefined where the file has no such column. */
  readonly values: readonly (Float64Array | undefined)[]
}

/** Empty where the day has no folder. */
export async function readMetrics(dir: string): Promise<readonly PodMetrics[]> {
  const files = await readdir(dir).catch(() => [])
  const all: PodMetrics[] = []
  for (const name of files.toSorted((a, b) => (a < b ? -1 : 1))) {
    const file = join(dir, name)
    const csv = parseCsv(await unpacked(file), file)
    // Other tables of the folder are of services and edges.
    if (!csv.header.includes('PodName') || csv.rows.length === 0) continue
    const numbers = (column: string) =>
      csv.header.includes(column)
        ? Float64Array.from(columnOf(csv, column, file), (cell) => (cell === '' ? Number.NaN : Number(cell)))
        : undefined
    all.push({
      pod: columnOf(csv, 'PodName', file)[0]!,
      // `TimeStamp` is wrong in places.
      times: Float64Array.from(
        columnOf(csv, 'Time', file),
        (time) => Date.parse(`${time.slice(0, 10)}T${time.slice(11, 19)}Z`) / 1000,
      ),
      values: columns.map(([column]) => numbers(column)),
    })
  }
  return all
}

/** Sightings of all pods in a fault that was there from `since` to `until`; s. `nodeOf` gives -1 for a pod that is none of the case's. */
export function metricSightings(
  pods: readonly PodMetrics[],
  nodeOf: (pod: string) => number,
  since: number,
  until: number,
): readonly Sighting[] {
  const tails = columns.map((_, c) => new PlaceboTail(placebosOf(pods, c, since, until - since)))
  const found: Sighting[] = []
  for (const pod of pods) {
    const node = nodeOf(pod.pod)
    if (node < 0) continue
    for (const [c, [, kind]] of columns.entries()) {
      const change = changeAt(pod, c, since, until - since)
      if (change === undefined) continue
      const { surprise, direction, effect, since: began, sinceUncertainty } = change
      found.push({
        node,
        kind,
        surprise: tails[c]!.calibrated(surprise),
        direction,
        effect,
        since: began,
        sinceUncertainty,
        reference: c,
      })
    }
  }
  return found
}

/** The same question at times before, of all pods. */
function placebosOf(pods: readonly PodMetrics[], c: number, since: number, horizon: number): number[] {
  const found: number[] = []
  for (const pod of pods) {
    for (let k = 1; k <= mostPlacebos; k++) {
      const change = changeAt(pod, c, since - k * placeboEvery, horizon)
      if (change !== undefined) found.push(change.surprise)
    }
  }
  return found
}

function changeAt({ times, values }: PodMetrics, c: number, since: number, horizon: number): MetricChange | undefined {
  const from = times.findIndex((time) => time >= since - longest)
  const to = times.findLastIndex((time) => time <= since + horizon)
  const series = values[c]?.subarray(from, to + 1)
  if (from < 0 || to < from || series === undefined) return undefined
  const floor = columns[c]![2]
  return metricChange({ times: times.subarray(from, to + 1), values: series, step }, since, {
    floor,
    onsetUncertainty: 0,
    horizon,
  })
}
