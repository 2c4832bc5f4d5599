/** Receives nothing: for pipelines that are fed otherwise, and for tests. */
import { defineReceiver } from '../../pipeline/component.ts'
import { config } from './config.ts'

export default defineReceiver({
  type: 'nop',
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'alpha' },
  placement: 'each',
  create: () => ({}),
})
