import type { Context } from '../../pipeline/component.ts'
import type { Counts } from './book.ts'

const name = (rest: string) => `otelcol_connector_incidents_${rest}`

export interface Figures {
  readonly open: number
  readonly alarms: number
  readonly suppressed: number
  readonly repeated: number
  readonly waiting: number
  readonly failedGraphs: number
  /** Seconds; NaN = never. */
  readonly graphAge: number
}

export function countsOf({ meter, dropped }: Pick<Context, 'meter' | 'dropped'>): Counts & {
  readonly heard: () => void
  readonly ignored: (records: number) => void
  readonly revised: (reason: string) => void
} {
  const heard = meter.counter(name('alarms_heard'), 'Events about alarms that came in.')
  const ignored = meter.counter(name('ignored_records'), 'Log records that are no alarm, change or word of a person.')
  const opened = meter.counter(name('opened'), 'Incidents that were told.')
  const resolved = meter.counter(name('resolved'), 'Incidents that were resolved.')
  const merged = meter.counter(name('merged'), 'Incidents that became a part of another.')
  const revised = meter.counter(name('revisions'), 'Revisions that were told, by reason.')
  const evicted = meter.counter(name('evicted_alarms'), 'Alarms that made room for others, by severity.')
  const overflowed = meter.counter(name('overflowed'), 'Incidents for which there was no room: one holds them all.')
  return {
    heard: () => heard.add(1),
    ignored: (records) => ignored.add(records),
    revised: (reason) => revised.add(1, { reason }),
    opened: () => opened.add(1),
    resolved: () => resolved.add(1),
    merged: () => merged.add(1),
    evicted: ({ severity }) => {
      evicted.add(1, { severity })
      dropped(1, 'too_many_alarms', 'lost')
    },
    overflowed: () => overflowed.add(1),
  }
}

export function observe({ meter }: Pick<Context, 'meter'>, figures: () => Figures): void {
  const gauge = (rest: string, read: (now: Figures) => number, what: string) =>
    meter.gauge(name(rest), () => read(figures()), {}, what)
  const sum = (rest: string, read: (now: Figures) => number, what: string) =>
    meter.observedCounter(name(rest), () => read(figures()), {}, what)
  gauge('open', ({ open }) => open, 'Incidents that are open.')
  gauge('kept_alarms', ({ alarms }) => alarms, 'Alarms that are kept.')
  gauge('suppressed_alarms', ({ suppressed }) => suppressed, 'Alarms that another one explains.')
  gauge('waiting_events', ({ waiting }) => waiting, 'Events that nobody has accepted yet.')
  gauge('graph_age', ({ graphAge }) => graphAge, 'Seconds since the call graph was read.')
  sum('repeated_alarms', ({ repeated }) => repeated, 'Events about alarms that were known.')
  sum('failed_graphs', ({ failedGraphs }) => failedGraphs, 'Readings of the call graph that failed or took too long.')
}
