/** What is said of a tick, gathered by origin as columns of points. */
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics, Origin, PointPlan } from '../../pipeline/data/telemetry.ts'
import type { Member } from './entities.ts'
import { seriesId } from './score-names.ts'

interface Rows {
  readonly origin: Origin
  series: Uint32Array
  value: Float64Array
  size: number
}

export class Verdicts {
  readonly #byOrigin = new Map<string, Rows>()
  readonly #timeUnixNano: bigint
  readonly #plan: PointPlan

  constructor(tick: number, plan: PointPlan) {
    this.#timeUnixNano = BigInt(tick) * 10_000_000_000n
    this.#plan = plan
  }

  add({ number, origin, originKey }: Member, place: number, value: number): void {
    let rows = this.#byOrigin.get(originKey)
    if (rows === undefined) {
      rows = { origin, series: new Uint32Array(256), value: new Float64Array(256), size: 0 }
      this.#byOrigin.set(originKey, rows)
    }
    if (rows.size === rows.series.length) {
      const [series, values] = [new Uint32Array(rows.size * 2), new Float64Array(rows.size * 2)]
      series.set(rows.series)
      values.set(rows.value)
      rows.series = series
      rows.value = values
    }
    rows.series[rows.size] = seriesId(number, place)
    rows.value[rows.size++] = value
  }

  batches(): readonly Metrics[] {
    return [...this.#byOrigin.values()].map(({ origin, series, value, size }) =>
      gauges({
        series: series.slice(0, size),
        value: value.slice(0, size),
        timeUnixNano: this.#timeUnixNano,
        plan: this.#plan,
        origin,
      }),
    )
  }
}
