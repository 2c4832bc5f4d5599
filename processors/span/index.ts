import { defineProcessor } from '../../pipeline/component.ts'
import { skipSpans } from '../../pipeline/filterset/skip.ts'
import { compileChanges } from './change.ts'
import { config } from './config.ts'

export default defineProcessor({
  type: 'span',
  config,
  signals: { traces: 'alpha' },
  placement: 'each',
  create(settings) {
    const change = compileChanges(settings)
    const skips = skipSpans(settings)
    return {
      traces: (batch) =>
        batch.edit((span) => {
          if (!skips?.(span)) change(span)
        }),
    }
  },
})
