import { defineProcessor } from '../../pipeline/component.ts'
import { Annotator } from './annotate.ts'
import { config } from './config.ts'
import { Keeping } from './keeping.ts'

export default defineProcessor({
  type: 'log_template',
  aliases: ['drain'],
  config,
  signals: { logs: 'alpha' },
  create(settings, context) {
    const annotator = new Annotator(settings, context)
    const { storage } = settings
    const keeping = storage === undefined ? undefined : new Keeping(storage, settings, context, annotator)
    let isRestored = false
    return {
      async start() {
        const { meter } = context
        await keeping?.start(isRestored)
        annotator.seed()
        const name = (rest: string) => `otelcol_processor_drain_${rest}`
        meter.gauge(
          name('clusters_active'),
          () => annotator.size,
          {},
          'Current number of active clusters in the Drain parse tree.',
        )
        meter.observedCounter(
          name('clusters_evicted'),
          () => annotator.evicted,
          {},
          'How many templates were forgotten for want of room.',
        )
      },
      logs: (batch) => annotator.annotate(batch),
      shutdown: async () => keeping?.shutdown(),
      save: async () => Buffer.from(JSON.stringify(annotator.save())),
      async restore(state) {
        annotator.restore(JSON.parse(Buffer.from(state).toString('utf8')))
        isRestored = true
      },
    }
  },
})
