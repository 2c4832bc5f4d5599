import { deserialize, serialize } from 'node:v8'
import { ObservedServices, serviceCatalogOf } from '../../pipeline/capability/observed-services.ts'
import { defineProcessor, held } from '../../pipeline/component.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { inSlices } from '../../pipeline/slices.ts'
import { tracePanes } from '../../pipeline/vocabulary/panes.ts'
import { config } from './config.ts'
import { type SavedSenders, type Sender, Senders } from './senders.ts'

/** How often time is looked at where no data come. */
const lookMs = 1_000
/** Resources of a batch are looked at in parts of so many points, with other work in between. */
const pointsAtOnce = 4_096

export default defineProcessor({
  type: 'features',
  config,
  signals: { metrics: 'alpha' },
  create(settings, context) {
    const { clock, meter, logger } = context
    const senders = new Senders(settings, context)
    let working: Promise<void> = Promise.resolve()
    let stopTimer: (() => void) | undefined
    let observed: ObservedServices | undefined

    /** One batch or look at the clock after the other: what is emitted stays in the order of time. */
    const inTurn = (work: () => Promise<void>): Promise<void> => {
      const done = working.then(work)
      working = done.catch(() => {})
      return done
    }
    /** What features were made of was accepted before: what is refused now is lost to nobody who could send it again. */
    const emit = async (batches: AsyncIterable<Metrics>) => {
      for await (const batch of batches) {
        try {
          await context.emit.metrics(batch)
        } catch (error) {
          context.dropped(batch.count, 'refused_downstream', 'lost')
          logger.error('The next component refused features.', { error, points: batch.count })
        }
      }
    }
    /** Columns are of connectors, which know no more of a service than its name. */
    const observe = async (batch: Metrics) => {
      if (observed === undefined || !batch.isEncoded) return
      await inSlices(batch.slices(pointsAtOnce), (part) => observed?.see(part), { clock })
    }
    const look = () => inTurn(() => senders.look(emit))
    const stop = () => {
      stopTimer?.()
      stopTimer = undefined
    }

    return {
      async start() {
        if (settings.service_catalog !== undefined)
          observed = new ObservedServices(serviceCatalogOf(context, settings.service_catalog), clock)
        await senders.start()
        const name = (rest: string) => `otelcol_processor_features_${rest}`
        const gauge = (rest: string, of: (sender: Sender) => number, help: string) =>
          meter.gauge(name(rest), () => senders.sum(of), {}, help)
        const counter = (rest: string, of: (sender: Sender) => number, help: string) =>
          meter.observedCounter(name(rest), () => senders.sum(of), {}, help)
        gauge('entities', ({ features }) => features.entities.size, 'Entities that are kept, parts of them too.')
        gauge('sources', ({ features }) => features.frontier.size, 'Sources whose time is followed.')
        counter('evicted_entities', ({ features }) => features.entities.evicted, 'Entities forgotten for want of room.')
        counter('forced_panes', ({ features }) => features.frontier.forced, 'Panes closed before all sources had come.')
        counter('late_points', ({ features }) => features.late, 'Points of panes that had been closed.')
        counter('corrected_points', ({ features }) => features.corrected, 'Features that were emitted once more.')
        if (settings.storage !== undefined) {
          gauge('journal_bytes', ({ journal }) => journal?.bytes ?? 0, 'Size of the panes on disk.')
          counter('failed_writes', ({ journal }) => journal?.failures ?? 0, 'Records of panes that were not written.')
        }
        stopTimer = clock.every(lookMs, look)
      },
      async metrics(batch) {
        await inTurn(async () => {
          await observe(batch)
          const sender = await senders.of(batch)
          if (sender === undefined) return
          const { features, journal } = sender
          const taken = await features.read(batch)
          // Before the sender is answered, and before anybody sees what comes of it.
          await journal?.write(taken)
          await emit(features.take(taken))
          await emit(features.advance())
        })
        const passed = tracePanesOf(batch)
        return passed.count === 0 ? held : passed
      },
      async save() {
        stop()
        await working
        return serialize(senders.save())
      },
      async restore(state) {
        senders.restore(deserialize(state) as Partial<SavedSenders>)
      },
      async shutdown() {
        stop()
        await working
        await senders.close()
      },
    }
  },
})

function tracePanesOf(batch: Metrics): Metrics {
  return batch.filter(({ metric }) => passedOn.has(metric.name), 'drop')
}
const passedOn: ReadonlySet<string> = new Set(Object.values(tracePanes))
