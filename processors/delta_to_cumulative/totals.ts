/** What each stream has added up to. */
import { deserialize, serialize } from 'node:v8'
import type { PointRewrite } from '../../pipeline/data/rewritten-point.ts'
import type { Distribution } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { addExponentials, addHistograms } from '../../pipeline/streams/add.ts'
import { sharedBounds } from '../../pipeline/streams/bounds.ts'
import { type Amount, add, doubleOf, isInt } from '../../pipeline/streams/numbers.ts'
import { StreamMap } from '../../pipeline/streams/stream-map.ts'

interface Total {
  startUnixNano: bigint
  timeUnixNano: bigint
  /** Of the engine's clock: when the last point came. */
  seenMs: number
  /** Of a sum. A double has a flag, as a double that is integral does not survive `save` otherwise. */
  value: number | bigint
  isDouble: boolean
  /** Of the others. */
  distribution: Distribution | undefined
}

export type Outcome = 'added' | 'limit' | 'older_start' | 'out_of_order'

export class Totals {
  private readonly totals: StreamMap<Total>

  constructor(limit: number) {
    this.totals = new StreamMap(limit)
  }

  get size(): number {
    return this.totals.size
  }

  /** Makes the point cumulative. Where it cannot be, it stays as it is. */
  add(metric: string, point: PointRewrite, nowMs: number): Outcome {
    const stream = point.wireIdentity
    const { startUnixNano, timeUnixNano } = point
    const total = this.totals.get(metric, stream)
    if (total === undefined) return this.totals.add(metric, stream, totalOf(point, nowMs)) ? 'added' : 'limit'
    total.seenMs = nowMs
    // A stream whose points have no time begins anew with each, as upstream has it.
    if (total.timeUnixNano === 0n) {
      Object.assign(total, totalOf(point, nowMs))
      return 'added'
    }
    if (startUnixNano < total.startUnixNano) return 'older_start'
    if (timeUnixNano <= total.timeUnixNano) return 'out_of_order'
    total.timeUnixNano = timeUnixNano
    if (total.distribution === undefined) addNumber(total, point)
    else addDistribution(total, total.distribution, point)
    point.startUnixNano = total.startUnixNano
    return 'added'
  }

  forgetBefore(ms: number): void {
    this.totals.sweep(({ seenMs }) => seenMs < ms)
  }

  /** Ages, not times: the clock of another process begins elsewhere. */
  save(nowMs: number): Uint8Array {
    return serialize({ version: 1, savedMs: nowMs, totals: this.totals.entries() })
  }

  /** How many streams found no room. */
  restore(state: Uint8Array, nowMs: number): number {
    const saved = deserialize(state) as Saved
    if (saved.version !== 1)
      throw new Error(`state of version ${String(saved.version)}, which this build does not know`)
    let lost = 0
    for (const [metric, streams] of saved.totals)
      for (const [stream, total] of streams) {
        total.seenMs += nowMs - saved.savedMs
        if (!this.totals.add(metric, stream, total)) lost++
      }
    return lost
  }
}

interface Saved {
  readonly version: number
  readonly savedMs: number
  readonly totals: ReturnType<StreamMap<Total>['entries']>
}

function totalOf({ startUnixNano, timeUnixNano, value, distribution }: PointRewrite, seenMs: number): Total {
  return {
    startUnixNano,
    timeUnixNano,
    seenMs,
    value: plain(value),
    isDouble: !isInt(value),
    distribution:
      distribution === undefined ? undefined : { ...distribution, bounds: sharedBounds(distribution.bounds) },
  }
}

function addNumber(total: Total, point: PointRewrite): void {
  const sum = add(total.isDouble ? double(Number(total.value)) : total.value, point.value)
  total.value = plain(sum)
  total.isDouble = !isInt(sum)
  point.value = sum
}

function plain(value: Amount): number | bigint {
  return value === undefined ? 0 : isInt(value) ? (value as number | bigint) : doubleOf(value)
}

function addDistribution(total: Total, before: Distribution, point: PointRewrite): void {
  const of = point.distribution!
  const sum = of.exponential === undefined ? addHistograms(before, of) : addExponentials(before, of)
  // Of histograms with other bounds there is no sum: the stream begins anew.
  if (sum === of) {
    total.startUnixNano = point.startUnixNano
    total.distribution = { ...of, bounds: sharedBounds(of.bounds) }
    return
  }
  total.distribution = sum
  point.distribution = sum
}
