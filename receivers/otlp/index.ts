import { defineReceiver } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { OtlpReceiver } from './receiver.ts'

export default defineReceiver({
  type: 'otlp',
  config,
  signals: { traces: 'stable', metrics: 'stable', logs: 'stable', profiles: 'alpha' },
  placement: 'each',
  create: (settings, context) => new OtlpReceiver(settings, context),
})
