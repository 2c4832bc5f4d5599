/** Points as what they say of which entity: each series is read once, then its id finds it. */
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gaugeRows } from '../../pipeline/data/gauges.ts'
import type { Dictionary, Metrics, PointPlan } from '../../pipeline/data/telemetry.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { type Named, type Role, readSeries, wantedMetrics } from './series.ts'
import type { Watched } from './watched.ts'

/** What a series means. `watched` is looked up again when the entity was forgotten. */
export interface Meaning {
  readonly role: Role
  readonly entity: Entity
  readonly named: Named | undefined
  readonly signal: string
  watched: Watched | undefined
}

/** `at`: the point's time in seconds. */
export type Take = (meaning: Meaning, value: number, at: number) => void

/** Series of bytes that are kept in memory: batches that begin as columns bring their own. */
const maxSeries = 2_000_000

export class Readings {
  /** By dictionary, series id to meaning; null = nothing that is needed. */
  #meanings = new WeakMap<Dictionary, (Meaning | null | undefined)[]>()
  #plan: PointPlan = newPlan()

  /** Gives the points of one time after the other, the oldest first; `ended` after each. */
  read(batch: Metrics, take: Take, ended: (at: number) => void): void {
    const rows = gaugeRows(batch)
    if (rows !== undefined) {
      const at = Number(rows.timeUnixNano) / 1e9
      this.#each(rows.series, rows.value, rows.plan.series, (meaning, value) => take(meaning, value, at))
      ended(at)
      return
    }
    const wanted = batch.filter(({ metric }) => wantedMetrics.has(metric.name))
    if (wanted.count === 0) return
    if (this.#plan.series.size > 0.9 * maxSeries) this.#plan = newPlan()
    const { length, timeLo, timeHi, series, value } = wanted.columns(this.#plan)
    const times = Float64Array.from({ length }, (_, row) => ((timeHi[row] ?? 0) * 2 ** 32 + (timeLo[row] ?? 0)) / 1e9)
    for (const at of [...new Set(times)].sort((a, b) => a - b)) {
      this.#each(series, value, this.#plan.series, (meaning, one, row) => {
        if (times[row] === at) take(meaning, one, at)
      })
      ended(at)
    }
  }

  #each(
    series: Uint32Array,
    values: Float64Array,
    dictionary: Dictionary,
    found: (meaning: Meaning, value: number, row: number) => void,
  ): void {
    let meanings = this.#meanings.get(dictionary)
    if (meanings === undefined) {
      meanings = []
      this.#meanings.set(dictionary, meanings)
    }
    for (let row = 0; row < series.length; row++) {
      const id = series[row] as number
      let meaning = meanings[id]
      if (meaning === undefined) {
        meaning = meaningOf(dictionary.text(id))
        // Ids grow by one, so the list stays dense.
        while (meanings.length < id) meanings.push(undefined)
        meanings[id] = meaning
      }
      if (meaning !== null) found(meaning, values[row] as number, row)
    }
  }
}

function meaningOf(text: string): Meaning | null {
  const reading = text === '' ? undefined : readSeries(text)
  return reading === undefined ? null : { ...reading, watched: undefined }
}

function newPlan(): PointPlan {
  return { dictionary: new ByteDictionary(1_024), series: new ByteDictionary(maxSeries) }
}
