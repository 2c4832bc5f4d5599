import { type Context, defineProcessor, type Held, held, Rejected } from '../../pipeline/component.ts'
import type { Batch, Origin, Signal } from '../../pipeline/data/telemetry.ts'
import { Capacity } from '../../pipeline/export/capacity.ts'
import { type Config, config } from './config.ts'
import { Shard } from './shard.ts'
import { BatchTelemetry, observeCardinality } from './telemetry.ts'

export default defineProcessor({
  type: 'batch',
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'alpha' },
  placement: 'each',
  create(settings, context) {
    const batching = new Batching(settings, context)
    return {
      traces: (batch) => batching.hold('traces', batch),
      metrics: (batch) => batching.hold('metrics', batch),
      logs: (batch) => batching.hold('logs', batch),
      profiles: (batch) => batching.hold('profiles', batch),
      start: async () => batching.start(),
      shutdown: (deadline) => batching.shutdown(deadline),
    }
  },
})

class Batching {
  readonly #settings: Config
  readonly #context: Context
  readonly #metadataKeys: readonly string[]
  readonly #shards = new Map<string, Shard>()
  readonly #capacity: Capacity
  readonly #telemetry: BatchTelemetry
  #isClosed = false

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#metadataKeys = settings.metadata_keys.map((key) => key.toLowerCase()).sort()
    this.#capacity = new Capacity(settings.max_bytes, 0)
    this.#telemetry = new BatchTelemetry(context.meter, context.id)
    context.signal.addEventListener('abort', () => this.#close(), { once: true })
  }

  start(): void {
    const hasKeys = this.#metadataKeys.length > 0
    observeCardinality(this.#context.meter, this.#context.id, () => (hasKeys ? this.#shards.size : 1))
  }

  /** Acknowledged as soon as there is room for it, as upstream. */
  async hold(signal: Signal, batch: Batch): Promise<Held> {
    if (batch.count === 0) return held
    const shard = this.#shardOf(signal, batch.origin)
    // One batch that is larger than the whole room is let in alone.
    const bytes = Math.min(batch.retainedBytes, this.#settings.max_bytes)
    if (!this.#capacity.tryTake(bytes, 0)) {
      const room = this.#capacity.take(bytes, 0)
      this.#makeRoom()
      await room
    }
    shard.add(batch, bytes)
    return held
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    const close = () => this.#close()
    if (deadline.aborted) close()
    deadline.addEventListener('abort', close, { once: true })
    await Promise.all([...this.#shards.values()].map((shard) => shard.drain()))
    deadline.removeEventListener('abort', close)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#capacity.close(new Rejected('the batch processor is shut down', { retryable: true }))
    for (const shard of this.#shards.values()) shard.close()
  }

  #makeRoom(): void {
    if (this.#capacity.waiting === 0) return
    for (const shard of this.#shards.values()) shard.sendEarly()
  }

  #shardOf(signal: Signal, origin: Origin): Shard {
    const values = this.#metadataKeys.map((key) => origin.metadata.get(key))
    const key = `${signal} ${JSON.stringify(values)}`
    const known = this.#shards.get(key)
    if (known) return known
    const { metadata_cardinality_limit } = this.#settings
    if (
      metadata_cardinality_limit !== 0 &&
      this.#metadataKeys.length > 0 &&
      this.#shards.size >= metadata_cardinality_limit
    ) {
      throw new Rejected('too many batcher metadata-value combinations', { retryable: false })
    }
    const shard = this.#open(signal, { metadata: metadataOf(this.#metadataKeys, values) })
    this.#shards.set(key, shard)
    return shard
  }

  #open(signal: Signal, origin: Origin): Shard {
    const context = this.#context
    return new Shard({
      context,
      signal,
      settings: this.#settings,
      origin,
      emit: context.emit[signal] as (batch: Batch) => Promise<void>,
      onSent: ({ batch, trigger }) => this.#telemetry.sent(trigger, batch.count, batch.byteLength),
      onIdle: () => this.#makeRoom(),
      release: (bytes) => this.#capacity.give(bytes, 0),
    })
  }
}

function metadataOf(keys: readonly string[], values: readonly (readonly string[] | undefined)[]): Origin['metadata'] {
  const metadata = new Map<string, readonly string[]>()
  keys.forEach((key, at) => {
    const value = values[at]
    if (value !== undefined) metadata.set(key, value)
  })
  return metadata
}
