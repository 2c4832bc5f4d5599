import { defineConnector } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { emitDerived } from '../../pipeline/derived-metrics.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import { originReads } from '../../pipeline/ottl/origin-reads.ts'
import { visitLogs, visitMetrics, visitTraces } from '../../pipeline/ottl/visit.ts'
import { config } from './config.ts'
import { type Definition, definitionsOf } from './definition.ts'
import type { Kind } from './language.ts'
import { Tally } from './tally.ts'

export default defineConnector({
  type: 'signal_to_metrics',
  aliases: ['signaltometrics'],
  config,
  signals: {
    'traces to metrics': 'alpha',
    'metrics to metrics': 'alpha',
    'logs to metrics': 'alpha',
  },
  placement: 'each',
  reads: originReads,
  create(settings, { emit, clock, random, logger, engine }) {
    const failures = new Failures(settings.error_mode, logger, 'metric')
    // What refuses the batch is told to its sender.
    const ofConditions = new Failures(
      settings.error_mode,
      settings.error_mode === 'propagate' ? undefined : logger,
      'condition',
    )
    const definitions = (kind: Kind) => definitionsOf(settings, kind, ofConditions)
    const of = { spans: definitions('spans'), datapoints: definitions('datapoints'), logs: definitions('logs') }
    const host = { nowUnixNano: () => clock.nowUnixNano(), random }
    const onFailure = (definition: Definition, error: unknown) => {
      if (settings.error_mode === 'propagate') throw error
      failures.add(definition.name, error)
    }

    const derive = async (batch: Batch, kind: Kind, add: (tally: Tally) => void): Promise<void> => {
      if (of[kind].length === 0) return
      const tally = new Tally(of[kind], engine.instanceId, onFailure)
      const metrics = () => tally.metrics(batch.origin, clock.nowUnixNano())
      await emitDerived(() => add(tally), metrics, emit)
    }
    return {
      traces: (batch) =>
        derive(batch, 'spans', (tally) =>
          visitTraces(batch, host, {
            span: (span, place, frame) => tally.add(span.attributes, span, place, frame),
          }),
        ),
      metrics: (batch) =>
        derive(batch, 'datapoints', (tally) =>
          visitMetrics(batch, host, {
            point: (point, place, frame) => tally.add(point.attributes, point, place, frame),
          }),
        ),
      logs: (batch) =>
        derive(batch, 'logs', (tally) =>
          visitLogs(batch, host, { log: (log, place, frame) => tally.add(log.attributes, log, place, frame) }),
        ),
    }
  },
})
