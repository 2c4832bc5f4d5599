import { deserialize, serialize } from 'node:v8'
import { serviceCatalogOf } from '../../pipeline/capability/observed-services.ts'
import { defineConnector } from '../../pipeline/component.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { config } from './config.ts'
import { Keeping } from './keeping.ts'
import { checkState } from './state.ts'
import { Watches } from './watches.ts'

/** How often the clock is asked whether anything comes at all. */
const livenessMs = 2_000

export default defineConnector({
  type: 'alarms',
  config,
  signals: { 'metrics to logs': 'alpha' },
  create(settings, context) {
    const { clock } = context
    const watches = new Watches(settings, context)
    const { storage: extension, save_interval } = settings
    const keeping = extension === undefined ? undefined : new Keeping(extension, context, watches)
    const stops: (() => void)[] = []
    let isRestored = false
    let isHandedOn = false

    /** Events first: one that is sent and not stored is raised again after a crash, with the same id. */
    const settle = async (hasChanged: boolean) => {
      if (hasChanged) await watches.outbox.flush()
      if (hasChanged) await keeping?.write()
    }
    const stop = () => {
      for (const one of stops.splice(0)) one()
    }

    return {
      start: async () => {
        if (settings.service_catalog !== undefined)
          watches.catalog = serviceCatalogOf(context, settings.service_catalog)
        await keeping?.open(isRestored)
        watches.begin()
        stops.push(clock.every(livenessMs, () => settle(watches.look())))
        if (keeping !== undefined && save_interval > 0) stops.push(clock.every(save_interval, () => keeping.write()))
      },
      metrics: (batch) => settle(watches.read(batch)),
      save: async () => {
        stop()
        await watches.outbox.flush()
        const state = serialize(watches.save(true))
        isHandedOn = true
        return state
      },
      restore: async (bytes) => {
        watches.restore(checkState(deserialize(bytes)))
        isRestored = true
      },
      shutdown: async (deadline) => {
        stop()
        if (isHandedOn) watches.outbox.clear()
        else await beforeDeadline(watches.outbox.close(), deadline)
        await keeping?.close()
      },
    }
  },
})
