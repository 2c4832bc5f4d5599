import { deserialize, serialize } from 'node:v8'
import { defineConnector } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import { config } from './config.ts'
import { anomalyOf, budgetGauges } from './events.ts'
import { Keeping } from './keeping.ts'
import { ObjectivesSource } from './objectives-source.ts'
import { Outbox, type Waiting } from './outbox.ts'
import { Watch } from './watch.ts'

interface SavedAlerts {
  readonly alerts: ReturnType<Watch['saveAlerts']>
  readonly waiting: readonly Waiting[]
}
interface Saved {
  readonly counts: Uint8Array
  readonly alerts: Uint8Array
}
const retryMs = 5_000
/** Pairs of objective and entity whose gauges are one batch. */
const trackersAtOnce = 50

export default defineConnector({
  type: 'slo',
  config,
  signals: { 'metrics to logs': 'alpha', 'metrics to metrics': 'alpha' },
  create(settings, context) {
    const { clock, logger, meter } = context
    const rules = settings.burn_rates
      .map(({ burn, long, short, severity, wakes }) => ({
        burn,
        longSeconds: long,
        shortSeconds: short,
        severity,
        wakes,
      }))
      .sort((a, b) => b.burn - a.burn)
    const windows = [...new Set(rules.flatMap(({ shortSeconds, longSeconds }) => [shortSeconds, longSeconds]))]
    const source = new ObjectivesSource(settings)
    const outbox = new Outbox(context)
    let hasTransitions = false
    const watch = new Watch(
      {
        rules,
        guard: { minRequests: settings.min_requests, significance: settings.significance },
        settleSeconds: settings.settle / 1_000,
        maxSkewSeconds: settings.max_skew / 1_000,
        maxTrackers: settings.max_entities,
        maxStreams: settings.max_streams,
      },
      context,
      (transition) => {
        hasTransitions = true
        const { origin, originKey } = transition.tracker
        outbox.add({ origin, originKey, anomaly: anomalyOf(transition, clock.nowUnixNano()) })
      },
    )
    let saved: Saved | undefined
    let lastGauges = -1
    let sendingGauges: Promise<void> = Promise.resolve()
    const stops: (() => void)[] = []
    let saving: Promise<unknown> = Promise.resolve()

    /** Large ones take a while: what comes meanwhile waits. */
    const counts = (): Promise<Uint8Array> => {
      const bytes = saving.then(() => watch.save())
      saving = bytes.catch(() => {})
      return bytes
    }
    /** Another may have begun while one was waited for. */
    const untilSaved = async (): Promise<void> => {
      let last: Promise<unknown>
      do await (last = saving)
      while (last !== saving)
    }
    /** What is small and must not be lost: which alerts are active, and what nobody has accepted yet. */
    const alertState = () => serialize({ alerts: watch.saveAlerts(), waiting: outbox.peek() } satisfies SavedAlerts)
    const restore = (counts: Uint8Array, alerts: Uint8Array): void => {
      const of = deserialize(alerts) as Partial<SavedAlerts>
      if (of.alerts === undefined || of.waiting === undefined) throw new Error('this is no state of an slo connector')
      watch.restore(counts)
      watch.restoreAlerts(of.alerts)
      outbox.restore(of.waiting)
    }
    const keeping =
      settings.storage === undefined
        ? undefined
        : new Keeping(settings.storage, context, { counts, alerts: alertState, restore })

    const sendGauges = async (): Promise<void> => {
      if (!context.outputs.has('metrics') || watch.now < lastGauges + settings.gauge_interval / 1_000) return
      lastGauges = watch.now
      const trackers = [...watch.all()].filter(({ since }) => since >= 0)
      const slices = new Slices(clock)
      for (const group of Map.groupBy(trackers, ({ originKey }) => originKey).values())
        for (let at = 0; at < group.length; at += trackersAtOnce) {
          const metrics = budgetGauges(group[0]!.origin, group.slice(at, at + trackersAtOnce), windows)
          try {
            await context.emit.metrics(metrics)
          } catch (error) {
            context.dropped(metrics.count, 'refused_downstream', 'lost')
            logger.error('The next component refused the gauges of SLOs.', { error, points: metrics.count })
          }
          if (slices.isOver) await slices.pause()
        }
    }

    const readAgain = async (): Promise<void> => {
      if (!(await source.hasChanged())) return
      const { objectives, problems } = await source.read()
      if (problems.length > 0) {
        logger.error('The files with SLOs have changed and are not valid; the SLOs of before stay.', { problems })
        return
      }
      await untilSaved()
      watch.setObjectives(objectives)
      await outbox.send()
      logger.info('The files with SLOs were read again.', { objectives: objectives.length })
    }

    return {
      async start() {
        const { objectives, problems } = await source.read()
        if (problems.length > 0) throw new Error(problems.join('\n'))
        if (objectives.length === 0) logger.warn('There is no SLO to watch; name some in slos.')
        watch.setObjectives(objectives)
        if (saved !== undefined) restore(saved.counts, saved.alerts)
        await keeping?.start(saved !== undefined)
        saved = undefined
        const name = (rest: string) => `otelcol_connector_slo_${rest}`
        meter.gauge(name('objectives'), () => watch.objectiveCount, {}, 'Objectives that are watched.')
        meter.gauge(name('entities'), () => watch.size, {}, 'Pairs of objective and entity that are counted.')
        meter.gauge(name('active_alerts'), () => watch.activeAlerts, {}, 'Alerts that are active.')
        meter.gauge(name('streams'), () => watch.streams, {}, 'Cumulative series that are kept to take differences.')
        meter.gauge(name('waiting_events'), () => outbox.size, {}, 'Events that nobody has accepted yet.')
        meter.gauge(
          name('unsure_share'),
          () => watch.unsureShare,
          {},
          'Share of the compared values that lay in the histogram bucket that holds the threshold.',
        )
        stops.push(clock.every(retryMs, () => outbox.send()))
        if (source.hasFiles && settings.file_interval > 0) stops.push(clock.every(settings.file_interval, readAgain))
        if (keeping !== undefined) stops.push(clock.every(settings.save_interval, () => keeping.noteCounts()))
      },
      async metrics(batch) {
        await untilSaved()
        watch.add(batch)
        if (hasTransitions) {
          hasTransitions = false
          // Before, so that no crash loses it; after, so that none repeats it.
          await keeping?.noteAlert()
          await outbox.send()
          await keeping?.noteAlert()
        }
        sendingGauges = sendingGauges.then(sendGauges)
        await sendingGauges
      },
      async save() {
        for (const stop of stops.splice(0)) stop()
        await outbox.send()
        await sendingGauges
        const bytes = serialize({ counts: await counts(), alerts: alertState() } satisfies Saved)
        outbox.take()
        return bytes
      },
      async restore(bytes) {
        const { counts, alerts } = deserialize(bytes) as Partial<Saved>
        if (counts === undefined || alerts === undefined) throw new Error('this is no state of an slo connector')
        saved = { counts, alerts }
      },
      async shutdown(deadline) {
        for (const stop of stops.splice(0)) stop()
        await Promise.race([outbox.send(), aborted(deadline)])
        // With a storage what nobody took waits there for the next start.
        await keeping?.close()
        if (keeping === undefined) outbox.giveUp()
      },
    }
  },
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
