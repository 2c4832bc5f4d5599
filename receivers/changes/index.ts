import { defineReceiver } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { ChangesReceiver } from './receiver.ts'

export default defineReceiver({
  type: 'changes',
  config,
  signals: { logs: 'alpha' },
  create: (settings, context) => new ChangesReceiver(settings, context),
})
