import type { CallGraph } from './call-graph.ts'

/** Where it may turn back to a caller, relative to going on. */
const backward = 0.1
const restart = 0.15
const steps = 50

/**
 * Personalised random walk over the call graph (MonitorRank, Kim et al. 2013; MicroRCA, Wu et al. 2020): from where it is felt, forward to callees that are
 * out of order, a little back to callers, staying where no callee is as much out of order. Gives the share of time spent at each node; sums to 1.
 * `unrest` [nodes] in 0..1. O(50 (nodes + edges)).
 */
export function randomWalk(
  { callers, callees }: CallGraph,
  unrest: Float64Array,
  felt: readonly number[],
): Float64Array {
  const nodes = unrest.length
  const starts = new Float64Array(nodes)
  if (felt.length > 0) for (const node of felt) starts[node] = (starts[node] as number) + 1 / felt.length
  else {
    const total = unrest.reduce((sum, value) => sum + value, 0)
    for (let n = 0; n < nodes; n++) starts[n] = total > 0 ? (unrest[n] as number) / total : 1 / nodes
  }
  const stay = new Float64Array(nodes)
  const leaving = new Float64Array(nodes)
  for (let n = 0; n < nodes; n++) {
    let worst = 0
    for (let e = callees.from[n] as number; e < (callees.from[n + 1] as number); e++) {
      const a = unrest[callees.neighbour[e] as number] as number
      worst = Math.max(worst, a)
      leaving[n] = (leaving[n] as number) + a
    }
    stay[n] = Math.max(0, (unrest[n] as number) - worst)
    for (let e = callers.from[n] as number; e < (callers.from[n + 1] as number); e++)
      leaving[n] = (leaving[n] as number) + backward * (unrest[callers.neighbour[e] as number] as number)
    leaving[n] = (leaving[n] as number) + (stay[n] as number)
  }
  let at = starts.slice()
  let next = new Float64Array(nodes)
  for (let step = 0; step < steps; step++) {
    next.fill(0)
    let lost = 0
    for (let n = 0; n < nodes; n++) {
      const here = at[n] as number
      if (here === 0) continue
      const out = leaving[n] as number
      if (!(out > 0)) {
        lost += here
        continue
      }
      lost += restart * here
      const unit = ((1 - restart) * here) / out
      next[n] = (next[n] as number) + unit * (stay[n] as number)
      for (let e = callees.from[n] as number; e < (callees.from[n + 1] as number); e++) {
        const to = callees.neighbour[e] as number
        next[to] = (next[to] as number) + unit * (unrest[to] as number)
      }
      for (let e = callers.from[n] as number; e < (callers.from[n + 1] as number); e++) {
        const to = callers.neighbour[e] as number
        next[to] = (next[to] as number) + unit * backward * (unrest[to] as number)
      }
    }
    for (let n = 0; n < nodes; n++) next[n] = (next[n] as number) + lost * (starts[n] as number)
    ;[at, next] = [next, at]
  }
  return at
}
