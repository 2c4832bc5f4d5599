/** The start time of each stream, and what its last point said. */
import { deserialize, serialize } from 'node:v8'
import { StreamMap } from '../../pipeline/streams/stream-map.ts'
import type { Reading } from './reading.ts'

export interface NumberStream {
  startUnixNano: bigint
  /** Had a point since the last collection. */
  isSeen: boolean
  /** Of the last value: 0 where it was of the other kind. */
  lastDouble: number
  lastInt: number | bigint
  /** What `subtract_initial_point` subtracts. */
  baseDouble: number
  baseInt: number | bigint
}
export interface DistributionStream {
  startUnixNano: bigint
  isSeen: boolean
  last: Reading
  /** What `subtract_initial_point` subtracts; undefined = nothing. */
  base: Reading | undefined
}

export class StartTimes {
  readonly numbers: StreamMap<NumberStream>
  readonly distributions: StreamMap<DistributionStream>
  private readonly limit: number
  private readonly gcIntervalMs: number
  private collectedMs: number

  constructor(limit: number, gcIntervalMs: number, nowMs: number) {
    this.limit = limit
    this.gcIntervalMs = gcIntervalMs
    this.collectedMs = nowMs
    this.numbers = new StreamMap(limit)
    this.distributions = new StreamMap(limit)
  }

  get size(): number {
    return this.numbers.size + this.distributions.size
  }
  get isFull(): boolean {
    return this.size >= this.limit
  }

  /**
   * Forgets what had no point since the last time. Only after a batch, so that senders who come more seldom than `gc_interval` are not forgotten
   * between two of their batches while nobody else sends, as upstream has it.
   */
  collect(nowMs: number): void {
    if (nowMs - this.collectedMs <= this.gcIntervalMs) return
    this.collectedMs = nowMs
    this.numbers.sweep(isOver)
    this.distributions.sweep(isOver)
  }

  save(): Uint8Array {
    return serialize({ version: 1, numbers: this.numbers.entries(), distributions: this.distributions.entries() })
  }

  /** How many streams found no room. */
  restore(state: Uint8Array): number {
    const { version, numbers, distributions } = deserialize(state) as Saved
    if (version !== 1) throw new Error(`state of version ${String(version)}, which this build does not know`)
    let lost = 0
    for (const [metric, streams] of numbers)
      for (const [id, stream] of streams) if (this.isFull || !this.numbers.add(metric, id, stream)) lost++
    for (const [metric, streams] of distributions)
      for (const [id, stream] of streams) if (this.isFull || !this.distributions.add(metric, id, stream)) lost++
    return lost
  }
}

interface Saved {
  readonly version: number
  readonly numbers: ReturnType<StreamMap<NumberStream>['entries']>
  readonly distributions: ReturnType<StreamMap<DistributionStream>['entries']>
}

function isOver(stream: { isSeen: boolean }): boolean {
  const { isSeen } = stream
  stream.isSeen = false
  return !isSeen
}
