/** A forest as a kernel wants it: all trees perfect and of one depth, so that every row takes the same number of steps and no step asks whether it is the last. */
import type { IsolationForest, IsolationTree } from '../../isolation-forest.ts'

export interface PerfectForest {
  readonly width: number
  readonly subsample: number
  readonly trees: number
  /** Steps from a root to a leaf. */
  readonly depth: number
  /** [trees, 2^depth - 1] in heap order: the column that a node compares. */
  readonly feature: Int32Array
  /** Of the same shape: a value at most this goes left, any other (NaN too) right. */
  readonly threshold: Float32Array
  /** [trees, 2^depth]: path length of each leaf. */
  readonly length: Float32Array
}

/** A tree of this depth has 4,096 leaves, which is what a subsample of 4,096 grows. */
const maxDepth = 12

/** A leaf above the bottom stands for all that would be below it. Throws a `RangeError` for trees of a depth above 12. */
export function perfectForest({ width, subsample, trees }: IsolationForest): PerfectForest {
  const depth = Math.max(1, ...trees.map((tree) => depthOf(tree, 0)))
  if (depth > maxDepth)
    throw new RangeError(`a tree has ${depth} levels, and a kernel takes ${maxDepth}: use a subsample of at most 4096`)
  const inner = 2 ** depth - 1
  const forest = {
    width,
    subsample,
    trees: trees.length,
    depth,
    feature: new Int32Array(trees.length * inner),
    threshold: new Float32Array(trees.length * inner),
    length: new Float32Array(trees.length * (inner + 1)),
  }
  for (const [index, tree] of trees.entries()) fill(forest, index, tree)
  return forest
}

function depthOf({ feature, left, right }: IsolationTree, root: number): number {
  let deepest = 0
  const open: [node: number, depth: number][] = [[root, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, depth] = next
    deepest = Math.max(deepest, depth)
    if (feature[node]! >= 0) open.push([left[node]!, depth + 1], [right[node]!, depth + 1])
  }
  return deepest
}

function fill({ depth, feature, threshold, length }: PerfectForest, index: number, tree: IsolationTree): void {
  const inner = 2 ** depth - 1
  const open: [node: number, place: number][] = [[0, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, place] = next
    if (place >= inner) {
      length[index * (inner + 1) + place - inner] = tree.pathLength[node]!
      continue
    }
    const isLeaf = tree.feature[node]! < 0
    if (!isLeaf) {
      feature[index * inner + place] = tree.feature[node]!
      threshold[index * inner + place] = singleBelow(tree.threshold[node]!)
    }
    // Either way from a leaf is to itself.
    open.push([isLeaf ? node : tree.left[node]!, 2 * place + 1], [isLeaf ? node : tree.right[node]!, 2 * place + 2])
  }
}

const single = new Float32Array(1)
const bits = new Int32Array(single.buffer)

/** The largest number of single precision that is not above: a row of single precision goes the same way by either. */
function singleBelow(value: number): number {
  single[0] = value
  if (single[0] <= value) return single[0]
  if (single[0] > 0) bits[0]! -= 1
  else bits[0]! += 1
  return single[0]
}
