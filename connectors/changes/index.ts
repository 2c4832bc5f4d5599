import { deserialize, serialize } from 'node:v8'
import { StoredState } from '../../pipeline/capability/stored-state.ts'
import { defineConnector } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { Outbox } from '../../pipeline/streams/outbox.ts'
import { type Change, writeChange } from '../../pipeline/vocabulary/change.ts'
import { config } from './config.ts'
import { ChangeWatch, type Saved } from './watch.ts'

interface Waiting {
  readonly origin: Origin
  readonly change: Change
}

interface State {
  readonly watch: Saved
  readonly waiting: readonly Waiting[]
}

const maxWaiting = 1_000
/** What could not be sent is tried again. */
const retryMs = 5_000

export default defineConnector({
  type: 'changes',
  config,
  signals: { 'traces to logs': 'alpha', 'metrics to logs': 'alpha', 'logs to logs': 'alpha' },
  create(settings, context) {
    const { clock, meter } = context
    const name = (rest: string) => `otelcol_connector_changes_${rest}`
    const told = meter.counter(name('told'), 'Changes that were told.')
    const outbox = new Outbox<Waiting>(context, {
      maxWaiting,
      noun: 'changes',
      write: (builder, { change }) => writeChange(builder, change),
    })
    let hasChanged = false
    const watch = new ChangeWatch(
      settings,
      () => clock.nowUnixNano(),
      (change, origin) => {
        hasChanged = true
        told.add(1, { kind: change.kind, source: change.source })
        outbox.add({ origin, change })
      },
    )
    const { storage: extension } = settings
    const stored =
      extension === undefined
        ? undefined
        : new StoredState(context, {
            extension,
            name: 'state',
            key: 'changes',
            what: 'versions of services',
            otherwise: 'they are learned anew',
          })
    const state = () => serialize({ watch: watch.save(), waiting: outbox.save() } satisfies State)
    const write = () => stored?.write(state)
    const restore = (bytes: Uint8Array) => {
      const saved = deserialize(bytes) as Partial<State>
      if (saved.watch === undefined || saved.waiting === undefined)
        throw new Error('this is no state of a changes connector')
      watch.restore(saved.watch)
      outbox.restore(saved.waiting)
    }
    const stops: (() => void)[] = []
    let isRestored = false
    let isHandedOn = false
    let isOpen = false
    const stop = () => {
      for (const one of stops.splice(0)) one()
    }
    /** Events first: one that is sent and not stored is told again after a crash, with the same id. */
    const settle = async () => {
      if (!hasChanged) return
      hasChanged = false
      await outbox.flush()
      await write()
    }

    return {
      start: async () => {
        await stored?.open(isRestored ? undefined : restore)
        isOpen = true
        meter.gauge(name('services'), () => watch.services, {}, 'Services whose versions are known.')
        meter.observedCounter(
          name('forgotten_services'),
          () => watch.forgotten,
          {},
          'Services that were forgotten for want of room.',
        )
        stops.push(clock.every(retryMs, () => outbox.flush()))
        if (stored !== undefined) stops.push(clock.every(settings.save_interval, async () => void (await write())))
      },
      traces: async (batch) => {
        watch.see(batch)
        await settle()
      },
      metrics: async (batch) => {
        watch.see(batch)
        await settle()
      },
      logs: async (batch) => {
        watch.see(batch)
        watch.read(batch)
        await settle()
      },
      save: async () => {
        stop()
        await outbox.flush()
        isHandedOn = true
        return state()
      },
      restore: async (bytes) => {
        restore(bytes)
        isRestored = true
      },
      shutdown: async (deadline) => {
        stop()
        if (isHandedOn) outbox.clear()
        else await beforeDeadline(outbox.close(), deadline)
        if (!isOpen) return
        isOpen = false
        await write()
        await stored?.close()
      },
    }
  },
})
