/** Where the buckets of an exponential histogram end. */
import type { Tree } from '../../pipeline/data/json/decode-tree.ts'

export interface Bucket {
  readonly lower: number
  readonly upper: number
  readonly count: bigint
}

/** By magnitude, ascending. As upstream, whose topmost lower bound may read +Inf. */
export function bucketsOf(point: Tree, side: 'positive' | 'negative'): Bucket[] {
  const factor = Math.LN2 * 2 ** -point.number('scale')
  const offset = point.tree(side).number('offset')
  return point
    .tree(side)
    .bigs('bucketCounts')
    .map((count, place) => ({
      lower: Math.exp((offset + place) * factor),
      upper: Math.exp((offset + place + 1) * factor),
      count,
    }))
}
