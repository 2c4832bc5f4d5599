/** What of one node could account for what is felt at another. */

/** By row, NaN where missing. */
export interface Load {
  /** Mean over the requests of a row: s, or the share that failed. */
  readonly values: Float64Array
  readonly requests: Float64Array
}

/** The sum over requests of what is beyond `usual`, from row `from` on; rows without requests add nothing. */
export function excess({ values, requests }: Load, usual: number, from: number): number {
  let sum = 0
  for (let i = from; i < values.length; i++) {
    const beyond = ((values[i] as number) - usual) * (requests[i] as number)
    if (beyond > 0) sum += beyond
  }
  return sum
}

/** 0 to 1; NaN where nothing is felt beyond the usual. */
export function accountedShare(own: number, felt: number): number {
  return felt > 0 ? Math.min(1, own / felt) : Number.NaN
}
