/** The last point of each stream, and what each further point adds to it. */
import { deserialize, serialize } from 'node:v8'
import { readDouble } from '../../pipeline/data/any-value.ts'
import type { Distribution, Double } from '../../pipeline/data/telemetry.ts'
import { isDouble } from '../../pipeline/data/value.ts'
import { isInt, subtractInts } from '../../pipeline/streams/numbers.ts'
import { StreamMap } from '../../pipeline/streams/stream-map.ts'
import { type ExponentialBaseline, exponentialBaseline, exponentialDelta } from './exponential.ts'
import { type Grown, type HistogramBaseline, histogramBaseline, histogramDelta } from './histogram.ts'

interface NumberBaseline {
  time: bigint
  value: number | bigint
}
type Baseline = NumberBaseline | HistogramBaseline | ExponentialBaseline

/** What became of a point: converted, or why not. `stale` is a NaN, which stays as it is. */
export type Outcome = 'converted' | 'stale' | 'initial' | 'reset' | 'bucket_mismatch' | 'max_streams'

interface TrackerSettings {
  readonly initial_value: string
  readonly max_streams: number
}

export class Tracker {
  /** After `converted`: when the delta begins, ... */
  startUnixNano = 0n
  /** ... of `number`, exact over all 64 bits of an int, ... */
  value: number | bigint | Double = 0
  /** ... and of the others. */
  delta: Grown = { count: 0n, sum: 0 }
  private readonly settings: TrackerSettings
  private readonly baselines: StreamMap<Baseline>
  /** Points of counters that began before this may have been counted by somebody else before. */
  private createdUnixNano: bigint

  constructor(settings: TrackerSettings, nowUnixNano: bigint) {
    this.settings = settings
    this.baselines = new StreamMap(settings.max_streams)
    this.createdUnixNano = nowUnixNano
  }

  get size(): number {
    return this.baselines.size
  }

  number(
    metric: string,
    stream: string,
    start: bigint,
    time: bigint,
    of: number | bigint | Double | undefined,
  ): Outcome {
    const ofInt = isInt(of)
    const value = of === undefined ? 0 : isDouble(of) ? of.double : of
    if (Number.isNaN(value)) return 'stale'
    // A point without a value is a stream of its own, as upstream has it.
    const id = `${of === undefined ? 'e' : ofInt ? 'i' : 'd'}${start} ${stream}`
    const before = this.baselines.get(metric, id) as NumberBaseline | undefined
    if (before === undefined) {
      this.value = of ?? 0
      return this.first(metric, id, start, { time, value })
    }
    this.startUnixNano = before.time
    const base = before.value
    before.time = time
    before.value = value
    if (value < base) return 'reset'
    this.value = ofInt ? subtractInts(value, base) : readDouble((value as number) - (base as number))
    return 'converted'
  }

  histogram(metric: string, stream: string, start: bigint, time: bigint, of: Distribution): Outcome {
    return this.distribution(metric, stream, start, histogramBaseline(time, of), histogramDelta)
  }

  exponential(metric: string, stream: string, start: bigint, time: bigint, of: Distribution): Outcome {
    return this.distribution(metric, stream, start, exponentialBaseline(time, of), exponentialDelta)
  }

  forgetBefore(unixNano: bigint): void {
    this.baselines.sweep(({ time }) => time < unixNano)
  }

  save(): Uint8Array {
    return serialize({ version: 1, createdUnixNano: this.createdUnixNano, baselines: this.baselines.entries() })
  }

  /** How many streams found no room. */
  restore(state: Uint8Array): number {
    const saved = deserialize(state) as Saved
    if (saved.version !== 1)
      throw new Error(`state of version ${String(saved.version)}, which this build does not know`)
    this.createdUnixNano = saved.createdUnixNano
    let lost = 0
    for (const [metric, streams] of saved.baselines)
      for (const [stream, baseline] of streams) if (!this.baselines.add(metric, stream, baseline)) lost++
    return lost
  }

  private distribution<B extends HistogramBaseline | ExponentialBaseline>(
    metric: string,
    stream: string,
    start: bigint,
    now: B,
    deltaOf: (now: B, before: B) => Grown | 'reset' | 'bucket_mismatch',
  ): Outcome {
    const id = `${start} ${stream}`
    const before = this.baselines.get(metric, id) as B | undefined
    if (before === undefined) {
      this.delta = { count: now.count, sum: now.sum }
      return this.first(metric, id, start, now)
    }
    const delta = deltaOf(now, before)
    this.startUnixNano = before.time
    Object.assign(before, now)
    if (typeof delta === 'string') return delta
    this.delta = delta
    return 'converted'
  }

  private first(metric: string, id: string, start: bigint, baseline: Baseline): Outcome {
    if (!this.baselines.add(metric, id, baseline)) return 'max_streams'
    switch (this.settings.initial_value) {
      case 'keep':
        // As upstream, which says of such a point that its start is unknown.
        this.startUnixNano = 0n
        return 'converted'
      case 'drop':
        return 'initial'
      default:
        if (start < this.createdUnixNano || baseline.time === start) return 'initial'
        this.startUnixNano = start
        return 'converted'
    }
  }
}

interface Saved {
  readonly version: number
  readonly createdUnixNano: bigint
  readonly baselines: ReturnType<StreamMap<Baseline>['entries']>
}
