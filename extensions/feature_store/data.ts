/** All that is known, apart from where it is stored. A reload hands it on as it is. */

import type { Clock } from '../../pipeline/component.ts'
import type { Logs, Metrics } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { Alarms } from './alarms.ts'
import type { Config } from './config.ts'
import { CountedCrossings } from './crossings.ts'
import { Edges } from './edges.ts'
import { Events, eventsIn } from './events.ts'
import { EntityHistories } from './history.ts'
import { Ingest } from './ingest.ts'

export class FeatureData {
  readonly histories: EntityHistories
  readonly edges = new Edges()
  readonly crossings = new CountedCrossings()
  readonly events: Events
  readonly alarms: Alarms
  readonly ingest: Ingest
  ignoredRecords = 0
  /** How many there were. */
  commits = 0
  /** Numbers of entities that are in the store. */
  readonly storedEntities = new Set<number>()
  /** What is no more, and has to leave the store. */
  readonly removedIds: string[] = []
  readonly removedDrawn: string[] = []

  constructor(settings: Config) {
    this.histories = new EntityHistories(settings)
    this.events = new Events(settings.max_events)
    this.alarms = new Alarms(settings.max_open)
    this.ingest = new Ingest(this.histories, this.edges, this.crossings, settings.max_entities)
  }

  /** Other settings after a reload. */
  adopt(settings: Config): void {
    this.histories.adopt(settings)
    this.events.adopt(settings.max_events)
    this.alarms.adopt(settings.max_open)
  }

  /** Undefined when all of it is taken already, as small batches are. */
  addMetrics(batch: Metrics, clock: Clock): Promise<void> | undefined {
    const taken = this.ingest.add(batch, clock)
    this.alarms.advance(BigInt(Math.round(this.histories.newestSeconds * 1e3)) * 1_000_000n)
    return taken
  }

  addLogs(batch: Logs): void {
    let found = 0
    for (const event of eventsIn(batch)) {
      found++
      this.events.add(event)
      // Also one that was there: it says that the alarm is still open.
      this.alarms.hear(event, true)
    }
    this.ignoredRecords += batch.count - found
  }

  /** Looks after a part of the entities, and after limits. */
  async tend(round: number, clock: Clock): Promise<void> {
    const slices = new Slices(clock)
    const { histories, edges, events, removedIds, removedDrawn } = this
    for (const history of histories.group(round)) {
      histories.tend(history)
      if (slices.isOver) await slices.pause()
      if (!history.isGone) continue
      this.storedEntities.delete(history.number)
      removedIds.push(history.id)
    }
    await histories.trim(slices)
    if (round % 10 !== 0) return
    this.crossings.forget()
    const keepSeconds = histories.keepSeconds(2)
    removedDrawn.push(...edges.forget(histories.newestSeconds - keepSeconds))
    events.forget(BigInt(Math.round((histories.newestSeconds - keepSeconds) * 1e3)) * 1_000_000n)
  }

  /** Another store has to get everything. */
  forgetStored(): void {
    this.storedEntities.clear()
    const { histories, edges, events } = this
    histories.columns.fresh.splice(0, Number.POSITIVE_INFINITY, ...histories.columns.all())
    for (const history of histories.byId.values()) {
      history.isDirty = true
      for (const { open, frozen } of history.tiers) {
        for (const block of open) block.isDirty = true
        for (const block of frozen) block.isStored = false
      }
    }
    for (const edge of [...edges.byId.values(), ...edges.drawnByEnds.values()]) edge.isDirty = true
    for (const event of events.all()) event.isStored = false
  }
}
