/**
 * What spans did, step by step, in the normal window and in the fault's: which step follows which. Steps are log templates and calls of
 * a span, each in their own order (a log's clock is not the tracer's). After Nezha (Yu et al. 2023, FSE), with a test in place of a ratio of supports.
 *
 * A step that no longer follows shows at the node that broke off, and at all who called it, whose own next steps fail to come too. So each
 * trace counts for the deepest broken span alone: a span below which another is broken says nothing.
 */

import { mostSurprise } from './likelihood.ts'
import { childrenOf, type Spans } from './trace-spans.ts'
import { medianOf, surpriseOfBest, surpriseOfT, weightedMedian } from './two-samples.ts'

/** Log lines by columns; `span` is a row of the spans of the same window, or -1. */
export interface LogLines {
  readonly span: Int32Array
  readonly node: Int32Array
  readonly template: Int32Array
  readonly time: Float64Array
}

export interface Window {
  readonly spans: Spans
  readonly logs: LogLines
  /** Nodes that were found at fault in it: what they did is no example of what is normal. */
  readonly left?: ReadonlySet<number>
  /** Of the others 1. A window that is known to be without a fault is worth more than one in which something may have been the matter. */
  readonly weight?: number
}

export interface PatternEvidence {
  readonly node: number
  /** `log_support`: a step that used to follow does not; `new_logs`: one follows that did not. */
  readonly kind: 'log_support' | 'new_logs'
  readonly surprise: number
  /** Change of the share of spans in which the one step follows the other. */
  readonly effect: number
  /** The pair of steps. */
  readonly pattern: Pattern
}

export interface Pattern {
  readonly operation: number
  readonly from: Step
  readonly to: Step
}

export interface Step {
  readonly kind: 'start' | 'log' | 'call' | 'end'
  /** Template or operation; -1 at start and end. */
  readonly index: number
}

/** Of Student's t. */
const tailFreedom = 8
/** A pattern as unlikely as this breaks the spans that show it. */
const brokenSurprise = 4
/** The spread between windows that all patterns have counts as much as that of so many windows of one pattern. */
const priorWindows = 2
/** Places needed to tell how much windows differ. */
const leastPlaces = 5

/**
 * At most two for each node: its most surprising pattern of each kind, after as many looks as it has patterns. `normal` holds one window or more, of about
 * the length of `fault`; the more there are, the better is known what differs by itself. O(n log n) in spans and lines.
 */
export function patternEvidence(normal: readonly Window[], fault: Window): readonly PatternEvidence[] {
  const before = normal.map((window) =>
    counted(stepsOf(window), (span) => window.left?.has(window.spans.node[span]!) === true),
  )
  const weights = normal.map(({ weight = 1 }) => weight)
  const after = stepsOf(fault)
  const all = testsOf(before, weights, counted(after, undefined), undefined)
  const drift = driftOf(all)
  const isExplained = ancestorsOf(
    fault.spans,
    brokenSpans(after, testsOf(before, weights, counted(after, undefined), drift)),
  )
  return best(
    testsOf(
      before,
      weights,
      counted(after, (span) => isExplained[span] === 1),
      drift,
    ),
  )
}

/** The pairs of steps of a window, in columns; one row for each pair in each span. */
interface Steps {
  readonly spans: Spans
  readonly span: Uint32Array
  readonly from: Float64Array
  readonly to: Float64Array
}

const start = 0
const end = 1
const [ofLog, ofCall] = [2, 3]

function stepsOf({ spans, logs }: Window): Steps {
  const children = childrenOf(spans)
  const n = spans.node.length
  const lines: number[][] = Array.from({ length: n }, () => [])
  const byTime = logs.time.map((_, i) => i).sort((a, b) => logs.time[a]! - logs.time[b]! || a - b)
  for (const line of byTime) if (logs.span[line]! >= 0) lines[logs.span[line]!]!.push(line)
  const hasLogs = logs.span.length > 0
  const rows: number[] = []
  const from: number[] = []
  const to: number[] = []
  const put = (span: number, a: number, b: number) => {
    rows.push(span)
    from.push(a)
    to.push(b)
  }
  for (let i = 0; i < n; i++) {
    let last = start
    for (let k = children.from[i]!; k < children.from[i + 1]!; k++) {
      const step = 4 * (spans.operation[children.rows[k]!]! + 1) + ofCall
      put(i, last, step)
      last = step
    }
    put(i, last, end)
    if (!hasLogs) continue
    // Start and end of the logs are other steps than those of the calls.
    last = start + 4
    for (const line of lines[i]!) {
      const step = 4 * (logs.template[line]! + 1) + ofLog
      put(i, last, step)
      last = step
    }
    put(i, last, end + 4)
  }
  return { spans, span: Uint32Array.from(rows), from: Float64Array.from(from), to: Float64Array.from(to) }
}

