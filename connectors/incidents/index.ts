import { deserialize, serialize } from 'node:v8'
import { serviceCatalogOf } from '../../pipeline/capability/observed-services.ts'
import { defineConnector } from '../../pipeline/component.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { Books } from './books.ts'
import { config } from './config.ts'
import { Keeping } from './keeping.ts'
import { checkState } from './state.ts'

/** How often time by itself is asked what it has brought: snoozes that are over, quiet that has lasted, events that were refused. */
const lookMs = 2_000

export default defineConnector({
  type: 'incidents',
  config,
  signals: { 'logs to logs': 'alpha' },
  create(settings, context) {
    const { clock } = context
    const { storage: extension, save_interval } = settings
    const stops: (() => void)[] = []
    let stopNext: (() => void) | undefined
    let isRestored = false
    let isHandedOn = false
    let isRunning = false
    const books = new Books(settings, context, () => void settle())
    const keeping = extension === undefined ? undefined : new Keeping(extension, context, books)

    /** Stored before it is sent, so that no crash loses it, and after, so that none repeats it. */
    const settle = async (hasChanged = false): Promise<void> => {
      if (!isRunning) return
      const hasNews = books.look()
      if (hasNews || hasChanged) await keeping?.write()
      if (books.outbox.size > 0) {
        await books.outbox.flush()
        await keeping?.write()
      }
      if (isRunning) lookLater()
    }
    /** At what is due next, where that is sooner than the next look. */
    const lookLater = () => {
      stopNext?.()
      const ms = books.nextLookMs
      stopNext = ms === undefined || ms >= lookMs ? undefined : clock.after(Math.max(1, ms), () => settle())
    }
    const stop = () => {
      isRunning = false
      stopNext?.()
      for (const one of stops.splice(0)) one()
    }

    return {
      start: async () => {
        if (settings.service_catalog !== undefined) books.catalog = serviceCatalogOf(context, settings.service_catalog)
        await keeping?.open(isRestored)
        books.begin()
        isRunning = true
        books.readGraph()
        stops.push(clock.every(lookMs, () => settle()))
        if (settings.feature_store !== undefined)
          stops.push(clock.every(settings.graph_interval, () => books.readGraph()))
        if (keeping !== undefined && save_interval > 0) stops.push(clock.every(save_interval, () => keeping.write()))
      },
      logs: async (batch) => {
        await settle(books.read(batch))
      },
      save: async () => {
        stop()
        await books.outbox.flush()
        const state = serialize(books.save())
        isHandedOn = true
        return state
      },
      restore: async (bytes) => {
        books.restore(checkState(deserialize(bytes)))
        isRestored = true
      },
      shutdown: async (deadline) => {
        stop()
        if (isHandedOn) books.outbox.clear()
        else await beforeDeadline(books.outbox.close(keeping !== undefined), deadline)
        await keeping?.close()
      },
    }
  },
})
