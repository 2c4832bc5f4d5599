/** The ensemble that the processor `anomaly` runs, over one entity of which nothing is known but its numbers. */
import { plainColumn } from '../../models/column.ts'
import { Ensemble, ensembleDefaults } from '../../models/ensemble.ts'
import type { Matrix } from '../../models/matrix.ts'

export interface Answer {
  /** 0 to 1, for ranking. */
  readonly score: number
  /** 1 while cold. */
  readonly p: number
  readonly alarm: boolean
  /** Of a row that was explained: the columns that made it strange, strongest first. */
  readonly columns: readonly number[] | undefined
}

const slot = 0
/** No calendar: nobody said what the rows' times are. */
const noHour = { hour: 0, hourOfWeek: Number.NaN }

export class OneEntity {
  readonly #ensemble: Ensemble
  readonly #columns: number
  readonly #entities = Int32Array.of(slot)
  readonly #nats = new Float64Array(1)
  readonly #weights = Float64Array.of(1)
  #tick = 0

  constructor(columns: number) {
    this.#columns = columns
    this.#ensemble = new Ensemble({
      ...ensembleDefaults,
      columns: Array.from({ length: columns }, () => plainColumn),
      capacity: 1,
    })
    this.#ensemble.admit(slot)
  }

  /** Rows in time order that came before those that matter. */
  warmUp({ values, rows }: Pick<Matrix, 'values' | 'rows'>): void {
    this.#ensemble.at({ ...noHour, tick: this.#tick })
    this.#ensemble.fit({ entities: new Int32Array(rows), values })
    this.#tick += rows
  }

  /** Judges a row, then learns it; a row less likely than `explainBelow` is explained. */
  next(values: Float64Array, offset: number, explainBelow = 0): Answer {
    const batch = { entities: this.#entities, values: values.subarray(offset, offset + this.#columns) }
    this.#ensemble.at({ ...noHour, tick: this.#tick++ })
    this.#ensemble.score(batch, this.#nats)
    const nats = this.#nats[0] as number
    const p = Number.isNaN(nats) ? 1 : Math.exp(-nats)
    const columns =
      p < explainBelow
        ? this.#ensemble
            .explain(batch, 0)
            .filter(({ contribution }) => contribution > 0)
            .map(({ column }) => column)
        : undefined
    const { score, alarm } = this.#ensemble.ranking(0, slot)
    this.#ensemble.update(batch, this.#weights)
    return { score, p, alarm, columns }
  }
}
