/** What survives a reload: every series with its counts, or, where the settings changed what a series is, the last word on the old ones. */
import { deserialize, serialize } from 'node:v8'
import type { Clock } from '../../pipeline/component.ts'
import { ExponentialHistogram, type SavedExponential } from '../../pipeline/data/exponential-histogram.ts'
import { preparedBytes, preparedOf } from '../../pipeline/data/prepared-attributes.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { KeptSeries } from './kept-series.ts'
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

export async function saveState(kept: KeptSeries, plan: Plan, clock: Clock): Promise<Uint8Array> {
  const { resources, table, timestamps } = kept
  const state: SavedState = {
    version: 1,
    shape: plan.shape,
    resources: [...resources].map((resource) => ({
      identity: resource.identity,
      attributes: preparedBytes(resource.attributes),
      lastSeenMs: resource.lastSeenMs,
      isLeaving: resources.leaving.has(resource.identity),
      series: kinds.flatMap((kind) =>
        resource[kind].map(
          ({ id, attributes, startUnixNano, isFirst, exemplars, exponential }): SavedSeries => ({
            kind,
            key: table.key(id).slice(4),
            row: table.row(id).slice(),
            attributes: preparedBytes(attributes),
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
  const snapshot = kept.take(clock.nowUnixNano(), true)
  if (snapshot.points === 0) return serialize(state)
  const last = await writeMetrics(snapshot, plan, kept.timestamps, new Slices(clock))
  return serialize({ ...state, last: saved(last) } satisfies SavedState)
}

/** The answer is what is to be sent because its series do not go on. */
export function restoreState(state: Uint8Array, kept: KeptSeries, plan: Plan): Metrics | undefined {
  const { shape, resources, timestamps, last } = deserialize(state) as SavedState
  if (shape !== plan.shape) return last && batchOf(last)
  for (const [key, time] of timestamps) kept.timestamps.set(key, time)
  for (const { identity, attributes, lastSeenMs, isLeaving, series } of resources) {
    const resource = kept.newResource(identity, preparedOf(attributes), lastSeenMs)
    kept.resources.add(resource)
    if (isLeaving) kept.resources.leave(resource)
    for (const { kind, key, row, startUnixNano, isFirst, exemplars, ...bytes } of series)
      kept.adopt(
        resource,
        kind,
        {
          id: 0,
          attributes: preparedOf(bytes.attributes),
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
