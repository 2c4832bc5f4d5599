/** What was changed lately, so that an incident says what was done shortly before. It accuses nobody. */
import type { Change } from '../../pipeline/vocabulary/change.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import { nanoText, placeOf, seconds } from './alarm.ts'

export type NearChange = NonNullable<Incident['changes']>[number]

export interface KeptChange {
  readonly id: string
  readonly place: string
  readonly at: number
  readonly near: NearChange
}

/** The oldest makes room. */
const maxKept = 1_000
const beforeSeconds = 1_800
const afterSeconds = 120

export class Changes {
  #kept: KeptChange[] = []

  add({ id, entity, time, text }: Change): void {
    if (this.#kept.some((one) => one.id === id)) return
    const near = { event_id: id, entity, time: nanoText(seconds(time)), text: text.slice(0, 500) }
    this.#kept.push({ id, place: placeOf(entity), at: seconds(time), near })
    if (this.#kept.length > maxKept) this.#kept.shift()
  }

  /** At these places in the half hour before the onset or just after it, newest first. */
  near(places: ReadonlySet<string>, onset: number): readonly NearChange[] {
    return this.#kept
      .filter(({ place, at }) => places.has(place) && at >= onset - beforeSeconds && at <= onset + afterSeconds)
      .sort((a, b) => b.at - a.at)
      .map(({ near }) => near)
  }

  save(): readonly KeptChange[] {
    return this.#kept
  }
  restore(kept: readonly KeptChange[]): void {
    this.#kept = [...kept]
  }
}
