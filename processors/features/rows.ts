/** Rows of a tick, as they are made. */
import { windowCount } from './columns.ts'
import { seriesId } from './series-ids.ts'

export class Rows {
  count = 0
  private series = new Uint32Array(4_096)
  private values = new Float64Array(4_096)
  private number = 0
  private selected = 0
  private wanted = 0
  private groups = 0

  begin(): void {
    this.count = 0
  }

  /** What follows is of this entity, and of these windows and groups as bits; no window = nothing is wanted of it. Number 0 stands for no entity. */
  select(number: number, windows: number, groups: number): void {
    this.number = number
    this.selected = windows
    this.wanted = windows
    this.groups = groups
  }

  /** What follows is of this group. */
  group(bit: number): void {
    this.wanted = (this.groups & bit) === 0 ? 0 : this.selected
  }

  /** What follows is of no group. */
  anyGroup(): void {
    this.wanted = this.selected
  }

  get isWanted(): boolean {
    return this.wanted !== 0 && this.number > 0
  }

  /** One value for each window; NaN = none. */
  windows(place: number, values: Float64Array): void {
    if (!this.isWanted) return
    for (let w = 0; w < windowCount; w++) {
      const value = values[w]!
      if ((this.wanted & (1 << w)) !== 0 && Number.isFinite(value)) this.push(place + w, value)
    }
  }

  /** Of a moment rather than a window. */
  one(place: number, value: number): void {
    if (this.wanted !== 0) this.push(place, value)
  }

  take(): { readonly series: Uint32Array; readonly value: Float64Array } {
    return { series: this.series.slice(0, this.count), value: this.values.slice(0, this.count) }
  }

  private push(place: number, value: number): void {
    if (this.count === this.series.length) this.grow()
    this.series[this.count] = seriesId(this.number, place)
    this.values[this.count++] = value
  }

  private grow(): void {
    const series = new Uint32Array(this.series.length * 2)
    series.set(this.series)
    this.series = series
    const values = new Float64Array(this.values.length * 2)
    values.set(this.values)
    this.values = values
  }
}
