/** Accepts everything and keeps nothing. */
import { defineExporter } from '../../pipeline/component.ts'
import { config } from './config.ts'

function accept(): void {}

export default defineExporter({
  type: 'nop',
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'alpha' },
  placement: 'each',
  sending: { queue: false, retry: false, timeoutMs: 0 },
  create: () => ({ traces: accept, metrics: accept, logs: accept, profiles: accept }),
})
