import { defineConnector, Rejected } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import { originReads } from '../../pipeline/ottl/origin-reads.ts'
import { visitLogs, visitMetrics, visitProfiles, visitTraces } from '../../pipeline/ottl/visit.ts'
import { config, type Kind } from './config.ts'
import { rulesOf } from './rules.ts'
import { Tally } from './tally.ts'

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

    /** A condition that fails refuses the batch, as upstream does. */
    const derive = async (batch: Batch, tally: Tally, count: () => void): Promise<void> => {
      try {
        count()
      } catch (cause) {
        throw new Rejected(cause instanceof Error ? cause.message : String(cause), { retryable: true, cause })
      }
      const derived = tally.metrics(batch.origin, clock.nowUnixNano())
      if (derived.count > 0) await emit.metrics(derived)
    }
    return {
      traces(batch) {
        const tally = new Tally(ofTraces)
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
        const tally = new Tally(ofMetrics)
        return derive(batch, tally, () =>
          visitMetrics(batch, host, {
            metric(where, place, frame) {
              tally.at(place, where.resource, 0).count(undefined, where, frame)
            },
            point(point, place, frame) {
              const counts = tally.at(place, point.resource, 1)
              counts.saw(point.timeUnixNano)
              counts.count(point.attributes, point, frame)
            },
          }),
        )
      },
      logs(batch) {
        const tally = new Tally(ofLogs)
        return derive(batch, tally, () =>
          visitLogs(batch, host, {
            log(log, place, frame) {
              const counts = tally.at(place, log.resource, 0)
              counts.saw(log.timeUnixNano)
              counts.count(log.attributes, log, frame)
            },
          }),
        )
      },
      profiles(batch) {
        const tally = new Tally(ofProfiles)
        return derive(batch, tally, () =>
          visitProfiles(batch, host, {
            profile(profile, place, frame) {
              const counts = tally.at(place, profile.resource, 0)
              counts.saw(profile.timeUnixNano)
              counts.count(profile.attributes, profile, frame)
            },
          }),
        )
      },
    }
  },
})
