import { defineProcessor } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { gatesOf } from './feature-gates.ts'
import { oddities } from './oddities.ts'
import { TailSampler } from './sampler.ts'
import { restoreState, saveState } from './saved-state.ts'

export default defineProcessor({
  type: 'tail_sampling',
  config,
  signals: { traces: 'beta' },
  placement: { by: 'trace' },
  create(settings, context) {
    const gates = gatesOf(context.engine)
    const sampler = new TailSampler(settings, gates, context)
    let isSaved = false
    return {
      start: async () => {
        for (const { message, fields } of oddities(settings, gates)) context.logger.warn(message, fields)
        sampler.start()
      },
      traces: (batch) => sampler.add(batch),
      async shutdown(deadline) {
        // What was saved belongs to the instance that takes over.
        if (!isSaved) await sampler.drain(deadline)
      },
      async save() {
        await sampler.stop()
        isSaved = true
        const state = saveState(sampler, context.clock)
        sampler.table.forgetAll()
        return state
      },
      restore: async (state) => restoreState(sampler, state, context.clock),
    }
  },
})
