import { z } from 'zod'
import { type Context, defineExporter, defineReceiver, type Factory } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'

const everySignal = {
  traces: 'development',
  metrics: 'development',
  logs: 'development',
  profiles: 'development',
} as const
/** One free key, so that a test can change a component's config. */
const config = z.strictObject({ label: z.string().default('').describe('Free text.') })

export interface MemorySource {
  readonly factory: Factory<'receiver'>
  /** How often an instance was started, by component id. */
  readonly starts: Map<string, number>
  /** What a client would do: sends into the pipelines and hears what they say. */
  send(batch: Batch, id?: string): Promise<void>
}

/** A receiver that a test feeds. */
export function memorySource(type = 'source'): MemorySource {
  const running = new Map<string, Context>()
  const starts = new Map<string, number>()
  const factory = defineReceiver({
    type,
    signals: everySignal,
    config,
    create: (_config, context) => ({
      start: async () => {
        running.set(context.id, context)
        starts.set(context.id, (starts.get(context.id) ?? 0) + 1)
      },
      shutdown: async () => {
        if (running.get(context.id) === context) running.delete(context.id)
      },
    }),
  })
  const send = async (batch: Batch, id = type) => {
    const context = running.get(id)
    if (context === undefined) throw new Error(`the source "${id}" does not run`)
    await (context.emit[batch.signal] as (batch: Batch) => Promise<void>)(batch)
  }
  return { factory, starts, send }
}

export interface MemorySink {
  readonly factory: Factory<'exporter'>
  readonly received: { readonly id: string; readonly label: string; readonly batch: Batch }[]
  readonly starts: Map<string, number>
  /** Items received, of one signal or of all. */
  count(signal?: Signal): number
  /** Runs before each batch is taken: wait, or throw what the far end would say. */
  beforeTaking: (batch: Batch, id: string) => void | Promise<void>
}

/** An exporter that remembers. `queue` puts the common sending queue and retry before it, at their defaults. */
export function memorySink(type = 'sink', { queue = false } = {}): MemorySink {
  const received: MemorySink['received'] = []
  const starts = new Map<string, number>()
  const sink: MemorySink = {
    received,
    starts,
    count: (signal) =>
      received.reduce((sum, { batch }) => sum + (signal === undefined || batch.signal === signal ? batch.count : 0), 0),
    beforeTaking: () => {},
    factory: defineExporter({
      type,
      signals: everySignal,
      config,
      sending: { queue, retry: queue, timeoutMs: 0 },
      create: ({ label }, { id }) => {
        const take = async (batch: Batch) => {
          await sink.beforeTaking(batch, id)
          received.push({ id, label, batch })
        }
        return {
          start: async () => void starts.set(id, (starts.get(id) ?? 0) + 1),
          traces: take,
          metrics: take,
          logs: take,
          profiles: take,
        }
      },
    }),
  }
  return sink
}
