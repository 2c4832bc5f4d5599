import { defineProcessor } from '../../pipeline/component.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { readIncident } from '../../pipeline/vocabulary/incident.ts'
import { config } from './config.ts'
import { Desk } from './desk.ts'

export default defineProcessor({
  type: 'rca',
  config,
  signals: { logs: 'alpha' },
  create(settings, context) {
    const desk = new Desk(settings, context)
    return {
      start: async () => desk.open(),
      logs: (batch) => {
        for (const record of batch) {
          const incident = record.eventName === 'vigil.incident' ? readIncident(record) : undefined
          if (incident !== undefined) desk.put(incident, batch.origin)
        }
        return batch
      },
      shutdown: (deadline) => beforeDeadline(desk.close(), deadline),
    }
  },
})
