import { type Context, defineProcessor } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { seeded } from './hash.ts'
import { sampleLogs } from './logs.ts'
import { type Decision, Sampler, type SamplerProblem } from './sampler.ts'
import { sampleTraces } from './traces.ts'

export default defineProcessor({
  type: 'probabilistic_sampler',
  config,
  signals: { traces: 'beta', logs: 'alpha' },
  placement: 'each',
  create(settings, context) {
    const sampler = new Sampler(settings)
    const seed = seeded(settings.hash_seed)
    const count = {
      traces: newTally(context, [
        ['count_spans_processed', 'Count of spans that were sampled or not'],
        ['count_traces_sampled', '[DEPRECATED] Count of spans that were sampled or not'],
      ]),
      logs: newTally(context, [['count_logs_sampled', 'Count of logs that were sampled or not']]),
    }
    return {
      traces(batch) {
        const kept = sampleTraces(batch, sampler, seed, count.traces.add)
        count.traces.flush()
        if (kept.count < batch.count) context.dropped(batch.count - kept.count, 'not_sampled', 'intended')
        return kept
      },
      logs(batch) {
        const kept = sampleLogs(batch, settings, sampler, seed, count.logs.add)
        count.logs.flush()
        if (kept.count < batch.count) context.dropped(batch.count - kept.count, 'not_sampled', 'intended')
        return kept
      },
    }
  },
})

/** Counts decisions by policy, batch by batch, and tells each kind of trouble once. */
function newTally({ meter, logger }: Context, names: readonly (readonly [string, string])[]) {
  const counters = names.map(([name, help]) => meter.counter(`otelcol_processor_probabilistic_sampler_${name}`, help))
  const counts = new Map<string, { readonly policy: string; readonly sampled: string; items: number }>()
  const told = new Set<SamplerProblem>()
  return {
    add: ({ policy, isSampled, problem }: Decision): void => {
      if (problem !== undefined && !told.has(problem)) {
        told.add(problem)
        logger.warn('An item could not be sampled as configured; fail_closed says what happens to such items.', {
          reason: problem,
        })
      }
      const key = `${isSampled} ${policy}`
      const known = counts.get(key)
      if (known !== undefined) known.items++
      else counts.set(key, { policy, sampled: String(isSampled), items: 1 })
    },
    flush: (): void => {
      for (const { policy, sampled, items } of counts.values())
        for (const counter of counters) counter.add(items, { policy, sampled })
      counts.clear()
    },
  }
}
