/** Refuses requests before their body is read while this process uses too much memory. */
import { type ServerMiddleware, serverMiddleware } from '../../pipeline/capability/middleware.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { Code } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'
import { MemoryLimiter, refusal } from '../../pipeline/telemetry/memory-limiter.ts'
import { type Memory, processMemory } from '../../pipeline/telemetry/process-memory.ts'
import { config } from './config.ts'

export default createFactory(processMemory)

/** The memory that is watched is an argument, so that a test can fill it. */
export function createFactory(memory: Memory) {
  return defineExtension({
    type: 'memory_limiter',
    config,
    signals: { extension: 'development' },
    create(settings, context) {
      const refused = context.meter.counter(
        'vigil_memory_limiter_refused_requests',
        'Requests that were refused at the door because of high memory usage.',
      )
      // The next measurement is the first moment at which the answer can be another one.
      const retryDelayMs = Math.max(1_000, settings.check_interval)
      let limiter: MemoryLimiter | undefined
      const middleware: ServerMiddleware = {
        admit({ protocol }) {
          if (!limiter?.mustRefuse) return
          refused.add(1, { protocol })
          throw new StatusError(Code.RESOURCE_EXHAUSTED, refusal, retryDelayMs)
        },
      }
      return {
        provides: new Map([[serverMiddleware, middleware]]),
        async start() {
          limiter = new MemoryLimiter(settings, memory, context)
          limiter.join(context)
        },
        async shutdown() {
          limiter?.leave(context)
          limiter = undefined
        },
      }
    },
  })
}
