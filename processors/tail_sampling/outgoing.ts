/** Sampled traces on their way out: those with the same marks and the same sender go as one batch. */
import type { Context } from '../../pipeline/component.ts'
import { fromChunks } from '../../pipeline/data/batch.ts'
import { commonOrigin } from '../../pipeline/data/origin.ts'
import type { Origin, Traces } from '../../pipeline/data/telemetry.ts'
import { allocate, putRange } from '../../pipeline/data/wire.ts'
import type { Part } from './held-spans.ts'
import { type Mark, marked } from './mark.ts'

/** A batch that is larger goes at once. */
const maxBytes = 4 * 1024 * 1024
const maxSpans = 8_192

interface Piece {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

class Collected {
  readonly mark: Mark
  readonly origins = new Set<Origin>()
  readonly pieces: Piece[] = []
  spans = 0
  bytes = 0

  constructor(mark: Mark) {
    this.mark = mark
  }

  add(piece: Piece, spans: number, origin: Origin): void {
    this.pieces.push(piece)
    this.origins.add(origin)
    this.spans += spans
    this.bytes += piece.end - piece.start
  }

  /** Copies, so that the memory of held spans is free again. */
  batch(): Traces {
    const all = allocate(this.bytes)
    let at = 0
    for (const { bytes, start, end } of this.pieces) at = putRange(all, at, bytes, start, end)
    return fromChunks('traces', [all], [this.spans], commonOrigin([...this.origins]))
  }
}

export class Outgoing {
  private readonly context: Context
  private readonly onUnparseable: (spans: number) => void
  private readonly collected = new Map<string, Collected>()
  private readonly held: Part[] = []
  private readonly release: (part: Part) => void
  private readonly sending = new Set<Promise<void>>()

  constructor(context: Context, release: (part: Part) => void, onUnparseable: (spans: number) => void) {
    this.context = context
    this.release = release
    this.onUnparseable = onUnparseable
  }

  /** Takes the parts of a trace over; `flush` releases their memory. */
  addParts(first: Part | undefined, mark: Mark): void {
    for (let part = first; part !== undefined; part = part.next) {
      this.collect(part, part.spans, part.origin, mark)
      this.held.push(part)
    }
  }

  addBytes(bytes: Uint8Array, spans: number, origin: Origin, mark: Mark): void {
    this.collect({ bytes, start: 0, end: bytes.length }, spans, origin, mark)
  }

  /** Starts to send all of it; resolves when it is accepted or lost. Without work there is no promise. */
  flush(): Promise<void> | undefined {
    if (this.collected.size === 0) return undefined
    const sent = [...this.collected.values()].map((one) => this.send(one))
    this.collected.clear()
    for (const part of this.held) this.release(part)
    this.held.length = 0
    if (sent.length === 1) return sent[0]
    return Promise.all(sent).then(() => undefined)
  }

  /** What is on its way. */
  async settled(): Promise<void> {
    await Promise.all(this.sending)
  }

  private collect(piece: Piece, spans: number, origin: Origin, mark: Mark): void {
    const key = `${mark.key}\n${this.context.originKey(origin)}`
    let collected = this.collected.get(key)
    if (collected !== undefined && (collected.bytes >= maxBytes || collected.spans >= maxSpans)) {
      // Under another name it waits for the flush.
      this.collected.set(`${key}\n${this.collected.size}`, collected)
      collected = undefined
    }
    if (collected === undefined) this.collected.set(key, (collected = new Collected(mark)))
    collected.add(piece, spans, origin)
  }

  private send(collected: Collected): Promise<void> {
    const batch = marked(collected.batch(), collected.mark, this.onUnparseable)
    const sent = this.emit(batch).finally(() => this.sending.delete(sent))
    this.sending.add(sent)
    return sent
  }

  /** The sender was answered long ago: what is refused now is lost, as upstream has it. */
  private async emit(batch: Traces): Promise<void> {
    try {
      await this.context.emit.traces(batch)
    } catch (error) {
      this.context.dropped(batch.count, 'refused_downstream', 'lost')
      this.context.logger.error('The next component refused sampled traces; their spans are lost.', {
        error,
        spans: batch.count,
      })
    }
  }
}
