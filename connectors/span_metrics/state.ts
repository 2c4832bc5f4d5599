/** What survives a reload: every series with its counts, or, where the settings changed what a series is, the last word on the old ones. */
import { deserialize, serialize } from 'node:v8'
import type { Clock } from '../../pipeline/component.ts'
import { WireAttributes } from '../../pipeline/data/attributes.ts'
import { ExponentialHistogram, type SavedExponential } from '../../pipeline/data/exponential-histogram.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { written } from '../../pipeline/data/writer.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Aggregation } from './aggregation.ts'
import type { Plan } from './plan.ts'
import { kinds, type SeriesExemplar, type SeriesKind } from './series.ts'
import { writeMetrics } from './write.ts'

interface SavedSeries {
  readonly kind: SeriesKind
  /** Without the number of the resource. */
  readonly key: Uint8Array
  readonly row: Float64Array
  readonly attributes: Uint8Array
  readonly startUnixNano: bigint
  readonly isFirst: boolean
  readonly exemplars: readonly SeriesExemplar[]
  readonly exponential: SavedExponential | undefined
}
interface SavedState {
  readonly version: 1
  readonly shape: string
  readonly resources: readonly {
    readonly identity: string
    readonly attributes: Uint8Array
    readonly lastSeenMs: number
    readonly isLeaving: boolean
    readonly series: readonly SavedSeries[]
  }[]
  readonly timestamps: ReadonlyMap<string, bigint>
  /** For a successor with other series. */
  readonly last: SavedBatch<'metrics'> | undefined
}

export async function saveState(aggregation: Aggregation, plan: Plan, clock: Clock): Promise<Uint8Array> {
  const { resources, table, timestamps } = aggregation
  const state: SavedState = {
    version: 1,
    shape: plan.shape,
    resources: [...resources].map((resource) => ({
      identity: resource.identity,
      attributes: bytesOf(resource.attributes),
      lastSeenMs: resource.lastSeenMs,
      isLeaving: resources.leaving.has(resource.identity),
      series: kinds.flatMap((kind) =>
        resource[kind].map(
          ({ id, attributes, startUnixNano, isFirst, exemplars, exponential }): SavedSeries => ({
            kind,
            key: table.key(id).slice(4),
            row: table.row(id).slice(),
            attributes: bytesOf(attributes),
            startUnixNano,
            isFirst,
            exemplars,
            exponential: exponential?.save(),
          }),
        ),
      ),
    })),
    timestamps: new Map(timestamps),
    last: undefined,
  }
  // Last: it forgets the series.
  const snapshot = aggregation.take(clock.nowUnixNano(), true)
  if (snapshot.points === 0) return serialize(state)
  const last = await writeMetrics(snapshot, plan, aggregation.timestamps, new Slices(clock))
  return serialize({ ...state, last: saved(last) } satisfies SavedState)
}

/** The answer is what is to be sent because its series do not go on. */
export function restoreState(state: Uint8Array, aggregation: Aggregation, plan: Plan): Metrics | undefined {
  const { shape, resources, timestamps, last } = deserialize(state) as SavedState
  if (shape !== plan.shape) return last && batchOf(last)
  for (const [key, time] of timestamps) aggregation.timestamps.set(key, time)
  for (const { identity, attributes, lastSeenMs, isLeaving, series } of resources) {
    const resource = aggregation.newResource(identity, viewOf(attributes))
    resource.lastSeenMs = lastSeenMs
    aggregation.resources.add(resource)
    if (isLeaving) aggregation.resources.leave(resource)
    for (const { kind, key, row, startUnixNano, isFirst, exemplars, ...bytes } of series)
      aggregation.adopt(
        resource,
        kind,
        {
          id: 0,
          attributes: viewOf(bytes.attributes),
          startUnixNano,
          isFirst,
          exponential: bytes.exponential && ExponentialHistogram.restore(bytes.exponential),
          exemplars: [...exemplars],
          isShared: false,
          isLive: true,
        },
        key,
        row,
      )
  }
  return undefined
}

function bytesOf(attributes: WireAttributes): Uint8Array {
  return written((to) => attributes.copy(to, 10))
}

function viewOf(bytes: Uint8Array): WireAttributes {
  return new WireAttributes(bytes, 0, bytes.length, 10)
}
