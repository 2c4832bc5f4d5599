/** What was counted as metrics: deltas, one point a pane, so that what comes late is one point more. */
import { EncodedPoints, MetricsBuilder } from '../../pipeline/data/builders.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'
import type { Slices } from '../../pipeline/slices.ts'
import { tracePanes } from '../../pipeline/vocabulary/panes.ts'
import type { Cell } from './cell.ts'
import type { Crossing } from './crossings.ts'
import { writeDouble, writeHistogram, writeInt } from './encode.ts'
import type { EntitySeries } from './entities.ts'
import type { Counted } from './features.ts'
import type { Sketch } from './sketch.ts'

/** So many are written without a look at the time. */
const pointsAtOnce = 500

type Row = readonly [EntitySeries, Cell]
interface Group {
  readonly series: EntitySeries
  readonly rows: Row[]
  readonly crossings: Crossing[]
}

export function countPoints({ cells, crossings }: Counted): number {
  let points = 0
  for (const [, cell] of cells) {
    points += cell.sampled > 0 ? 2 : 0
    points += cell.errors > 0 ? 1 : 0
    for (const histogram of [cell.duration, cell.selfTime, cell.networkGap]) points += isFilled(histogram) ? 1 : 0
  }
  for (const { errors } of crossings) points += errors > 0 ? 2 : 1
  return points
}

/** One batch; lets other work in between. The cells may be used again. */
export async function writeMetrics(counted: Counted, slices: Slices): Promise<Metrics> {
  const builder = new MetricsBuilder(counted.sender.origin)
  for (const { series, rows, crossings } of groupsOf(counted)) {
    builder.resource(series.resource).scope('vigil/trace_features')
    const seen = rows.filter(([, { sampled }]) => sampled > 0)
    await sums(builder, tracePanes.requests, '{request}', 'Requests.', seen, requests, slices)
    const failed = seen.filter(([, { errors }]) => errors > 0)
    await sums(builder, tracePanes.errors, '{request}', 'Requests that failed.', failed, errors, slices)
    await sums(builder, tracePanes.sampled, '{span}', 'Spans that were seen.', seen, sampled, slices)
    await histograms(builder, tracePanes.duration, 'Duration of requests.', rows, durationOf, slices)
    await histograms(builder, tracePanes.selfTime, 'Duration without the calls made.', rows, selfTimeOf, slices)
    await histograms(builder, tracePanes.networkGap, 'Duration for the caller without the called.', rows, gapOf, slices)
    await sums(builder, tracePanes.crossings, '{request}', 'Requests that crossed.', crossings, crossed, slices)
    const bad = crossings.filter((one) => one.errors > 0)
    await sums(builder, tracePanes.crossingErrors, '{request}', 'Of those the failed.', bad, crossedErrors, slices)
  }
  for (const [, cell] of counted.cells) cell.of.cells.giveBack(cell)
  if (slices.isOver) await slices.pause()
  return builder.build()
}

/** By resource, in the order in which they came. */
function groupsOf({ cells, crossings }: Counted): Iterable<Group> {
  const groups = new Map<string, Group>()
  const of = (series: EntitySeries): Group => {
    let group = groups.get(series.resourceKey)
    if (group === undefined) groups.set(series.resourceKey, (group = { series, rows: [], crossings: [] }))
    return group
  }
  for (const row of cells) of(row[0]).rows.push(row)
  for (const crossing of crossings) {
    of(crossing.of.operation).crossings.push(crossing)
    // Made now, since the writer of the points can write but one thing at a time.
    void crossing.of.attribute
  }
  return groups.values()
}

async function sums<T>(
  builder: MetricsBuilder,
  name: string,
  unit: string,
  description: string,
  of: readonly T[],
  write: (to: Writer, one: T) => void,
  slices: Slices,
): Promise<void> {
  if (of.length === 0) return
  const points = await encoded(EncodedPoints.ofNumbers(), of, write, slices)
  builder.sum(name, points, { unit, description, temporality: 'delta', monotonic: true })
}

async function histograms(
  builder: MetricsBuilder,
  name: string,
  description: string,
  rows: readonly Row[],
  histogramOf: (cell: Cell) => Sketch | undefined,
  slices: Slices,
): Promise<void> {
  const of = rows.filter(([, cell]) => isFilled(histogramOf(cell)))
  if (of.length === 0) return
  const write = (to: Writer, [series, cell]: Row) =>
    writeHistogram(to, series.ofHistograms, cell.pane, histogramOf(cell)!)
  const points = await encoded(EncodedPoints.ofExponentialHistograms(), of, write, slices)
  builder.exponentialHistogram(name, points, { unit: 's', description, temporality: 'delta' })
}

async function encoded<P, T>(
  points: EncodedPoints<P>,
  of: readonly T[],
  write: (to: Writer, one: T) => void,
  slices: Slices,
): Promise<EncodedPoints<P>> {
  for (let from = 0; from < of.length; from += pointsAtOnce) {
    if (slices.isOver) await slices.pause()
    const end = Math.min(of.length, from + pointsAtOnce)
    points.parts.push(
      written((to) => {
        for (let i = end - 1; i >= from; i--) write(to, of[i]!)
      }, true),
    )
    points.count += end - from
  }
  return points
}

function isFilled(histogram: Sketch | undefined): boolean {
  return histogram !== undefined && histogram.count > 0
}

const durationOf = (cell: Cell) => cell.duration
const selfTimeOf = (cell: Cell) => cell.selfTime
const gapOf = (cell: Cell) => cell.networkGap

const requests = (to: Writer, [series, cell]: Row) => writeDouble(to, series.ofNumbers, cell.pane, cell.requests)
const errors = (to: Writer, [series, cell]: Row) => writeDouble(to, series.ofNumbers, cell.pane, cell.errors)
const sampled = (to: Writer, [series, cell]: Row) => writeInt(to, series.ofNumbers, cell.pane, cell.sampled)
const crossed = (to: Writer, { of, pane, requests: value }: Crossing) =>
  writeDouble(to, of.operation.ofNumbers, pane, value, of.attribute)
const crossedErrors = (to: Writer, { of, pane, errors: value }: Crossing) =>
  writeDouble(to, of.operation.ofNumbers, pane, value, of.attribute)
