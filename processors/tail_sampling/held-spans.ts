/**
 * The bytes of spans that wait, packed into slabs. Small buffers by the hundred thousand cost more in the allocator and the garbage collector than
 * the spans themselves, and ten spans must not pin the request of 4 MB that they came in.
 */
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { allocate } from '../../pipeline/data/wire.ts'

const slabBytes = 256 * 1024
/** Empty slabs that are kept for the next spans: so many, and no more than this share of the limit. */
const spareSlabs = 8
const spareShare = 0.1

class Slab {
  readonly bytes: Uint8Array
  used = 0
  /** What of it is still wanted. */
  live = 0

  constructor(size: number) {
    this.bytes = allocate(size)
  }
}

/** Some spans of one trace out of one request: an OTLP request of their own. */
export class Part {
  slab: Slab
  start: number
  readonly length: number
  readonly spans: number
  readonly origin: Origin
  next: Part | undefined = undefined

  constructor(slab: Slab, start: number, length: number, spans: number, origin: Origin) {
    this.slab = slab
    this.start = start
    this.length = length
    this.spans = spans
    this.origin = origin
  }

  get bytes(): Uint8Array {
    return this.slab.bytes
  }
  get end(): number {
    return this.start + this.length
  }
}

export class HeldSpans {
  private current: Slab | undefined
  private readonly spare: Slab[] = []
  /** Of all slabs, the spare ones included. */
  allocatedBytes = 0
  /** Of all parts. */
  liveBytes = 0
  /** The slab and the place of what `reserve` gave last. */
  private slab: Slab | undefined
  private start = 0
  private readonly mostSpare: number

  /** `maxBytes`: what it should not grow beyond; 0 = no limit. It counts, and whoever holds spans keeps to it. */
  constructor(maxBytes: number) {
    this.mostSpare = maxBytes === 0 ? spareSlabs : Math.min(spareSlabs, Math.trunc((maxBytes * spareShare) / slabBytes))
  }

  /** Room to write to; `part` then makes a part of it. */
  readonly reserve = (size: number): Uint8Array => {
    const slab = this.withRoom(size)
    this.slab = slab
    this.start = slab.used
    slab.used += size
    slab.live += size
    this.liveBytes += size
    return slab.bytes.subarray(this.start, this.start + size)
  }

  /** Of what was just written. */
  part(length: number, spans: number, origin: Origin): Part {
    return new Part(this.slab!, this.start, length, spans, origin)
  }

  copy(bytes: Uint8Array, spans: number, origin: Origin): Part {
    this.reserve(bytes.length).set(bytes)
    return this.part(bytes.length, spans, origin)
  }

  /** The bytes may be written over from now on. */
  release({ slab, length }: Part): void {
    slab.live -= length
    this.liveBytes -= length
    if (slab.live === 0) this.retire(slab)
  }

  /** Whether a third of the memory, or more, would come back. */
  get isSparse(): boolean {
    return this.allocatedBytes > 16 * slabBytes && this.liveBytes * 3 < this.allocatedBytes * 2
  }

  /** Moves a part out of a slab that is mostly dead. */
  move(part: Part): void {
    const { slab, start, end, length } = part
    if (slab === this.current || slab.live * 3 >= slab.bytes.length * 2) return
    this.reserve(length).set(slab.bytes.subarray(start, end))
    part.slab = this.slab!
    part.start = this.start
    slab.live -= length
    this.liveBytes -= length
    if (slab.live === 0) this.retire(slab)
  }

  private withRoom(size: number): Slab {
    const { current } = this
    if (current !== undefined && current.bytes.length - current.used >= size) return current
    // A part of that size is a slab of its own, and the current one stays.
    if (size > slabBytes / 4) return this.add(size)
    if (current !== undefined && current.live === 0) {
      current.used = 0
      return current
    }
    this.current = this.spare.pop() ?? this.add(slabBytes)
    return this.current
  }

  private add(size: number): Slab {
    this.allocatedBytes += size
    return new Slab(size)
  }

  private retire(slab: Slab): void {
    slab.used = 0
    if (slab === this.current) return
    if (slab.bytes.length === slabBytes && this.spare.length < this.mostSpare) this.spare.push(slab)
    else this.allocatedBytes -= slab.bytes.length
  }
}
