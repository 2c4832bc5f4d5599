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

/** So many are kept when they are empty, and cost no room. */
const freeShards = 64
/** About what an open shard takes in memory. */
const shardBytes = 2_048

class Batching {
  readonly #settings: Config
  readonly #context: Context
  readonly #metadataKeys: readonly string[]
  /** Those that hold something, or have something on its way. */
  readonly #shards = new Map<string, Shard>()
  /** Of `metadata_keys`, as many as `metadata_cardinality_limit` says. */
  readonly #combinations = new Set<string>()
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
    observeCardinality(this.#context.meter, this.#context.id, () => (hasKeys ? this.#combinations.size : 1))
  }

  /** Acknowledged as soon as there is room for it, as upstream. */
  async hold(signal: Signal, batch: Batch): Promise<Held> {
    if (batch.count === 0) return held
    const key = this.#keyOf(signal, batch.origin)
    // So that many senders who differ are bounded by `max_bytes` too.
    const overhead = this.#shards.size < freeShards || this.#shards.has(key) ? 0 : shardBytes
    // One batch that is larger than the whole room is let in alone.
    const bytes = Math.min(batch.retainedBytes + overhead, this.#settings.max_bytes)
    if (!this.#capacity.tryTake(bytes, 0)) {
      const room = this.#capacity.take(bytes, 0)
      this.#makeRoom()
      await room
    }
    this.#shardOf(signal, key).add(batch, bytes)
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

  /** Apart are kept the signals, what differs in `metadata_keys`, and what differs in anything else that somebody further on reads. */
  #keyOf(signal: Signal, origin: Origin): string {
    const read = this.#context.originKey(origin)
    if (this.#metadataKeys.length === 0) return `${signal} ${read}`
    const combination = `${signal} ${JSON.stringify(this.#metadataKeys.map((key) => origin.metadata.get(key)))}`
    if (!this.#combinations.has(combination)) {
      const { metadata_cardinality_limit: limit } = this.#settings
      if (limit !== 0 && this.#combinations.size >= limit)
        throw new Rejected('too many batcher metadata-value combinations', { retryable: false })
      this.#combinations.add(combination)
    }
    return `${combination} ${read}`
  }

  #shardOf(signal: Signal, key: string): Shard {
    let shard = this.#shards.get(key)
    if (shard === undefined) {
      shard = this.#open(signal, key)
      this.#shards.set(key, shard)
    }
    return shard
  }

  #open(signal: Signal, key: string): Shard {
    const context = this.#context
    return new Shard({
      context,
      signal,
      settings: this.#settings,
      emit: context.emit[signal] as (batch: Batch) => Promise<void>,
      onSent: ({ batch, trigger }) => this.#telemetry.sent(trigger, batch.count, batch.byteLength),
      onIdle: () => {
        if (this.#shards.size > freeShards && this.#shards.get(key)?.isEmpty) this.#shards.delete(key)
        this.#makeRoom()
      },
      release: (bytes) => this.#capacity.give(bytes, 0),
    })
  }
}
