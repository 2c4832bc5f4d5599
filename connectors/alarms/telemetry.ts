import type { Meter } from '../../pipeline/telemetry/meter.ts'
import type { AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import type { Held } from './gate.ts'
import { rules, type Team } from './team.ts'

/** What a watch counts. */
export interface WatchCounts {
  opened(type: AnomalyType): void
  /** Alarms that were not raised, by what says that they are none. */
  held(reason: Held): void
  /** Scores of windows that were decided. */
  late(points: number): void
  /** Scores of entities for which there is no room. */
  overflowed(points: number): void
  /** Entities that were not heard of for long. */
  forgotten(entities: number): void
}

const name = (rest: string) => `otelcol_connector_alarms_${rest}`

export function watchCounts(meter: Meter): WatchCounts {
  const opened = meter.counter(name('opened'), 'Alarms that were raised, by type.')
  const held = meter.counter(
    name('held_back'),
    'Alarms that were not raised, since telemetry is lost or another says it.',
  )
  const late = meter.counter(name('late_scores'), 'Scores of windows that were decided before.')
  const overflowed = meter.counter(name('overflowed_scores'), 'Scores of entities for which there was no room.')
  const forgotten = meter.counter(name('forgotten_entities'), 'Entities that were not heard of for entity_expiration.')
  return {
    opened: (type) => opened.add(1, { type }),
    held: (reason) => held.add(1, { reason }),
    late: (points) => late.add(points),
    overflowed: (points) => overflowed.add(points),
    forgotten: (entities) => forgotten.add(entities),
  }
}

export interface Figures {
  readonly entities: number
  readonly cold: number
  readonly active: number
}

/** Gauges over all watches. */
export function observe(meter: Meter, figures: () => Figures): void {
  meter.gauge(name('entities'), () => figures().entities, {}, 'Entities that are kept.')
  meter.gauge(
    name('cold_entities'),
    () => figures().cold,
    {},
    'Entities that are still being learned: they have no alarms.',
  )
  meter.gauge(name('active'), () => figures().active, {}, 'Alarms that are active.')
}

/** How strict a team's budget is now: over all origins that have the team, the strictest. */
export function observeTeam(meter: Meter, team: string, of: () => Iterable<Team>): void {
  const least = (read: (one: Team) => number) => () => Math.min(...[...of()].map(read))
  for (const rule of [...rules, 'page'] as const) {
    const labels = { team, rule }
    meter.gauge(
      name('threshold'),
      least((one) => one.threshold(rule)),
      labels,
      'What p must be below now.',
    )
    meter.gauge(
      name('correction'),
      least((one) => one.correction(rule)),
      labels,
      'By how much p must be smaller than stated for the budget to hold; 1 = as stated.',
    )
  }
}
