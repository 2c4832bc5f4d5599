/** Segments in a folder: written at the end, deleted from the beginning. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import { encodeHeader, headerBytes, type RecordHeader } from './record.ts'
import { type Recorded, Segment } from './segment.ts'

export interface RingSettings {
  readonly folder: string
  readonly maxBytes: number
  readonly maxAgeMs: number
}
const suffix = '.rec'
/** What is deleted at once: such a part of the ring, by size and by age. */
const parts = 16
const maxSegmentBytes = 64 * 1024 * 1024

export class Ring {
  /** Cut off, since it was not whole. */
  tornBytes = 0
  /** Why something of what was found cannot be read. */
  unreadable: unknown
  private readonly settings: RingSettings
  private readonly clock: Clock
  private segments: Segment[] = []
  private current: Segment | undefined
  private currentSinceMs = 0
  private nextNumber = 1
  private recovered: Promise<void> = Promise.resolve()

  constructor(settings: RingSettings, clock: Clock) {
    this.settings = settings
    this.clock = clock
  }

  get bytes(): number {
    return this.segments.reduce((sum, { bytes, unreadBytes }) => sum + Math.max(bytes, unreadBytes), 0)
  }

  get oldestMs(): number {
    for (const { records } of this.segments) for (const { cameMs } of records) return cameMs
    return 0
  }

  /** Finds what a former process left; its records become readable one after another, the newest segments first. */
  async open(): Promise<void> {
    const numbers: number[] = []
    for (const name of await readdir(this.settings.folder)) {
      const number = name.endsWith(suffix) ? Number(name.slice(0, -suffix.length)) : Number.NaN
      if (Number.isInteger(number)) numbers.push(number)
    }
    numbers.sort((a, b) => a - b)
    this.segments = numbers.map((number) => new Segment(this.pathOf(number), number))
    this.nextNumber = (numbers.at(-1) ?? 0) + 1
    for (const segment of this.segments) segment.unreadBytes = (await stat(segment.path)).size
    const slices = new Slices(this.clock)
    const pause = async () => {
      if (slices.isOver) await slices.pause()
    }
    const found = this.segments.toReversed()
    this.recovered = (async () => {
      for (const segment of found) {
        if (segment.isGone) continue
        try {
          this.tornBytes += await segment.recover(pause)
        } catch (error) {
          this.unreadable ??= error
        }
      }
      await this.expire()
    })()
  }

  /** Resolves when all that was found is readable, or cannot be read. */
  whenRecovered(): Promise<void> {
    return this.recovered
  }

  async append(
    header: RecordHeader,
    found: Pick<Recorded, 'services' | 'marks'>,
    chunks: readonly Uint8Array[],
  ): Promise<void> {
    const size = headerBytes + header.bodyBytes
    const segment = await this.segmentFor(size)
    const record: Recorded = { ...header, ...found, at: segment.bytes }
    await segment.append(record, [encodeHeader(header, chunks), ...chunks])
  }

  /** Deletes what is too old, and what is too much; `room`: so much more is to come. */
  async expire(room = 0): Promise<void> {
    const oldestMs = this.clockMs() - this.settings.maxAgeMs
    while (this.segments.length > 0) {
      const [oldest] = this.segments
      const isOld = oldest!.unreadBytes === 0 && oldest !== this.current && oldest!.newestMs < oldestMs
      if (!isOld && this.bytes + room <= this.settings.maxBytes) return
      await this.removeOldest()
    }
  }

  /** False when there is none. */
  async removeOldest(): Promise<boolean> {
    const oldest = this.segments.shift()
    if (oldest === undefined) return false
    if (oldest === this.current) this.current = undefined
    await oldest.remove()
    return true
  }

  /** Records that may have what is wanted, the newest first. */
  *records(isWanted: (record: Recorded) => boolean): Iterable<readonly [Segment, Recorded]> {
    for (const segment of this.segments.toReversed())
      for (const record of segment.records.toReversed()) if (isWanted(record)) yield [segment, record]
  }

  async close(): Promise<void> {
    await this.recovered
    for (const segment of this.segments) await segment.close()
    this.current = undefined
  }

  private async segmentFor(size: number): Promise<Segment> {
    const { maxBytes, maxAgeMs } = this.settings
    const nowMs = this.clockMs()
    const most = Math.min(maxSegmentBytes, maxBytes / parts)
    const { current } = this
    if (current !== undefined) {
      const isFull = current.bytes > 0 && current.bytes + size > most
      if (!isFull && nowMs - this.currentSinceMs < maxAgeMs / parts) {
        await this.expire(size)
        if (this.current === current) return current
      } else await current.close()
    }
    this.current = undefined
    await this.expire(size)
    const number = this.nextNumber++
    const segment = await Segment.create(this.pathOf(number), number)
    this.segments.push(segment)
    this.current = segment
    this.currentSinceMs = nowMs
    return segment
  }

  private pathOf(number: number): string {
    return join(this.settings.folder, `${String(number).padStart(10, '0')}${suffix}`)
  }

  private clockMs(): number {
    return Number(this.clock.nowUnixNano() / 1_000_000n)
  }
}
