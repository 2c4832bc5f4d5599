import { defineReceiver } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { AlertsReceiver } from './receiver.ts'

export default defineReceiver({
  type: 'alerts',
  config,
  signals: { logs: 'alpha' },
  create: (settings, context) => new AlertsReceiver(settings, context),
})
