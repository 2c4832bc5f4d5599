/**
 * Where the time of requests went: in a node itself, or on the way to it. Each operation is compared with itself in the normal window, in
 * logarithms and in its own spread; what its traces say is pooled to the node, and set against the other nodes.
 */
import { childrenOf, remoteCalls, type Spans, selfTimes } from './trace-spans.ts'
import { medianOf, middleOf, surpriseOfT, weightedMedian } from './two-samples.ts'

export interface LatencyEvidence {
  readonly node: number
  readonly kind: 'self_time' | 'network_gap'
  readonly surprise: number
  readonly direction: -1 | 0 | 1
  /** Logarithm of the ratio of times to the usual ones, the mean over what was pooled. */
  readonly effect: number
}

/** Spans of one window without a fault, or with one elsewhere. */
export interface LatencyWindow {
  readonly spans: Spans
  /** Of the others 1. A window that is known to be without a fault is worth more than one in which something may have been the matter. */
  readonly weight?: number
  /** Nodes that were found at fault in it: their times are no example of what is normal. */
  readonly left?: ReadonlySet<number>
}

/**
 * At most two for each of `nodes` nodes. `normal` holds one window or more, of about the length of `fault`; the more there are, the better is known what
 * differs by itself. A gap counts for both ends of a call, so that the node whose calls are all slow, those to it and those from it, stands out over
 * those that only share one with it. O(n log n).
 */
export function latencyEvidence(
  normal: readonly LatencyWindow[],
  fault: Spans,
  nodes: number,
): readonly LatencyEvidence[] {
  const changes = changesOf(normal.map(timesOf), timesOf({ spans: fault }))
  const [self, gap] = [changes.filter(({ callee }) => callee < 0), changes.filter(({ callee }) => callee >= 0)]
  return [...evidenceOf('self_time', scaled(self), nodes), ...evidenceOf('network_gap', scaled(gap), nodes)]
}

interface Change {
  readonly node: number
  readonly callee: number
  /** Of the mean logarithm of the time. */
  readonly change: number
  /** From counting alone. */
  readonly variance: number
  /** Between the normal windows, and how many there are. */
  readonly between: number
  readonly windows: number
}

function changesOf(
  before: readonly ReadonlyMap<string, Times>[],
  after: ReadonlyMap<string, Times>,
): readonly Change[] {
  const spread = pooledSpread(before)
  const changes: Change[] = []
  for (const [key, fault] of after) {
    const known = before.flatMap((times) => times.get(key) ?? [])
    if (known.length === 0) continue
    const logs = known.flatMap((one) => one.logs)
    const usual = medianOf(logs)
    const own = 1.4826 * medianOf(logs.map((value) => Math.abs(value - usual)))
    const scale2 = (logs.length * own ** 2 + priorSpans * spread ** 2) / (logs.length + priorSpans)
    // Traces count, not spans: a hundred calls in one loop are slow together.
    const now = meanOverTraces(fault)
    const then = known.map(meanOverTraces)
    const weights = known.map(({ weight }) => weight)
    const middle = weightedMedian(
      then.map(({ mean }) => mean),
      weights,
    )
    const between =
      1.4826 *
      weightedMedian(
        then.map(({ mean }) => Math.abs(mean - middle)),
        weights,
      )
    const variance = scale2 / now.traces + scale2 / then.reduce((sum, { traces }) => sum + traces, 0)
    changes.push({
      node: fault.node,
      callee: fault.callee,
      change: now.mean - middle,
      variance,
      between,
      windows: known.length,
    })
  }
  return changes
}

/** s: what is shorter is not told apart from nothing. */
const tick = 1e-3
/** The spread over all operations counts as much as so many spans of one. */
const priorSpans = 10
/** A node so far out takes its calls with it. */
const explainingZ = 3
/** Of Student's t: the spread is that of a few nodes, and windows differ more than chance has it. */
const tailFreedom = 3
/** Logarithm of a ratio that means something: z is at most the effect in these. */
const leastEffect = 0.2
/** The drift of all operations counts as much as so many windows of one. */
const priorWindows = 2
/** One operation says no more than this. */
const mostZ = 12

interface Times {
  readonly node: number
  /** Of a call to another node; -1 for what a node does itself. */
  readonly callee: number
  readonly weight: number
  readonly logs: number[]
  readonly traces: number[]
}

function timesOf({ spans, left, weight = 1 }: LatencyWindow): Map<string, Times> {
  const children = childrenOf(spans)
  const self = selfTimes(spans, children)
  const isRemote = remoteCalls(spans, children)
  const groups = new Map<string, Times>()
  for (let i = 0; i < self.length; i++) {
    if (left?.has(spans.node[i]!) === true) continue
    const child = isRemote[i] === 1 ? children.rows[children.from[i]!]! : -1
    const callee = child < 0 ? -1 : spans.node[child]!
    if (left?.has(callee) === true) continue
    const operation = child < 0 ? spans.operation[i]! : spans.operation[child]!
    const key = `${spans.node[i]} ${callee} ${operation}`
    let group = groups.get(key)
    if (group === undefined) groups.set(key, (group = { node: spans.node[i]!, callee, weight, logs: [], traces: [] }))
    group.logs.push(Math.log(self[i]! + tick))
    group.traces.push(spans.trace[i]!)
  }
  return groups
}

