import { ObservedServices, serviceCatalogOf } from '../../pipeline/capability/observed-services.ts'
import { defineConnector } from '../../pipeline/component.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { SentLater } from '../../pipeline/sent-later.ts'
import { inSlices, Slices } from '../../pipeline/slices.ts'
import { config, type Kind } from './config.ts'
import { TraceFeatures } from './features.ts'
import { restoreState, saveState } from './state.ts'
import { countPoints, writeMetrics } from './write.ts'

/** A batch is read in parts of so many spans, with other work in between. */
const spansAtOnce = 4_096
const sweepMs = 60_000

export default defineConnector({
  type: 'trace_features',
  config,
  signals: { 'traces to metrics': 'alpha' },
  placement: { by: 'trace' },
  create(settings, context) {
    const { clock, meter } = context
    const name = (rest: string) => `otelcol_connector_trace_features_${rest}`
    const expired = meter.counter(name('expired_entities'), 'Entities forgotten after entity_expiration.')
    const features = new TraceFeatures(settings, context, (count) => expired.add(count))
    const outgoing = new SentLater(context, 'features of traces')
    const timers: (() => void)[] = []
    let isStarted = false
    let isHandedOn = false
    let observed: ObservedServices | undefined
    const stopTimers = () => {
      for (const stop of timers.splice(0)) stop()
    }
    const flush = (): Promise<void> => {
      for (const counted of features.take())
        void outgoing.send(countPoints(counted), () => writeMetrics(counted, new Slices(clock)))
      return outgoing.settled()
    }
    const completeTraces = async (): Promise<void> => {
      const slices = new Slices(clock)
      while (!isHandedOn && !features.tick(() => slices.isOver)) {
        await slices.pause()
      }
      if (features.isFull) await flush()
    }

    return {
      start: async () => {
        if (settings.service_catalog !== undefined)
          observed = new ObservedServices(serviceCatalogOf(context, settings.service_catalog), clock)
        isStarted = true
        const { waiting, peers, entities, overflowed, traces } = features
        meter.gauge(name('waiting_spans'), () => waiting.spans.size, {}, 'Spans whose trace is not complete.')
        meter.gauge(name('waiting_traces'), () => waiting.openCount, {}, 'Traces that are not complete.')
        meter.gauge(name('peers'), () => peers.size, {}, 'Addresses that were called.')
        meter.observedCounter(name('early_traces'), () => waiting.earlyTraces, {}, 'Traces that had to go early.')
        meter.observedCounter(name('late_spans'), () => waiting.lateSpans, {}, 'Spans of traces that had gone.')
        const uncounted = () => traces.uncountedCrossings
        meter.observedCounter(name('uncounted_crossings'), uncounted, {}, 'Crossings beyond max_crossed.')
        for (const kind of Object.keys(settings.limits) as Kind[]) {
          meter.gauge(name('entities'), () => entities.size(kind), { kind }, 'Entities that are kept.')
          const help = 'Spans of entities for which there was no room.'
          meter.observedCounter(name('overflowed_spans'), () => overflowed[kind], { kind }, help)
        }
        timers.push(
          clock.every(settings.flush_interval, flush),
          clock.every(features.waiting.tickMs, completeTraces),
          clock.every(sweepMs, () => features.sweep()),
        )
      },
      traces: async (batch) => {
        const read = (part: Traces) => {
          observed?.see(part)
          features.add(part)
        }
        await inSlices(batch.slices(spansAtOnce), read, { clock })
        if (features.isFull) await flush()
      },
      save: async () => {
        stopTimers()
        isHandedOn = true
        await outgoing.settled()
        return saveState(features, clock)
      },
      restore: async (state) => {
        for (const metrics of restoreState(state, features, clock)) void outgoing.send(metrics.count, () => metrics)
      },
      shutdown: async (deadline) => {
        stopTimers()
        if (isStarted && !isHandedOn) {
          features.drain()
          void flush()
        }
        isHandedOn = true
        await beforeDeadline(outgoing.settled(), deadline)
      },
    }
  },
})