interface Count {
  readonly node: number
  readonly operation: number
  readonly from: number
  readonly to: number
  /** Traces with the first step, and the sum over them of how often the second follows it, at most 1 each. */
  total: number
  hits: number
}

function placeOf(spans: Spans, span: number): string {
  return `${spans.node[span]} ${spans.operation[span]}`
}

/** By place, first step, second step; `total` of a pair is that of its first step. */
type Counts = ReadonlyMap<string, { readonly total: number; readonly next: ReadonlyMap<number, Count> }>

function counted({ spans, span, from, to }: Steps, isLeftOut: ((span: number) => boolean) | undefined): Counts {
  // By place and step: by trace, how often the step came, and what followed.
  const places = new Map<
    string,
    { total: number; next: Map<number, Count>; byTrace: Map<number, { n: number; next: Map<number, number> }> }
  >()
  for (let row = 0; row < span.length; row++) {
    const i = span[row]!
    if (isLeftOut?.(i) === true) continue
    const key = `${placeOf(spans, i)} ${from[row]}`
    let place = places.get(key)
    if (place === undefined) places.set(key, (place = { total: 0, next: new Map(), byTrace: new Map() }))
    let trace = place.byTrace.get(spans.trace[i]!)
    if (trace === undefined) place.byTrace.set(spans.trace[i]!, (trace = { n: 0, next: new Map() }))
    trace.n++
    trace.next.set(to[row]!, (trace.next.get(to[row]!) ?? 0) + 1)
    if (!place.next.has(to[row]!))
      place.next.set(to[row]!, {
        node: spans.node[i]!,
        operation: spans.operation[i]!,
        from: from[row]!,
        to: to[row]!,
        total: 0,
        hits: 0,
      })
  }
  for (const place of places.values()) {
    place.total = place.byTrace.size
    for (const { n, next } of place.byTrace.values())
      for (const [step, times] of next) place.next.get(step)!.hits += times / n
  }
  return places
}

interface Tested extends Count {
  /** Positive where it follows more often than before. */
  readonly z: number
  readonly change: number
  /** Of z, from counting alone. */
  readonly variance: number
  /** In the normal windows it always followed, or never. */
  readonly isSteady: boolean
}

/** Without `drift`, chance alone. */
function testsOf(
  before: readonly Counts[],
  weights: readonly number[],
  after: Counts,
  drift: number | undefined,
): readonly Tested[] {
  const tests: Tested[] = []
  for (const [key, { total, next }] of after) {
    const known = before.flatMap((counts) => counts.get(key) ?? [])
    const weight = weights.filter((_, w) => before[w]!.has(key))
    if (known.length === 0) continue
    const examples = new Map<number, Count>()
    for (const place of known) for (const [step, count] of place.next) examples.set(step, count)
    for (const [step, count] of next) examples.set(step, count)
    const seen = known.reduce((sum, place) => sum + place.total, 0)
    for (const [step, example] of examples) {
      const hits = next.get(step)?.hits ?? 0
      const usual = known.map((place) => angle(place.next.get(step)?.hits ?? 0, place.total))
      const middle = weightedMedian(usual, weight)
      const between =
        known.length === 1
          ? 0
          : 1.4826 *
            weightedMedian(
              usual.map((value) => Math.abs(value - middle)),
              weight,
            )
      const variance = 1 / (4 * total + 2) + 1 / (4 * seen + 2)
      const spread =
        drift === undefined
          ? 0
          : (priorWindows * drift ** 2 + known.length * between ** 2) / (priorWindows + known.length)
      const z = (angle(hits, total) - middle) / Math.sqrt(variance + spread)
      const hitsBefore = known.reduce((sum, place) => sum + (place.next.get(step)?.hits ?? 0), 0)
      const isSteady = hitsBefore <= 0 || hitsBefore >= seen
      tests.push({ ...example, total, hits, z, change: hits / total - hitsBefore / seen, variance, isSteady })
    }
  }
  return tests
}