/** Root mean square of the deviations from the operations' medians, robustly. */
function pooledSpread(windows: readonly ReadonlyMap<string, Times>[]): number {
  const deviations: number[] = []
  for (const groups of windows) {
    for (const { logs } of groups.values()) {
      if (logs.length < 5) continue
      const usual = medianOf(logs)
      for (const value of logs) deviations.push(Math.abs(value - usual))
    }
  }
  return Math.max(0.05, deviations.length === 0 ? 0 : 1.4826 * medianOf(deviations))
}

function meanOverTraces({ logs, traces }: Times): { readonly mean: number; readonly traces: number } {
  const sums = new Map<number, { sum: number; n: number }>()
  for (let i = 0; i < logs.length; i++) {
    const known = sums.get(traces[i]!) ?? { sum: 0, n: 0 }
    known.sum += logs[i]!
    known.n++
    sums.set(traces[i]!, known)
  }
  let mean = 0
  for (const { sum, n } of sums.values()) mean += sum / n / sums.size
  return { mean, traces: sums.size }
}

interface Scaled extends Change {
  readonly z: number
}

/** Changes as z: beside chance, every operation drifts a little from one window to the next, by as much as most of them did. */
function scaled(changes: readonly Change[]): readonly Scaled[] {
  if (changes.length === 0) return []
  const middle = medianOf(changes.map(({ change }) => change))
  const drift = 1.4826 * medianOf(changes.map(({ change }) => Math.abs(change - middle)))
  return changes.map((one) => {
    const { change, variance, between, windows } = one
    const spread =
      windows === 1 ? drift ** 2 : (priorWindows * drift ** 2 + windows * between ** 2) / (priorWindows + windows)
    const z = (change - middle) / Math.sqrt(variance + spread)
    return { ...one, z: Math.max(-mostZ, Math.min(mostZ, z)) }
  })
}

/**
 * By node, what its operations say together (Stouffer). The node that stands out most takes its calls with it, before the others are
 * judged by the rest of theirs: who only shares a slow call with it is not slow.
 */
function evidenceOf(
  kind: LatencyEvidence['kind'],
  changes: readonly Scaled[],
  nodes: number,
): readonly LatencyEvidence[] {
  const raw = pooled(changes, nodes)
  // How far nodes spread by themselves is told without the one that stands out, and without its calls, which many share.
  const first = raw.z.reduce((top, z, node) => (z > (raw.z[top] ?? Number.NEGATIVE_INFINITY) ? node : top), -1)
  const { median, spread } = middleOf(
    pooled(
      changes.filter(({ node, callee }) => node !== first && callee !== first),
      nodes,
    ).z,
  )
  const found: LatencyEvidence[] = []
  const isTaken = new Uint8Array(nodes)
  let left = changes
  for (;;) {
    const { z, effect } = pooled(left, nodes)
    let top = -1
    for (let node = 0; node < nodes; node++)
      if (isTaken[node] === 0 && !Number.isNaN(z[node]!) && (top < 0 || z[node]! > z[top]!)) top = node
    if (top >= 0 && (z[top]! - median) / spread > explainingZ) {
      put(top, z[top]!, effect[top]!)
      isTaken[top] = 1
      left = left.filter(({ node, callee }) => node !== top && callee !== top)
      continue
    }
    for (let node = 0; node < nodes; node++)
      if (isTaken[node] === 0 && !Number.isNaN(raw.z[node]!)) put(node, z[node]!, effect[node]!)
    return found
  }

  function put(node: number, z: number, effect: number): void {
    const sure = Number.isNaN(z) || z === median ? 0 : (z - median) / spread
    // However sure it is, a change of a few percent is not what anybody is woken for.
    const own =
      sure === 0 || effect === 0 ? 0 : Math.sign(sure) / Math.sqrt(1 / sure ** 2 + (leastEffect / effect) ** 2)
    const surprise = surpriseOfT(Math.abs(own), tailFreedom)
    found.push({
      node,
      kind,
      surprise,
      direction: own > 0 ? 1 : own < 0 ? -1 : 0,
      effect: Number.isNaN(effect) ? 0 : effect,
    })
  }
}

function pooled(
  changes: readonly Scaled[],
  nodes: number,
): { readonly z: Float64Array; readonly effect: Float64Array } {
  const z = new Float64Array(nodes)
  const effect = new Float64Array(nodes)
  const groups = new Float64Array(nodes)
  const add = (node: number, one: Scaled) => {
    z[node]! += one.z
    effect[node]! += one.change
    groups[node]!++
  }
  for (const one of changes) {
    add(one.node, one)
    if (one.callee >= 0) add(one.callee, one)
  }
  return {
    z: z.map((sum, node) => sum / Math.sqrt(groups[node]!)),
    effect: effect.map((sum, node) => sum / groups[node]!),
  }
}
