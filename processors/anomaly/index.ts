import { deserialize, serialize } from 'node:v8'
import { judgements } from '../../pipeline/capability/judgements.ts'
import { serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { defineProcessor } from '../../pipeline/component.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { config } from './config.ts'
import { Entities } from './entities.ts'
import { Judge } from './judge.ts'
import { Keeping } from './keeping.ts'
import { Senders } from './senders.ts'
import { restoreState, saveState } from './state.ts'
import { type Tick, Ticks } from './ticks.ts'

/** Ticks that wait to be judged before whoever sends them waits. */
const maxWaiting = 2

export default defineProcessor({
  type: 'anomaly',
  config,
  signals: { metrics: 'alpha' },
  create(settings, context) {
    const { clock, meter, logger } = context
    const senders = new Senders(clock, (origin) => context.originKey(origin))
    const entities = new Entities(settings, senders)
    const judge = new Judge(settings, context, entities, senders)
    const ticks = new Ticks(entities, senders)
    const keeping =
      settings.storage === undefined ? undefined : new Keeping(settings.storage, settings, context, entities, senders)
    let judging: Promise<void> = Promise.resolve()
    let waiting = 0
    let stopTimer: (() => void) | undefined
    let isRestored = false
    let isHandedOn = false
    let isFailing = false

    const emit = async (batch: Metrics) => {
      try {
        await context.emit.metrics(batch)
      } catch (error) {
        context.dropped(batch.count, 'refused_downstream', 'lost')
        logger.error('The next component refused the scores of a tick.', { error, points: batch.count })
      }
    }
    const judgeTick = async (tick: Tick) => {
      try {
        const batch = await judge.judge(tick)
        if (batch !== undefined) await emit(batch)
        if (isFailing) context.status('ok')
        isFailing = false
      } catch (error) {
        // One tick that cannot be judged must not be the last one.
        isFailing = true
        logger.error('A tick could not be judged.', { error })
        context.status('recoverable', `a tick could not be judged: ${errorMessage(error)}`)
      } finally {
        waiting--
      }
    }
    const closed = (tick: Tick) => {
      waiting++
      judging = judging.then(() => judgeTick(tick))
    }
    /** The last tick of a pause is judged without a later one. */
    const settle = () => {
      const left = ticks.settle(settings.settle_time, closed)
      stopTimer = left === undefined ? undefined : clock.after(left, settle)
    }

    return {
      start: async () => {
        if (settings.judgements !== undefined)
          judge.judgements = required(
            () => context.extension(judgements, settings.judgements),
            'judgements',
            'feature_store',
          )
        if (settings.service_catalog !== undefined)
          judge.catalog = required(
            () => context.extension(serviceCatalog, settings.service_catalog),
            'service_catalog',
            'service_catalog',
          )
        await keeping?.start(isRestored)
        if (ticks.isOpen) stopTimer = clock.after(settings.settle_time, settle)
        const name = (rest: string) => `otelcol_processor_anomaly_${rest}`
        meter.gauge(name('entities'), () => entities.size, {}, 'Entities that are known.')
        meter.gauge(
          name('senders'),
          () => senders.size,
          {},
          'Senders that are told apart, each with a time of its own.',
        )
        meter.gauge(name('memory'), () => entities.bytes(), {}, 'Bytes of what was learned of them.')
        const counters: readonly (readonly [string, () => number, string])[] = [
          ['judged_rows', () => judge.judged, 'Entities judged, each tick anew.'],
          ['shed_rows', () => judge.shed, 'Entities that were not judged since their tick took too long.'],
          ['explained_rows', () => judge.explained, 'Entities that were strange enough to be explained.'],
          ['evicted_entities', () => entities.evicted, 'Entities that were forgotten for want of room.'],
          [
            'unjudged_points',
            () => ticks.homeless,
            'Feature points of entities, or of senders, that there is no room for.',
          ],
          ['late_points', () => ticks.late, 'Feature points of a tick that was judged before they came.'],
        ]
        if (keeping !== undefined) {
          meter.gauge(name('checkpoint_bytes'), () => keeping.bytes, {}, 'Bytes of the last checkpoint.')
          meter.gauge(
            name('checkpoint_left_out'),
            () => keeping.leftOut,
            {},
            'Entities that had no room in the last checkpoint.',
          )
        }
        for (const [rest, read, description] of counters) meter.observedCounter(name(rest), read, {}, description)
      },
      metrics: async (batch) => {
        if (ticks.add(batch, closed)) stopTimer ??= clock.after(settings.settle_time, settle)
        if (waiting >= maxWaiting) await judging
        return batch
      },
      shutdown: async () => {
        stopTimer?.()
        stopTimer = undefined
        if (!isHandedOn) ticks.settle(0, closed)
        await judging
        await keeping?.shutdown(isHandedOn)
      },
      save: async () => {
        stopTimer?.()
        stopTimer = undefined
        await judging
        isHandedOn = true
        return serialize(saveState(entities, ticks))
      },
      restore: async (bytes) => {
        restoreState(deserialize(bytes), { entities, senders, ticks })
        isRestored = true
      },
    }
  },
})

function required<T>(find: () => T, key: string, type: string): T {
  try {
    return find()
  } catch (cause) {
    throw new Error(
      `the extension that ${key} names is not there: add ${type} to extensions and to service::extensions, or leave ${key} out`,
      { cause },
    )
  }
}
