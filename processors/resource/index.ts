import { compileActions, readsOfActions } from '../../pipeline/attributes/compile-actions.ts'
import { defineProcessor } from '../../pipeline/component.ts'
import { config } from './config.ts'

export default defineProcessor({
  type: 'resource',
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta' },
  placement: 'each',
  reads: ({ attributes }) => readsOfActions(attributes),
  create(settings) {
    const apply = compileActions(settings.attributes)
    return {
      traces: (batch) => batch.editResources(({ attributes }) => apply(attributes, batch.origin)),
      metrics: (batch) => batch.editResources(({ attributes }) => apply(attributes, batch.origin)),
      logs: (batch) => batch.editResources(({ attributes }) => apply(attributes, batch.origin)),
    }
  },
})
