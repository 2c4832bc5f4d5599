import { defineConnector } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { DerivedMetrics, emitDerived } from '../../pipeline/derived-metrics.ts'
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
import { type Rule, rulesOf } from './rules.ts'
import { Sums } from './sums.ts'

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

    const newTally = (kinds: readonly (readonly Rule[])[]) =>
      new DerivedMetrics(() => kinds.map((rules) => new Sums(rules)))
    const derive = (batch: Batch, tally: DerivedMetrics<Sums>, add: () => void): Promise<void> =>
      emitDerived(add, () => tally.metrics('', batch.origin, clock.nowUnixNano()), emit)
    return {
      traces(batch) {
        const tally = newTally(ofTraces)
        const visitor: TracesVisitor = {
          span: (span, place, frame) => tally.at(place, span.resource, 0).add(span.attributes, frame),
        }
        if (ofTraces[1].length > 0)
          visitor.event = (event, span, place, frame) => tally.at(place, span.resource, 1).add(event.attributes, frame)
        return derive(batch, tally, () => visitTraces(batch, host, visitor))
      },
      metrics(batch) {
        const tally = newTally(ofMetrics)
        const visitor: MetricsVisitor = {
          point: (point, place, frame) => tally.at(place, point.resource, 1).add(point.attributes, frame),
        }
        if (ofMetrics[0].length > 0)
          visitor.metric = (where, place, frame) => tally.at(place, where.resource, 0).add(undefined, frame)
        return derive(batch, tally, () => visitMetrics(batch, host, visitor))
      },
      logs(batch) {
        const tally = newTally(ofLogs)
        return derive(batch, tally, () =>
          visitLogs(batch, host, {
            log: (log, place, frame) => tally.at(place, log.resource, 0).add(log.attributes, frame),
          }),
        )
      },
    }
  },
})
