import { deserialize, serialize } from 'node:v8'
import { inference } from '../../pipeline/capability/inference.ts'
import { defineProcessor } from '../../pipeline/component.ts'
import type { EditableAttributes, In, Metric, Metrics, Point } from '../../pipeline/data/telemetry.ts'
import { double, key } from '../../pipeline/data/value.ts'
import { type Config, config, msOf } from './config.ts'
import { logFeatures, metricFeatures, traceFeatures } from './features.ts'
import { type SavedScorer, Scorer, type Verdict } from './scorer.ts'

const modelKey = key('anomaly.model_name')

export default defineProcessor({
  type: 'isolation_forest',
  aliases: ['isolationforest'],
  config,
  signals: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
  create(settings, context) {
    const { features, mode, models } = settings
    const takes = (signal: 'traces' | 'metrics' | 'logs') => context.signals.has(signal)
    const traces = new Scorer(takes('traces') ? features.traces : [], traceFeatures, settings, context)
    const metrics = new Scorer(takes('metrics') ? features.metrics : [], metricFeatures, settings, context, 'resource')
    const logs = new Scorer(takes('logs') ? features.logs : [], logFeatures, settings, context)
    const scorers = [traces, metrics, logs]
    const mark = marker(settings)
    const stops: (() => void)[] = []
    const dropped = (count: number) => {
      if (count > 0) context.dropped(count, 'not_anomalous', 'intended')
    }

    return {
      async start() {
        const { clock, meter, logger } = context
        if (settings.inference !== undefined) {
          const offered = context.extension(inference, settings.inference)
          for (const scorer of scorers) scorer.scoreBy(offered)
        }
        const known = [...Object.keys(traceFeatures), ...Object.keys(metricFeatures), ...Object.keys(logFeatures)]
        const named = [...Object.values(features).flat(), ...models.flatMap((model) => model.features)]
        const unknown = named.filter((name) => !known.includes(name))
        if (unknown.length > 0)
          logger.warn('There are features that are not known; they are left out.', { unknown, known })
        const name = (rest: string) => `otelcol_processor_isolation_forest_${rest}`
        const sum = (of: (scorer: (typeof scorers)[number]) => number) => () =>
          scorers.reduce((total, scorer) => total + of(scorer), 0)
        meter.observedCounter(
          name('items'),
          sum((one) => one.items),
          {},
          'Items that were scored.',
        )
        meter.observedCounter(
          name('anomalies'),
          sum((one) => one.odd),
          {},
          'Items that were called odd.',
        )
        meter.gauge(
          name('trained_models'),
          sum((one) => one.trained),
          {},
          'Models that have a forest.',
        )
        meter.gauge(
          name('window_size'),
          sum((one) => one.windowSize),
          {},
          'How many items are kept to learn from.',
        )
        stops.push(
          clock.every(msOf(settings.update_frequency), () => {
            for (const scorer of scorers) scorer.grow()
          }),
        )
        const interval = msOf(settings.adaptive_window.stability_check_interval) || defaultCheckMs
        if (!settings.adaptive_window.enabled) return
        stops.push(
          clock.every(interval, () => {
            for (const scorer of scorers) scorer.adapt()
          }),
        )
      },
      traces: async (batch) => {
        const verdicts = await traces.judge(batch)
        let row = 0
        if (mode !== 'filter') return batch.edit((span) => mark(span.attributes, verdicts[row++]!))
        const kept = batch.filter(() => verdicts[row++]!.isOdd)
        dropped(batch.count - kept.count)
        return kept
      },
      logs: async (batch) => {
        const verdicts = await logs.judge(batch)
        let row = 0
        if (mode !== 'filter') return batch.edit((record) => mark(record.attributes, verdicts[row++]!))
        const kept = batch.filter(() => verdicts[row++]!.isOdd)
        dropped(batch.count - kept.count)
        return kept
      },
      metrics: async (batch) => {
        const { firsts, metricOf } = byMetric(batch)
        const verdicts = await metrics.judge(firsts)
        let row = 0
        return mode === 'filter' ? batch : batch.edit((point) => mark(point.attributes, verdicts[metricOf[row++]!]!))
      },
      save: async () => serialize(scorers.map((scorer) => scorer.save())),
      async restore(state) {
        const saved = deserialize(state) as unknown
        if (!Array.isArray(saved) || saved.length !== scorers.length)
          throw new Error('this is no state of an isolation_forest')
        for (const [i, scorer] of scorers.entries()) scorer.restore(saved[i] as SavedScorer)
      },
      async shutdown() {
        for (const stop of stops.splice(0)) stop()
        for (const scorer of scorers) scorer.close()
      },
    }
  },
})

const defaultCheckMs = 300_000

function marker({ score_attribute, classification_attribute }: Config) {
  const [scoreKey, classKey] = [key(score_attribute), key(classification_attribute)]
  return (attributes: EditableAttributes, { score, isOdd, model }: Verdict): void => {
    attributes.set(scoreKey, double(score))
    attributes.set(classKey, isOdd)
    if (model !== '' && model !== 'default') attributes.set(modelKey, model)
  }
}

/** The first point of each metric, and by point the number of its metric. */
function byMetric(batch: Metrics): { readonly firsts: readonly (Point & In)[]; readonly metricOf: Uint32Array } {
  const firsts: (Point & In)[] = []
  const metricOf = new Uint32Array(batch.count)
  let row = 0
  let metric: Metric | undefined
  for (const point of batch) {
    if (point.metric !== metric) {
      metric = point.metric
      firsts.push(point)
    }
    metricOf[row++] = firsts.length - 1
  }
  return { firsts, metricOf }
}
