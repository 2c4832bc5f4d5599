/** Several p-values about the same thing become one. */

/** One very sure detector may not delete an alarm of another, nor decide beyond what a tail fitted to some thousand scores can know. */
const leastP = 1e-12
const mostP = 0.5

export function clipP(p: number): number {
  // A detector that has no answer says nothing, which is .5.
  return Number.isNaN(p) ? mostP : Math.min(mostP, Math.max(leastP, p))
}

/**
 * The same as `combineCauchy` for what is calibrated once more afterwards: only clipped above, since there the order of what is far out matters and not its
 * probability. Gives .5 for none.
 */
export function combineUnclipped(ps: Float64Array, count = ps.length): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const p = ps[i] as number
    if (p < mostP) sum += 1 / Math.tan(Math.max(p, 1e-290) * Math.PI)
  }
  return count === 0 ? mostP : pOfCauchy(sum / count)
}

/**
 * Cauchy combination (Liu & Xie 2020): valid under any dependence of the detectors. p-values are clipped to [1e-12, .5] first. `weights` are
 * positive and need not sum to 1. Gives .5 for none.
 */
export function combineCauchy(ps: ArrayLike<number>, weights?: ArrayLike<number>): number {
  let sum = 0
  let total = 0
  for (let i = 0; i < ps.length; i++) {
    const w = weights === undefined ? 1 : (weights[i] as number)
    const p = clipP(ps[i] as number)
    // tan((.5 - p) pi) loses its digits near the pole: 1 / tan(p pi) does not.
    sum += w / Math.tan(p * Math.PI)
    total += w
  }
  if (total === 0) return mostP
  return pOfCauchy(sum / total)
}

function pOfCauchy(t: number): number {
  return t > 1 ? Math.atan(1 / t) / Math.PI : 0.5 - Math.atan(t) / Math.PI
}
