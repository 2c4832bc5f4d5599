/** What the members of an entity say together, by window; NaN = nothing. */
import { windowCount } from './columns.ts'

export interface Pooled {
  cpuRank: number
  readonly cpuSum: Float64Array
  readonly cpuPanes: Float64Array
  memoryRank: number
  readonly memory: Float64Array
  readonly slope: Float64Array
  readonly disk: Float64Array
  readonly network: Float64Array
  readonly pool: Float64Array
  readonly waiting: Float64Array
  readonly lag: Float64Array
  readonly hits: Float64Array
  readonly lookups: Float64Array
  readonly restarts: Float64Array
  dependencies: Float64Array | undefined
}

export function newPooled(): Pooled {
  const nothing = () => new Float64Array(windowCount).fill(Number.NaN)
  return {
    cpuRank: 0,
    cpuSum: new Float64Array(windowCount),
    cpuPanes: new Float64Array(windowCount),
    memoryRank: 0,
    memory: nothing(),
    slope: nothing(),
    disk: nothing(),
    network: nothing(),
    pool: nothing(),
    waiting: nothing(),
    lag: nothing(),
    hits: nothing(),
    lookups: nothing(),
    restarts: nothing(),
    dependencies: undefined,
  }
}
