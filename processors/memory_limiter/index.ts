/** Refuses data while this process uses too much memory, so that senders wait and nothing is lost to an out-of-memory kill. */
import { type Context, defineProcessor, Rejected } from '../../pipeline/component.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import type { EngineView } from '../../pipeline/telemetry/engine-view.ts'
import { MemoryLimiter, refusal } from '../../pipeline/telemetry/memory-limiter.ts'
import { type Memory, processMemory } from '../../pipeline/telemetry/process-memory.ts'
import { type Config, config } from './config.ts'

export default createFactory(processMemory)

/** The memory that is watched is an argument, so that a test can fill it. */
export function createFactory(memory: Memory) {
  return defineProcessor({
    type: 'memory_limiter',
    config,
    signals: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'alpha' },
    create(settings, context) {
      let limiter: MemoryLimiter | undefined
      const gate = <B extends Batch>(signal: Signal) => {
        const accepted = counter(context, signal, 'accepted')
        const refused = counter(context, signal, 'refused')
        return (batch: B): B => {
          if (limiter?.mustRefuse) {
            refused.add(batch.count)
            throw new Rejected(refusal, { retryable: true })
          }
          accepted.add(batch.count)
          return batch
        }
      }
      return {
        traces: gate('traces'),
        metrics: gate('metrics'),
        logs: gate('logs'),
        profiles: gate('profiles'),
        async start() {
          limiter = share(context, settings, memory)
          limiter.join(context)
        },
        async shutdown() {
          if (limiter) release(context, settings, limiter)
          limiter = undefined
        },
      }
    },
  })
}

/** One limiter for all pipelines of one id and config: the memory is measured once, and collected once. */
const shared = new WeakMap<EngineView, Map<string, { readonly limiter: MemoryLimiter; users: number }>>()

function share(context: Context, settings: Config, memory: Memory): MemoryLimiter {
  const limiters = shared.get(context.engine) ?? new Map<string, { readonly limiter: MemoryLimiter; users: number }>()
  shared.set(context.engine, limiters)
  const key = keyOf(context, settings)
  const known = limiters.get(key)
  if (known) {
    known.users++
    return known.limiter
  }
  const limiter = new MemoryLimiter(settings, memory, context)
  limiters.set(key, { limiter, users: 1 })
  return limiter
}

function release(context: Context, settings: Config, limiter: MemoryLimiter): void {
  limiter.leave(context)
  const limiters = shared.get(context.engine)
  const known = limiters?.get(keyOf(context, settings))
  if (known && --known.users === 0) limiters?.delete(keyOf(context, settings))
}

/** The config too: during a reload the old and the new one of an id live side by side. */
function keyOf(context: Context, settings: Config): string {
  return `${context.id} ${JSON.stringify(settings)}`
}

const units = { traces: 'spans', metrics: 'metric_points', logs: 'log_records', profiles: 'profile_samples' } as const
const words = { traces: 'spans', metrics: 'metric points', logs: 'log records', profiles: 'profile samples' } as const

function counter(context: Context, signal: Signal, outcome: 'accepted' | 'refused') {
  const description =
    outcome === 'accepted'
      ? `Number of ${words[signal]} successfully pushed into the next component in the pipeline. [Alpha]`
      : `Number of ${words[signal]} that were rejected by the next component in the pipeline. [Alpha]`
  return context.meter.counter(`otelcol_processor_memory_limiter_${outcome}_${units[signal]}`, description)
}
