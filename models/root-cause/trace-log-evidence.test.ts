import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogLines, patternEvidence } from './log-patterns.ts'
import { PlaceboTail } from './placebo-tail.ts'
import { latencyEvidence } from './trace-latency.ts'
import { childrenOf, remoteCalls, type Spans, selfTimes } from './trace-spans.ts'
import { surpriseOfBest, surpriseOfT, weightedMedian } from './two-samples.ts'

type Row = readonly [trace: number, parent: number, node: number, operation: number, start: number, end: number]

function spansOf(rows: readonly Row[]): Spans {
  const ints = (column: number) => Int32Array.from(rows, (row) => row[column]!)
  const floats = (column: number) => Float64Array.from(rows, (row) => row[column]!)
  return { trace: ints(0), parent: ints(1), node: ints(2), operation: ints(3), start: floats(4), end: floats(5) }
}

test('self time leaves out the union of the children, also where they overlap or outlast their parent', () => {
  const spans = spansOf([
    [0, -1, 0, 0, 0, 10],
    [0, 0, 1, 1, 1, 4],
    [0, 0, 1, 1, 3, 6],
    [0, 0, 2, 2, 9, 12],
  ])
  assert.deepEqual([...selfTimes(spans, childrenOf(spans))], [4, 3, 3, 3])
})

test('a remote call is a span with children at one other node only', () => {
  const spans = spansOf([
    [0, -1, 0, 0, 0, 10],
    [0, 0, 0, 1, 1, 4],
    [0, 1, 1, 2, 2, 3],
    [0, 0, 2, 3, 5, 6],
  ])
  assert.deepEqual([...remoteCalls(spans, childrenOf(spans))], [0, 1, 0, 0])
})

/** Entry 0 calls 1 to 6 in turn, each once; `gap` and `own` are added by node. */
function minute(traces: number, gap: Readonly<Record<number, number>>, own: Readonly<Record<number, number>>): Spans {
  const rows: Row[] = []
  let seed = 7
  const noise = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
  for (let t = 0; t < traces; t++) {
    const root = rows.length
    rows.push([t, -1, 0, 0, 0, 100])
    for (let node = 1; node <= 6; node++) {
      const way = 0.01 * (1 + 0.2 * noise()) + (gap[node] ?? 0)
      const work = 0.05 * (1 + 0.2 * noise()) + (own[node] ?? 0)
      const client = rows.length
      rows.push([t, root, 0, 10 + node, node, node + way + work])
      rows.push([t, client, node, 20 + node, node + way / 2, node + way / 2 + work])
    }
  }
  return spansOf(rows)
}

const quiet = [{ spans: minute(30, {}, {}) }]
const strongest = (fault: Spans, kind: string) =>
  latencyEvidence(quiet, fault, 7)
    .filter((one) => one.kind === kind)
    .toSorted((a, b) => b.surprise - a.surprise)[0]!

test('a slow way to a node is a network gap of that node, and not of who calls it', () => {
  const { node, direction, surprise } = strongest(minute(30, { 3: 0.5 }, {}), 'network_gap')
  assert.deepEqual([node, direction], [3, 1])
  assert.ok(surprise > 4)
  const all = latencyEvidence(quiet, minute(30, { 3: 0.5 }, {}), 7)
  assert.ok(all.find((one) => one.node === 0 && one.kind === 'network_gap')!.surprise < 1.5)
})

test('a node that works longer shows it in its self time', () => {
  const { node, direction, surprise } = strongest(minute(30, {}, { 5: 0.5 }), 'self_time')
  assert.deepEqual([node, direction], [5, 1])
  assert.ok(surprise > 4)
})

test('two quiet minutes surprise nobody', () => {
  for (const { surprise } of latencyEvidence(quiet, minute(25, {}, {}), 7)) assert.ok(surprise < 4, String(surprise))
})

/** Node 0 calls node 1, which writes templates 1, 2, 3; broken, it stops after the first, and node 0 then writes 8 in place of 7. */
function logged(traces: number, isBroken: boolean): { readonly spans: Spans; readonly logs: LogLines } {
  const rows: Row[] = []
  const lines: (readonly [span: number, node: number, template: number, time: number])[] = []
  for (let t = 0; t < traces; t++) {
    const root = rows.length
    rows.push([t, -1, 0, 0, 0, 9], [t, root, 1, 1, 1, 5])
    for (const template of isBroken ? [1] : [1, 2, 3]) lines.push([root + 1, 1, template, 1 + template])
    lines.push([root, 0, isBroken ? 8 : 7, 8])
  }
  const column = (c: number) => Int32Array.from(lines, (line) => line[c]!)
  const logs = {
    span: column(0),
    node: column(1),
    template: column(2),
    time: Float64Array.from(lines, (line) => line[3]),
  }
  return { spans: spansOf(rows), logs }
}

test('a branch cut short counts for the deepest broken span, and its callers are explained by it', () => {
  const found = patternEvidence([logged(30, false)], logged(20, true))
  const of = (node: number, kind: string) => found.find((one) => one.node === node && one.kind === kind)
  const root = of(1, 'log_support')!
  assert.ok(root.surprise > 5)
  assert.equal(root.effect > 0.8, true)
  assert.deepEqual(root.pattern.from, { kind: 'log', index: 1 })
  assert.equal(of(0, 'new_logs')?.surprise ?? 0, 0)
})

test('patterns are those of the order of times, whatever the order of the lines', () => {
  const { spans, logs } = logged(20, true)
  const turned: LogLines = {
    span: logs.span.toReversed(),
    node: logs.node.toReversed(),
    template: logs.template.toReversed(),
    time: logs.time.toReversed(),
  }
  const normal = [logged(30, false)]
  assert.deepEqual(patternEvidence(normal, { spans, logs: turned }), patternEvidence(normal, { spans, logs }))
})

test('tails: Student t as SciPy has it, Bonferroni for many looks, a weighted median', () => {
  // scipy.stats.t.sf(4, 8) * 2 = 0.003950..., scipy.stats.t.sf(10, 3) * 2 = 0.002128...
  assert.ok(Math.abs(surpriseOfT(4, 8) + Math.log(0.00395)) < 0.1)
  assert.ok(Math.abs(surpriseOfT(10, 3) + Math.log(0.002128)) < 0.3)
  assert.ok(Math.abs(surpriseOfBest(20, 100) - (20 - Math.log(100))) < 1e-6)
  assert.equal(weightedMedian([5, 1, 3], [2, 1, 1]), 4)
  assert.equal(weightedMedian([5, 1, 3], [3, 1, 1]), 5)
})

test('a surprise is worth what placebos leave of it', () => {
  const jumpy = new PlaceboTail(Array.from({ length: 200 }, (_, i) => i / 10))
  assert.ok(jumpy.calibrated(15) < 2 && jumpy.calibrated(27) < 12)
  assert.equal(new PlaceboTail(Array.from({ length: 200 }, () => 0)).calibrated(3), 3)
  assert.equal(new PlaceboTail([9, 9, 9]).calibrated(5), 5)
})
