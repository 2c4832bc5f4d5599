import { z } from 'zod'
import { defineExporter, type Factory, Rejected } from '../component.ts'
import type { ComponentConfig } from '../config/config.ts'
import { chunkCounts, fromChunks } from '../data/batch.ts'
import type { Batch, Origin, Signal } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import type { Cut } from './split.ts'

/** A batch on its way from a worker to the owner. The bytes are copied once, by the message. */
export interface Crossing {
  readonly id: number
  readonly cut: Cut
  readonly signal: Signal
  readonly chunks: readonly Uint8Array[]
  readonly counts: readonly number[]
  readonly origin: Origin
}
/** What the owner made of it; without a refusal it was accepted. */
export interface CrossingAnswer {
  readonly id: number
  readonly refusal?: {
    readonly message: string
    readonly retryable: boolean
    readonly retryAfterMs?: number
    readonly grpcCode?: number
  }
}

/** The worker's side: sends batches and waits for what the owner says. */
export class Bridge {
  readonly #post: (crossing: Crossing) => void
  readonly #waiting = new Map<number, (answer: CrossingAnswer) => void>()
  #nextId = 0

  constructor(post: (crossing: Crossing) => void) {
    this.#post = post
  }

  /** Bounded by what the receivers hold in flight: each waits for the answer before it answers its client. */
  async send(cut: Cut, batch: Batch): Promise<void> {
    const id = this.#nextId++
    const answer = new Promise<CrossingAnswer>((resolve) => this.#waiting.set(id, resolve))
    const { signal, origin } = batch
    this.#post({ id, cut, signal, chunks: batch.chunks.map(alone), counts: chunkCounts(batch), origin })
    const { refusal } = await answer
    if (refusal !== undefined) throw new Rejected(refusal.message, refusal)
  }

  settle(answer: CrossingAnswer): void {
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }

  /** The exporter that stands in the worker's graph where the owner's part begins. */
  componentAt(cut: Cut): ComponentConfig {
    const id = `crossing/${cut.pipeline}`
    return {
      id: { type: 'crossing', name: cut.pipeline, text: id },
      factory: this.#factory(),
      value: cut,
      sending: undefined,
      redacted: cut,
      printed: () => cut,
      fingerprint: JSON.stringify(cut),
      position: undefined,
    }
  }

  #made: Factory<'exporter'> | undefined

  /** One for all cuts: a reload keeps a node only when its factory is the same. */
  #factory(): Factory<'exporter'> {
    const config = z.object({ pipeline: z.string(), next: z.string().optional() })
    this.#made ??= defineExporter({
      type: 'crossing',
      signals: { traces: 'stable', metrics: 'stable', logs: 'stable', profiles: 'stable' },
      config,
      sending: { queue: false, retry: false, timeoutMs: 0 },
      create: ({ pipeline, next }) => {
        const take = (batch: Batch) => this.send({ pipeline, next }, batch)
        return { traces: take, metrics: take, logs: take, profiles: take }
      },
    })
    return this.#made
  }
}

/** A view copies the whole buffer that it lies in when it is posted. */
function alone(chunk: Uint8Array): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? chunk : chunk.slice()
}

/** The owner's side of one batch: `deliver` gives it to the graph. Never rejects. */
export async function receive(
  { id, cut, signal, chunks, counts, origin }: Crossing,
  deliver: (cut: Cut, batch: Batch) => Promise<void>,
): Promise<CrossingAnswer> {
  try {
    await deliver(cut, fromChunks(signal, chunks, counts, origin))
    return { id }
  } catch (error) {
    if (!(error instanceof Rejected)) {
      return { id, refusal: { message: errorMessage(error), retryable: false } }
    }
    const { message, retryable, retryAfterMs, grpcCode } = error
    return {
      id,
      refusal: {
        message,
        retryable,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        ...(grpcCode === undefined ? {} : { grpcCode }),
      },
    }
  }
}
