/** What is said of a tick, gathered as columns of points. */
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics, Origin, PointPlan } from '../../pipeline/data/telemetry.ts'
import type { Member } from './entities.ts'
import { seriesId } from './score-names.ts'

export class Verdicts {
  readonly #origin: Origin
  readonly #timeUnixNano: bigint
  readonly #plan: PointPlan
  #series = new Uint32Array(256)
  #value = new Float64Array(256)
  #size = 0

  constructor(tick: number, origin: Origin, plan: PointPlan) {
    this.#timeUnixNano = BigInt(tick) * 10_000_000_000n
    this.#origin = origin
    this.#plan = plan
  }

  add({ number }: Member, place: number, value: number): void {
    if (this.#size === this.#series.length) {
      const [series, values] = [new Uint32Array(this.#size * 2), new Float64Array(this.#size * 2)]
      series.set(this.#series)
      values.set(this.#value)
      this.#series = series
      this.#value = values
    }
    this.#series[this.#size] = seriesId(number, place)
    this.#value[this.#size++] = value
  }

  /** Undefined where nothing was said. */
  batch(): Metrics | undefined {
    if (this.#size === 0) return undefined
    return gauges({
      series: this.#series.slice(0, this.#size),
      value: this.#value.slice(0, this.#size),
      timeUnixNano: this.#timeUnixNano,
      plan: this.#plan,
      origin: this.#origin,
    })
  }
}
