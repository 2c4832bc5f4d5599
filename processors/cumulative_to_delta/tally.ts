import type { Context } from '../../pipeline/component.ts'
import type { MetricType } from '../../pipeline/data/telemetry.ts'
import type { Outcome } from './tracker.ts'

type Counted = Outcome | 'no_recorded_value'

/** Counts by metric type and outcome, and tells the meter once a batch. */
export class Tally {
  private readonly context: Context
  private readonly converted
  private readonly dropped
  private readonly counts = new Map<MetricType, Map<Counted, number>>()
  private readonly told = new Set<Counted>()

  constructor(context: Context) {
    const { meter } = context
    this.context = context
    this.converted = meter.counter(
      'otelcol_cumulativetodelta_datapoints',
      'Number of datapoints converted from cumulative to delta temporality.',
    )
    this.dropped = meter.counter(
      'otelcol_cumulativetodelta_datapoints_dropped',
      'Number of datapoints dropped instead of being converted.',
    )
  }

  count(type: MetricType, outcome: Counted): void {
    let ofType = this.counts.get(type)
    if (ofType === undefined) {
      ofType = new Map()
      this.counts.set(type, ofType)
    }
    ofType.set(outcome, (ofType.get(outcome) ?? 0) + 1)
  }

  flush(): void {
    for (const [type, outcomes] of this.counts) {
      for (const [outcome, points] of outcomes) {
        if (outcome === 'converted') this.converted.add(points, { metric_type: type })
        else if (outcome !== 'stale') this.drop(type, outcome, points)
      }
      outcomes.clear()
    }
  }

  private drop(type: MetricType, reason: Counted, points: number): void {
    // Upstream counts no points without a value; the graph's own counter has them.
    if (reason !== 'no_recorded_value') this.dropped.add(points, { metric_type: type, reason })
    this.context.dropped(points, reason, reason === 'max_streams' ? 'lost' : 'intended')
    const line = lines[reason]
    if (line === undefined || this.told.has(reason)) return
    this.told.add(reason)
    this.context.logger.warn(line, { metric_type: type, points })
  }
}

/** Told once; the counter says how often. */
const lines: Readonly<Partial<Record<Counted, string>>> = {
  bucket_mismatch: 'The buckets of a histogram changed; its point is not converted but begins the stream anew.',
  max_streams: 'max_streams are remembered already; the points of new streams are dropped.',
}
