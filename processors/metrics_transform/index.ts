import { defineProcessor } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { Transformer } from './transform.ts'

export default defineProcessor({
  type: 'metrics_transform',
  aliases: ['metricstransform'],
  config,
  signals: { metrics: 'beta' },
  placement: 'each',
  create(settings, context) {
    const transformer = new Transformer(settings, context)
    return { metrics: (batch) => transformer.run(batch) }
  },
})
