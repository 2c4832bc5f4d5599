import type { Context } from '../../pipeline/component.ts'
import type { Outcome } from './totals.ts'

export interface Tally {
  count(outcome: Outcome): void
  /** Tells the meter, once a batch. */
  flush(): void
}

/** As upstream calls them, by the types of its errors. */
const errors: Readonly<Record<Exclude<Outcome, 'added'>, string>> = {
  limit: 'limit',
  older_start: 'delta.ErrOlderStart',
  out_of_order: 'delta.ErrOutOfOrder',
}

export function newTally(context: Context): Tally {
  const { meter, logger } = context
  const datapoints = meter.counter(
    'otelcol_deltatocumulative_datapoints',
    "total number of datapoints processed. may have 'error' attribute, if processing failed",
  )
  const counts: Record<Outcome, number> = { added: 0, limit: 0, older_start: 0, out_of_order: 0 }
  let isTold = false
  return {
    count: (outcome) => void counts[outcome]++,
    flush() {
      if (counts.added > 0) datapoints.add(counts.added)
      counts.added = 0
      for (const outcome of ['limit', 'older_start', 'out_of_order'] as const) {
        const points = counts[outcome]
        if (points === 0) continue
        counts[outcome] = 0
        datapoints.add(points, { error: errors[outcome] })
        context.dropped(points, outcome, 'lost')
        if (outcome !== 'limit' || isTold) continue
        isTold = true
        logger.warn('max_streams are remembered already; the points of new streams are dropped.', { points })
      }
    },
  }
}
