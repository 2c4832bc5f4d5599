import { defineProcessor, held } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { WaitingTraces } from './waiting.ts'

export default defineProcessor({
  type: 'group_by_trace',
  aliases: ['groupbytrace'],
  config,
  signals: { traces: 'beta' },
  placement: { by: 'trace' },
  create(settings, context) {
    const waiting = new WaitingTraces(settings, context)
    return {
      start: async () => {
        const { meter } = context
        const name = (rest: string) => `otelcol_processor_groupbytrace_${rest}`
        meter.gauge(
          name('conf_num_traces'),
          () => settings.num_traces,
          {},
          'Maximum number of traces to hold in the internal storage',
        )
        meter.gauge(
          name('num_traces_in_memory'),
          () => waiting.size,
          {},
          'Number of traces currently in the in-memory storage',
        )
      },
      traces(batch) {
        waiting.add(batch)
        return held
      },
      shutdown: (deadline) => waiting.drain(deadline),
      save: () => waiting.save(),
      restore: async (state) => waiting.restore(state),
    }
  },
})