/** A ratio as an angle, whose variance is 1 / (4 n + 2) whatever the ratio (Anscombe 1948). */
function angle(hits: number, total: number): number {
  return Math.asin(Math.sqrt(Math.max(0, Math.min(1, (hits + 0.375) / (total + 0.75)))))
}

/**
 * How much angles differ between windows beyond chance, as a standard deviation. Sessions come in runs, so that what happens now and then varies more than
 * counting has it. A place counts once, whatever its number of patterns: that of the fault has the most.
 */
function driftOf(tests: readonly Tested[]): number {
  const places = new Map<string, Tested[]>()
  for (const test of tests) {
    if (test.isSteady) continue
    const key = `${test.node} ${test.operation}`
    const known = places.get(key)
    if (known === undefined) places.set(key, [test])
    else known.push(test)
  }
  if (places.size < leastPlaces) return 0
  const middles = [...places.values()].map((all) => medianOf(all.map(({ z }) => Math.abs(z))))
  const excess = Math.max(0, (1.4826 * medianOf(middles)) ** 2 - 1)
  return Math.sqrt(excess * medianOf(tests.filter(({ isSteady }) => !isSteady).map(({ variance }) => variance)))
}

/** The spans that show a new pair, or lack a usual one. */
function brokenSpans({ spans, span, from, to }: Steps, tests: readonly Tested[]): Uint8Array {
  const looks = Math.max(1, tests.length)
  const isNew = new Set<string>()
  const lacking = new Map<string, Set<number>>()
  for (const { node, operation, from: a, to: b, z } of tests) {
    if (surpriseOfBest(surpriseOfT(z, tailFreedom), looks) < brokenSurprise) continue
    const place = `${node} ${operation} ${a}`
    if (z > 0) isNew.add(`${place} ${b}`)
    else lacking.set(place, (lacking.get(place) ?? new Set()).add(b))
  }
  const broken = new Uint8Array(spans.node.length)
  for (let row = 0; row < span.length; row++) {
    const i = span[row]!
    const place = `${placeOf(spans, i)} ${from[row]}`
    const usual = lacking.get(place)
    if (isNew.has(`${place} ${to[row]}`) || (usual !== undefined && !usual.has(to[row]!))) broken[i] = 1
  }
  return broken
}

function ancestorsOf({ parent }: Spans, broken: Uint8Array): Uint8Array {
  const isAncestor = new Uint8Array(broken.length)
  for (let i = 0; i < broken.length; i++) {
    if (broken[i] === 0) continue
    // Whoever is marked has marked all above it.
    for (let up = parent[i]!; up >= 0 && isAncestor[up] === 0; up = parent[up]!) isAncestor[up] = 1
  }
  return isAncestor
}

interface Best {
  readonly node: number
  readonly kind: PatternEvidence['kind']
  looks: number
  /** Of 1 / p. */
  sum: number
  strongest: Tested
}

/**
 * All patterns of a node become one p-value by their harmonic mean (Wilson 2019), valid under dependence: a function that breaks off breaks several, and
 * the more do, the less it was the number of looks.
 */
function best(tests: readonly Tested[]): readonly PatternEvidence[] {
  const found = new Map<string, Best>()
  for (const test of tests) {
    for (const kind of ['log_support', 'new_logs'] as const) {
      const key = `${test.node} ${kind}`
      let node = found.get(key)
      if (node === undefined) found.set(key, (node = { node: test.node, kind, looks: 0, sum: 0, strongest: test }))
      node.looks++
      const towards = kind === 'log_support' ? -test.z : test.z
      if (towards <= 0) continue
      node.sum += Math.exp(surpriseOfT(test.z, tailFreedom))
      if (towards > (kind === 'log_support' ? -node.strongest.z : node.strongest.z)) node.strongest = test
    }
  }
  return Array.from(found.values(), ({ node, kind, looks, sum, strongest }) => {
    const { operation, from, to, change } = strongest
    const surprise = Math.max(0, Math.min(mostSurprise, Math.log(Math.max(1, sum) / looks)))
    return {
      node,
      kind,
      surprise,
      effect: Math.abs(change),
      pattern: { operation, from: stepOf(from), to: stepOf(to) },
    }
  })
}

function stepOf(code: number): Step {
  const form = code % 4
  if (form === start || form === end) return { kind: form === start ? 'start' : 'end', index: -1 }
  return { kind: form === ofLog ? 'log' : 'call', index: Math.floor(code / 4) - 1 }
}
