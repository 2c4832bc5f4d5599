import { defineConnector, Rejected } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import { originReads } from '../../pipeline/ottl/origin-reads.ts'
import {
  type MetricsVisitor,
  type TracesVisitor,
  visitLogs,
  visitMetrics,
  visitTraces,
} from '../../pipeline/ottl/visit.ts'
import { config, type Kind } from './config.ts'
import { rulesOf } from './rules.ts'
import { Tally } from './tally.ts'

export default defineConnector({
  type: 'sum',
  config,
  signals: {
    'traces to metrics': 'alpha',
    'metrics to metrics': 'alpha',
    'logs to metrics': 'alpha',
  },
  placement: 'each',
  reads: originReads,
  create(settings, { emit, clock, random }) {
    const failures = new Failures('propagate', undefined, 'condition')
    const rules = (kind: Kind) => rulesOf(settings, kind, failures)
    const ofTraces = [rules('spans'), rules('spanevents')] as const
    const ofMetrics = [rules('metrics'), rules('datapoints')] as const
    const ofLogs = [rules('logs')]
    const host = { nowUnixNano: () => clock.nowUnixNano(), random }

    /** A condition that fails refuses the batch, as upstream does. */
    const derive = async (batch: Batch, tally: Tally, add: () => void): Promise<void> => {
      try {
        add()
      } catch (cause) {
        throw new Rejected(cause instanceof Error ? cause.message : String(cause), { retryable: true, cause })
      }
      const derived = tally.metrics(batch.origin, clock.nowUnixNano())
      if (derived.count > 0) await emit.metrics(derived)
    }
    return {
      traces(batch) {
        const tally = new Tally(ofTraces)
        const visitor: TracesVisitor = {
          span: (span, place, frame) => tally.at(place, span.resource, 0).add(span.attributes, frame),
        }
        if (ofTraces[1].length > 0)
          visitor.event = (event, span, place, frame) => tally.at(place, span.resource, 1).add(event.attributes, frame)
        return derive(batch, tally, () => visitTraces(batch, host, visitor))
      },
      metrics(batch) {
        const tally = new Tally(ofMetrics)
        const visitor: MetricsVisitor = {
          point: (point, place, frame) => tally.at(place, point.resource, 1).add(point.attributes, frame),
        }
        if (ofMetrics[0].length > 0)
          visitor.metric = (where, place, frame) => tally.at(place, where.resource, 0).add(undefined, frame)
        return derive(batch, tally, () => visitMetrics(batch, host, visitor))
      },
      logs(batch) {
        const tally = new Tally(ofLogs)
        return derive(batch, tally, () =>
          visitLogs(batch, host, {
            log: (log, place, frame) => tally.at(place, log.resource, 0).add(log.attributes, frame),
          }),
        )
      },
    }
  },
})
