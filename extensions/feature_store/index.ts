import type { Capability } from '../../pipeline/capability/capability.ts'
import { crossings } from '../../pipeline/capability/crossings.ts'
import { featureSink, featureStore } from '../../pipeline/capability/feature-store.ts'
import { judgements, openAlarms } from '../../pipeline/capability/judgements.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { RunningStore } from './running-store.ts'

export default defineExtension({
  type: 'feature_store',
  config,
  signals: { extension: 'alpha' },
  create(settings, context) {
    const store = new RunningStore(settings, context)
    return {
      provides: new Map<Capability<unknown>, unknown>([
        [featureStore, store.reading],
        [featureSink, store.writing],
        [judgements, store.judging],
        [openAlarms, store.judging],
        [crossings, store.crossing],
      ]),
      start: () => store.start(),
      shutdown: () => store.shutdown(),
      save: () => store.save(),
      restore: async (state) => store.restore(state),
    }
  },
})
