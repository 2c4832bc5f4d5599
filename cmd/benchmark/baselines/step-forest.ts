/**
 * An isolation forest over one value is a function of steps: the sum over all trees changes at their splits and nowhere else. As such a list of steps it is
 * asked with one search instead of a walk through every tree.
 */
import { averagePathLength, type IsolationForest, type IsolationTree } from '../../../models/isolation-forest.ts'

/** Ascending; at each the sum of path lengths changes by so much for what is greater. */
interface Steps {
  readonly at: Float64Array
  readonly change: Float64Array
}

export class StepForest {
  private readonly at: Float64Array
  /** For what is greater than so many of `at`. */
  private readonly scores: Float64Array

  constructor({ trees, subsample }: IsolationForest) {
    let [first, lists]: [number, Steps[]] = [0, []]
    for (const tree of trees) {
      const { leftmost, steps } = stepsOf(tree)
      first += leftmost
      lists.push(steps)
    }
    while (lists.length > 1) {
      const merged: Steps[] = []
      for (let i = 0; i < lists.length; i += 2) {
        const other = lists[i + 1]
        merged.push(other === undefined ? lists[i]! : merge(lists[i]!, other))
      }
      lists = merged
    }
    const { at, change } = lists[0]!
    const scale = trees.length * averagePathLength(subsample)
    this.at = at
    this.scores = new Float64Array(at.length + 1)
    let sum = first
    for (let i = 0; i <= at.length; i++) {
      this.scores[i] = scale === 0 ? 0.5 : 2 ** (-sum / scale)
      sum += change[i] ?? 0
    }
  }

  score(value: number): number {
    const { at } = this
    let [low, high] = [0, at.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (at[middle]! < value) low = middle + 1
      else high = middle
    }
    return this.scores[low]!
  }
}

function stepsOf({ feature, threshold, left, right, pathLength }: IsolationTree): {
  readonly leftmost: number
  readonly steps: Steps
} {
  const splits = (feature.length - 1) / 2
  const at = new Float64Array(splits)
  const change = new Float64Array(splits)
  let [count, last, leftmost] = [0, Number.NaN, Number.NaN]
  const visit = (node: number): void => {
    if (feature[node] === -1) {
      const length = pathLength[node]!
      if (count === 0) leftmost = length
      else change[count - 1] = length - last
      last = length
      return
    }
    visit(left[node]!)
    at[count++] = threshold[node]!
    visit(right[node]!)
  }
  visit(0)
  return { leftmost, steps: { at, change } }
}

function merge(a: Steps, b: Steps): Steps {
  const size = a.at.length + b.at.length
  const at = new Float64Array(size)
  const change = new Float64Array(size)
  for (let [i, j, k] = [0, 0, 0]; k < size; k++) {
    if (j >= b.at.length || (i < a.at.length && a.at[i]! <= b.at[j]!)) {
      at[k] = a.at[i]!
      change[k] = a.change[i++]!
    } else {
      at[k] = b.at[j]!
      change[k] = b.change[j++]!
    }
  }
  return { at, change }
}
