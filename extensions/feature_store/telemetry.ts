/** What the store says of itself: how much there is, and what could not be kept. */
import type { Context } from '../../pipeline/component.ts'
import type { FeatureData } from './data.ts'
import type { Keeping } from './keeping.ts'

const prefix = 'otelcol_extension_feature_store_'

interface Reported {
  readonly read: (data: FeatureData) => number
  readonly reason: string
  readonly intent: 'intended' | 'lost'
}
const drops: readonly Reported[] = [
  { read: ({ histories }) => histories.counts.lateValues, reason: 'too_late', intent: 'lost' },
  { read: ({ histories }) => histories.counts.refusedValues, reason: 'no_room', intent: 'lost' },
  { read: ({ histories }) => histories.counts.staleValues, reason: 'older_revision', intent: 'intended' },
  { read: ({ edges }) => edges.refused, reason: 'no_room_for_causal_edges', intent: 'lost' },
  { read: ({ crossings }) => crossings.refused, reason: 'no_room_for_crossings', intent: 'lost' },
]

export class Told {
  private readonly context: Context
  private readonly before = drops.map(() => 0)

  constructor(context: Context) {
    this.context = context
  }

  observe(data: () => FeatureData): void {
    const { meter } = this.context
    const gauge = (name: string, read: (of: FeatureData) => number, about: string) =>
      meter.gauge(prefix + name, () => read(data()), {}, about)
    const counter = (name: string, read: (of: FeatureData) => number, about: string) =>
      meter.observedCounter(prefix + name, () => read(data()), {}, about)
    gauge('bytes', ({ histories, events }) => histories.bytes + events.bytes, 'Memory that history and events take.')
    gauge('entities', ({ histories }) => histories.byId.size, 'Entities that are known.')
    gauge('edges', ({ edges }) => edges.byId.size + edges.drawnByEnds.size, 'Edges that are known.')
    gauge('events', ({ events }) => events.size, 'Events in memory.')
    gauge('open_alarms', ({ alarms }) => alarms.all().length, 'Alarms and incidents that are open.')
    gauge('journal_values', ({ histories }) => histories.journal.size, 'Values that wait to be stored.')
    counter('evicted_blocks', ({ histories }) => histories.counts.evictedBlocks, 'Blocks lost for want of memory.')
    counter('evicted_events', ({ events }) => events.evicted, 'Events that made room for newer ones.')
    counter('ignored_points', ({ ingest }) => ingest.ignoredPoints, 'Points that are no feature, score or edge.')
    counter('ignored_records', (of) => of.ignoredRecords, 'Log records that are no event.')
    counter(
      'unjournaled_values',
      ({ histories }) => histories.journal.overflowed,
      'Values stored only with their block.',
    )
    for (const [i, { read }] of drops.entries()) this.before[i] = read(data())
  }

  /** What was dropped since it was called last. */
  count(data: FeatureData, keeping: Keeping | undefined): void {
    for (const [i, { read, reason, intent }] of drops.entries()) {
      const now = read(data)
      if (now > this.before[i]!) this.context.dropped(now - this.before[i]!, reason, intent)
      this.before[i] = now
    }
    if (keeping === undefined) return
    const { meter } = this.context
    const failed = keeping.takeFailures()
    if (failed > 0) meter.counter(`${prefix}failed_commits`, 'Commits that the state store refused.').add(failed)
  }
}
