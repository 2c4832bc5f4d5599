/** What a number of a row is, as far as it matters for judging it. */
export interface Column {
  /**
   * `level`: a number as it is. `log`: a positive one whose changes are factors. `count`: `countsPerUnit` times the value is a count of events. `ratio`: hits of
   * what the column `support` counts. `surprise`: -ln p already. `support`: stands beside others and is not judged.
   */
  readonly statistic: 'level' | 'log' | 'count' | 'ratio' | 'surprise' | 'support'
  readonly bad: 'high' | 'low' | 'both'
  /** Deviations below this are none: in the column's unit, in logarithms for `log` and `count`; for `ratio` the least that is expected. */
  readonly floor: number
  /** The same as a share of the level, for `level`. */
  readonly relativeFloor: number
  /** Added before the logarithm is taken: what is not told from zero. */
  readonly offset: number
  readonly countsPerUnit: number
  /** The column that counts what the value was made of: where there is less of it than usual, it scatters more. -1 = none. */
  readonly support: number
  /** With less support than this it is not judged: a high quantile of few is the luck of one. */
  readonly leastSupport: number
  /** The column with the same of a shorter window: only as far as that is on the same side too is it a deviation, and not the memory of one. -1 = none. */
  readonly confirmedBy: number
  /** Ticks from one window to the next that shares nothing with it: no more than one of so many teaches. */
  readonly stride: number
  /** How much less is thought of a deviation at an hour of the week that was never seen: 1 = as much, 2.5 where everybody has a rhythm. */
  readonly unknownHour: number
}

/** A number of which nothing is known. */
export const plainColumn: Column = {
  statistic: 'level',
  bad: 'both',
  floor: 0,
  relativeFloor: 0.01,
  offset: 0,
  countsPerUnit: 1,
  support: -1,
  leastSupport: 0,
  confirmedBy: -1,
  stride: 1,
  unknownHour: 1.2,
}

/** Into the unit in which a column is learned. */
export function learnedUnit({ statistic, offset, countsPerUnit }: Column, value: number): number {
  if (statistic === 'log') return Math.log(Math.max(0, value) + offset)
  if (statistic === 'count') return Math.log(Math.max(0, value) * countsPerUnit + 0.5)
  return value
}

/** And back. */
export function naturalUnit({ statistic, offset, countsPerUnit }: Column, learned: number): number {
  if (statistic === 'log') return Math.max(0, Math.exp(learned) - offset)
  if (statistic === 'count') return Math.max(0, Math.exp(learned) - 0.5) / countsPerUnit
  return learned
}
