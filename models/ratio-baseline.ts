/** What an entity's ratios usually are, and how much more they scatter than chance: running sums that fade over a day of minutes. O(1) a window. */

/** Memory of the sums, in windows. */
const memory = 1440
/** The scatter is learned from windows with so many items or more. */
const leastItems = 20
const mostCorrelation = 0.5

/** Of one column of one entity, plain numbers in an array of `fields` a column. */
const fields = 5
const [hitsAt, totalAt, correlationAt, windowsAt, rowsAt] = [0, 1, 2, 3, 4]

export class RatioBaseline {
  readonly state: Float64Array

  /** Of `columns` ratios; `state` is that of another one, to go on from. */
  constructor(columns: number, state?: Float64Array) {
    if (state !== undefined && state.length !== columns * fields)
      throw new RangeError(`this is no state of ${columns} ratios`)
    this.state = state ?? new Float64Array(columns * fields)
  }

  rows(column: number): number {
    return this.state[column * fields + rowsAt] as number
  }

  /** With Jeffreys' half an item of either kind, so that a past without hits is no certainty. */
  ratio(column: number): number {
    const at = column * fields
    return ((this.state[at + hitsAt] as number) + 0.5) / ((this.state[at + totalAt] as number) + 1)
  }

  correlation(column: number): number {
    return Math.max(0, Math.min(mostCorrelation, this.state[column * fields + correlationAt] as number))
  }

  learn(column: number, hits: number, total: number, weight: number): void {
    if (!(total > 0) || !(weight > 0)) return
    const { state } = this
    const at = column * fields
    const ratio = this.ratio(column)
    const rows = (state[at + rowsAt] as number) + 1
    state[at + rowsAt] = rows
    if (total >= leastItems && rows > 5) {
      // Each window's own estimate of the correlation of two of its items (Kleinman 1973).
      const own = ((hits - total * ratio) ** 2 / (total * ratio * (1 - ratio)) - 1) / (total - 1)
      const windows = (state[at + windowsAt] as number) + 1
      state[at + windowsAt] = windows
      const known = state[at + correlationAt] as number
      state[at + correlationAt] = known + weight * Math.max(1 / (windows + 30), 1 / memory) * (Math.min(1, own) - known)
    }
    const kept = 1 - weight / memory
    state[at + hitsAt] = kept * (state[at + hitsAt] as number) + weight * hits
    state[at + totalAt] = kept * (state[at + totalAt] as number) + weight * total
  }

  forget(column: number): void {
    this.state.fill(0, column * fields, (column + 1) * fields)
  }
}
