import { defineProcessor } from '../../pipeline/component.ts'
import { originReads } from '../../pipeline/ottl/origin-reads.ts'
import { config } from './config.ts'
import { Dedup } from './dedup.ts'

export default defineProcessor({
  type: 'log_dedup',
  aliases: ['logdedup'],
  config,
  signals: { logs: 'alpha' },
  reads: ({ metadata_keys, conditions }) => ({ metadata: metadata_keys, ...originReads(conditions) }),
  create(settings, context) {
    const dedup = new Dedup(settings, context)
    return {
      start: async () => dedup.start(),
      logs: (batch) => dedup.logs(batch),
      shutdown: (deadline) => dedup.shutdown(deadline),
      save: () => dedup.save(),
      restore: async (state) => dedup.restore(state),
    }
  },
})
