import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { NodeKind, RootCauseCase, Sighting, SightingKind } from './evidence.ts'
import { rank } from './rank.ts'

interface Seen {
  readonly node: number
  readonly kind: SightingKind
  readonly surprise: number
  readonly direction?: -1 | 0 | 1
  readonly effect?: number
  readonly since?: number
}

function caseOf(
  nodes: readonly NodeKind[],
  edges: readonly (readonly [number, number])[],
  seen: readonly Seen[],
  more: Partial<RootCauseCase> = {},
): RootCauseCase {
  return {
    nodes,
    source: Uint32Array.from(edges, ([from]) => from),
    target: Uint32Array.from(edges, ([, to]) => to),
    calls: new Float64Array(edges.length).fill(Number.NaN),
    partOf: new Int32Array(nodes.length).fill(-1),
    runsOn: new Int32Array(nodes.length).fill(-1),
    felt: [0],
    onset: 0,
    sightings: seen.map(
      (one, reference): Sighting => ({
        direction: one.surprise === 0 ? 0 : 1,
        effect: one.surprise === 0 ? 0 : 1,
        since: Number.NaN,
        sinceUncertainty: Number.NaN,
        reference,
        ...one,
      }),
    ),
    ...more,
  }
}

const quiet = (nodes: readonly number[], kinds: readonly SightingKind[]): Seen[] =>
  nodes.flatMap((node) => kinds.map((kind) => ({ node, kind, surprise: 0 })))

const services = (count: number): NodeKind[] => Array.from({ length: count }, () => 'service')
/** 0 calls 1 and 2, both call 3; 1 calls 4. */
const shop = [
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 3],
  [1, 4],
] as const

suite('rank', () => {
  test('the deepest of those out of order explains its callers', () => {
    const { causes, verdict } = rank(
      caseOf(services(5), shop, [
        ...[0, 1, 2].map((node) => ({ node, kind: 'latency' as const, surprise: 20, effect: 0.6 })),
        { node: 3, kind: 'latency', surprise: 15, effect: 1.2 },
        { node: 4, kind: 'latency', surprise: 0.3, effect: 0 },
      ]),
    )
    assert.equal(causes[0]?.node, 3)
    assert.equal(verdict, 'likely')
  })

  test('a victim louder than its root stays a victim', () => {
    const { causes } = rank(
      caseOf(services(5), shop, [
        { node: 0, kind: 'latency', surprise: 27, effect: 2 },
        { node: 1, kind: 'latency', surprise: 27, effect: 2.5 },
        { node: 3, kind: 'latency', surprise: 7, effect: 0.8 },
        { node: 3, kind: 'cpu', surprise: 12, effect: 1.5 },
        ...quiet([0, 1, 2, 4], ['cpu']),
        ...quiet([2, 4], ['latency']),
      ]),
    )
    assert.deepEqual([causes[0]?.node, causes[0]?.hypothesis], [3, 'cpu'])
  })

  test('a caller with more alerts than the root is not the root', () => {
    const alerts = ['alert_metric', 'alert_trace', 'alert_log'] as const
    const { causes } = rank(
      caseOf(services(5), shop, [
        ...alerts.map((kind) => ({ node: 1, kind, surprise: 20, effect: 3 })),
        ...alerts.map((kind) => ({ node: 0, kind, surprise: 20, effect: 3 })),
        { node: 4, kind: 'alert_metric', surprise: 12, effect: 2 },
        { node: 4, kind: 'alert_trace', surprise: 8, effect: 2 },
        ...quiet([2, 3], alerts),
      ]),
    )
    assert.equal(causes[0]?.node, 4)
  })

  test('nothing wrong: inconclusive, and none of these is the likeliest', () => {
    const { none, verdict, causes } = rank(
      caseOf(services(5), shop, quiet([0, 1, 2, 3, 4], ['latency', 'errors', 'cpu'])),
    )
    assert.equal(verdict, 'inconclusive')
    assert.ok(none > causes[0]!.probability)
    assert.equal(causes.length, 5)
  })

  test('probabilities sum to 1', () => {
    const { none, nodeProbability } = rank(caseOf(services(5), shop, [{ node: 1, kind: 'errors', surprise: 9 }]))
    assert.ok(Math.abs(none + nodeProbability.reduce((a, b) => a + b, 0) - 1) < 1e-9)
  })
})
