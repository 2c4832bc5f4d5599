import { defineConnector } from '../../pipeline/component.ts'
import type { Attributes, Batch, In } from '../../pipeline/data/telemetry.ts'
import { DerivedMetrics, emitDerived } from '../../pipeline/derived-metrics.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import { originReads } from '../../pipeline/ottl/origin-reads.ts'
import { visitLogs, visitMetrics, visitProfiles, visitTraces } from '../../pipeline/ottl/visit.ts'
import { config, type Kind } from './config.ts'
import { Counts } from './counts.ts'
import { type Rule, rulesOf } from './rules.ts'

/** Upstream's, since whoever reads the metrics may select by it. */
const scopeName = 'github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector'

export default defineConnector({
  type: 'count',
  config,
  signals: {
    'traces to metrics': 'alpha',
    'metrics to metrics': 'alpha',
    'logs to metrics': 'alpha',
    'profiles to metrics': 'alpha',
  },
  placement: 'each',
  reads: originReads,
  create(settings, { emit, clock, random }) {
    const failures = new Failures('propagate', undefined, 'condition')
    const rules = (kind: Kind) => rulesOf(settings, kind, failures)
    const ofTraces = [rules('spans'), rules('spanevents')]
    const ofMetrics = [rules('metrics'), rules('datapoints')]
    const ofLogs = [rules('logs')]
    const ofProfiles = [rules('profiles')]
    const host = { nowUnixNano: () => clock.nowUnixNano(), random }

    const newTally = (kinds: readonly (readonly Rule[])[]) =>
      new DerivedMetrics(() => kinds.map((rules) => new Counts(rules)))
    const derive = (batch: Batch, tally: DerivedMetrics<Counts>, count: () => void): Promise<void> =>
      emitDerived(count, () => tally.metrics(scopeName, batch.origin, clock.nowUnixNano()), emit)
    return {
      traces(batch) {
        const tally = newTally(ofTraces)
        return derive(batch, tally, () =>
          visitTraces(batch, host, {
            span(span, place, frame) {
              const counts = tally.at(place, span.resource, 0)
              counts.saw(span.startUnixNano)
              counts.saw(span.endUnixNano)
              counts.count(span.attributes, span, frame)
            },
            event(event, span, place, frame) {
              const counts = tally.at(place, span.resource, 1)
              counts.saw(event.timeUnixNano)
              counts.count(event.attributes, span, frame)
            },
          }),
        )
      },
      metrics(batch) {
        const tally = newTally(ofMetrics)
        return derive(batch, tally, () =>
          visitMetrics(batch, host, {
            metric(where, place, frame) {
              tally.at(place, where.resource, 0).count(undefined, where, frame)
            },
            point: countTimed(tally, 1),
          }),
        )
      },
      logs(batch) {
        const tally = newTally(ofLogs)
        return derive(batch, tally, () => visitLogs(batch, host, { log: countTimed(tally, 0) }))
      },
      profiles(batch) {
        const tally = newTally(ofProfiles)
        return derive(batch, tally, () => visitProfiles(batch, host, { profile: countTimed(tally, 0) }))
      },
    }
  },
})

interface Timed extends In {
  readonly timeUnixNano: bigint
  readonly attributes: Pick<Attributes, 'get'>
}

function countTimed(tally: DerivedMetrics<Counts>, kind: number) {
  return (item: Timed, place: number, frame: Frame): void => {
    const counts = tally.at(place, item.resource, kind)
    counts.saw(item.timeUnixNano)
    counts.count(item.attributes, item, frame)
  }
}
