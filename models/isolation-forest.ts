/**
 * Isolation Forest (Liu, Ting, Zhou 2008): what random splits set apart early is odd. Multivariate; scores are scikit-learn's `-score_samples`.
 * Fitting costs O(trees * subsample * log subsample), a score O(trees * log subsample).
 */

/** Nodes as columns, the root first. */
export interface IsolationTree {
  /** Column that is compared; -1 for a leaf. */
  readonly feature: Int32Array
  /** A row whose value is at most this goes left, any other (NaN too) right. */
  readonly threshold: Float64Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** Of a leaf: its depth, and what an unbuilt tree over its rows would add. Where it was fitted here, a multiple of 2^-9. */
  readonly pathLength: Float64Array
}

export interface IsolationForest {
  /** Values in a row. */
  readonly width: number
  /** Rows that each tree saw. */
  readonly subsample: number
  readonly trees: readonly IsolationTree[]
}

export interface IsolationOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly trees?: number
  readonly subsample?: number
}

const defaultTrees = 100
const defaultSubsample = 256
const euler = 0.577_215_664_901_532_9
const leaf = -1
/** Of this the lengths of a forest are multiples: sums of a thousand are exact in single precision, in any order, so that every backend gives the same score. */
const quantum = 2 ** -9

/** c(n): the mean length of an unsuccessful search in a binary search tree of n nodes. */
export function averagePathLength(n: number): number {
  if (n <= 1) return 0
  if (n === 2) return 1
  return 2 * (Math.log(n - 1) + euler) - (2 * (n - 1)) / n
}

/** `rows` are laid out one after the other, each `width` finite values. Throws a `RangeError` for rows that are none. */
export function fitIsolationForest(
  rows: Float64Array,
  width: number,
  { random, trees = defaultTrees, subsample = defaultSubsample }: IsolationOptions,
): IsolationForest {
  const count = rows.length / width
  if (!Number.isInteger(width) || width < 1 || !Number.isInteger(count) || count < 1)
    throw new RangeError(`${rows.length} values are no rows of ${width}`)
  if (!rows.every(Number.isFinite)) throw new RangeError('a row has a value that is no finite number')
  const size = Math.min(subsample, count)
  const grower = new Grower(rows, width, size, random)
  return { width, subsample: size, trees: Array.from({ length: trees }, () => grower.grow()) }
}

/** In (0, 1]: about 0.5 is ordinary, towards 1 is odd. One score a row. */
export function isolationScores(forest: IsolationForest, rows: Float64Array): Float64Array {
  const { width, trees, subsample } = forest
  const count = rows.length / width
  if (!Number.isInteger(count)) throw new RangeError(`${rows.length} values are no rows of ${width}`)
  const scores = new Float64Array(count)
  for (const { feature, threshold, left, right, pathLength } of trees) {
    for (let row = 0; row < count; row++) {
      let node = 0
      for (let column = feature[0]!; column !== leaf; column = feature[node]!)
        node = rows[row * width + column]! <= threshold[node]! ? left[node]! : right[node]!
      scores[row]! += pathLength[node]!
    }
  }
  // Rows that are all alike, or one row: nothing is odd then, as scikit-learn has it.
  const scale = trees.length * averagePathLength(subsample)
  for (let row = 0; row < count; row++) scores[row] = scale === 0 ? 0.5 : 2 ** (-scores[row]! / scale)
  return scores
}

class Grower {
  private readonly rows: Float64Array
  private readonly width: number
  private readonly size: number
  private readonly random: () => number
  private readonly maxDepth: number
  private readonly order: Uint32Array
  private feature: number[] = []
  private threshold: number[] = []
  private left: number[] = []
  private right: number[] = []
  private pathLength: number[] = []

  constructor(rows: Float64Array, width: number, size: number, random: () => number) {
    this.rows = rows
    this.width = width
    this.size = size
    this.random = random
    this.maxDepth = Math.ceil(Math.log2(Math.max(2, size)))
    this.order = Uint32Array.from({ length: rows.length / width }, (_, i) => i)
  }

  grow(): IsolationTree {
    this.feature = []
    this.threshold = []
    this.left = []
    this.right = []
    this.pathLength = []
    this.draw()
    this.split(0, this.size, 0)
    return {
      feature: Int32Array.from(this.feature),
      threshold: Float64Array.from(this.threshold),
      left: Int32Array.from(this.left),
      right: Int32Array.from(this.right),
      pathLength: Float64Array.from(this.pathLength),
    }
  }

  /** The first `size` of the order become a sample without repetition (Fisher and Yates). */
  private draw(): void {
    const { order, size } = this
    for (let i = 0; i < size; i++) {
      const j = i + Math.floor(this.random() * (order.length - i))
      const drawn = order[j]!
      order[j] = order[i]!
      order[i] = drawn
    }
  }

  /** The answer is the number of the node. */
  private split(from: number, to: number, depth: number): number {
    const node = this.feature.length
    this.feature.push(leaf)
    this.threshold.push(0)
    this.left.push(leaf)
    this.right.push(leaf)
    this.pathLength.push(Math.round((depth + averagePathLength(to - from)) / quantum) * quantum)
    if (to - from < 2 || depth >= this.maxDepth) return node
    const cut = this.choose(from, to)
    if (cut === undefined) return node
    const middle = this.partition(from, to, cut.column, cut.at)
    this.feature[node] = cut.column
    this.threshold[node] = cut.at
    this.left[node] = this.split(from, middle, depth + 1)
    this.right[node] = this.split(middle, to, depth + 1)
    return node
  }

  /** A random column that is not constant here, and a random place between its ends. Undefined where all rows are alike. */
  private choose(from: number, to: number): { readonly column: number; readonly at: number } | undefined {
    const { width } = this
    const first = Math.floor(this.random() * width)
    for (let k = 0; k < width; k++) {
      const column = k === 0 ? first : (first + k) % width
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (let i = from; i < to; i++) {
        const value = this.rows[this.order[i]! * width + column]!
        if (value < least) least = value
        if (value > most) most = value
      }
      if (most <= least) continue
      const at = least + this.random() * (most - least)
      // Rounding may reach the upper end, and then nothing would go right.
      return { column, at: at < most ? at : least }
    }
    return undefined
  }

  private partition(from: number, to: number, column: number, at: number): number {
    const { order, rows, width } = this
    let middle = from
    for (let i = from; i < to; i++) {
      const row = order[i]!
      if (rows[row * width + column]! > at) continue
      order[i] = order[middle]!
      order[middle++] = row
    }
    return middle
  }
}
