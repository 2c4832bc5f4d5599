import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { logPane, metrics, numberOf, open, panes, service, start, tick } from './features.fixture.ts'

/** One batch, and the pane that it is of. */
interface Piece {
  readonly pane: number
  readonly batch: Metrics
  readonly mayRepeat: boolean
}

const panesOfWorld = 30
const panesAfter = 45

/** A service with an operation that calls another, its logs, two instances that are scraped, a node. */
function world(numbers: readonly number[]): Piece[] {
  const pieces: Piece[] = []
  let n = 0
  const next = () => numbers[n++ % numbers.length]!
  let [cpu, network] = [0, 0]
  for (let pane = 1; pane <= panesAfter; pane++) {
    const traces = panes(pane, [
      { name: 'a', requests: 100 + next(), errors: next(), seconds: [0.01 * (1 + next()), 0.5] },
      { name: 'b', requests: 10 + next() / 4 },
      { name: 'a -> b', requests: 1 + next(), edge: ['service:////a', 'service:////b'] },
    ])
    pieces.push({ pane, batch: traces, mayRepeat: false })
    pieces.push({ pane, batch: logPane(pane, 'a', 1 + next(), next()), mayRepeat: false })
    if (pane % 3 !== 0) continue
    for (const name of ['p1', 'p2']) {
      cpu += next()
      network += 1_000 * next()
      const timeUnixNano = tick(pane) - BigInt(1 + next()) * 100_000_000n
      const batch = metrics((to) =>
        to
          .resource({ ...service('a'), 'k8s.pod.name': name, 'service.version': '1' })
          .sum('process.cpu.time', [{ value: cpu % 100, timeUnixNano }], { monotonic: true })
          .gauge('k8s.pod.memory_limit_utilization', [{ value: next() / 100, timeUnixNano }])
          .resource({ 'k8s.node.name': name })
          .sum('system.network.io', [{ value: network, timeUnixNano }], { monotonic: true }),
      )
      pieces.push({ pane, batch, mayRepeat: true })
    }
  }
  return pieces
}

/** What was emitted last of each feature and tick. */
async function featuresOf(pieces: readonly Piece[]): Promise<Map<string, number>> {
  const { take, emitted } = await open('lateness: 1m')
  for (const { batch } of pieces) await take(batch)
  const values = new Map<string, number>()
  for (const batch of emitted())
    for (const { metric, timeUnixNano, attributes, value } of batch) {
      const pane = Number(timeUnixNano - start) / 1e10
      // Before, the one who began later knows less; marks are of the moment in which they are made.
      if (pane < 8 || pane > panesOfWorld || /feature|signal|calendar/.test(metric.name)) continue
      values.set(JSON.stringify([pane, metric.name, [...attributes.entries()]]), numberOf(value))
    }
  return values
}

function assertSame(seen: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  assert.ok(expected.size > 1_000)
  const different = [...new Set([...seen.keys(), ...expected.keys()])].filter((key) => {
    const [one = Number.NaN, other = Number.NaN] = [seen.get(key), expected.get(key)]
    return !(Math.abs(one - other) <= 1e-5 * Math.max(1e-3, Math.abs(other)))
  })
  assert.deepEqual(
    different.slice(0, 5).map((key) => [key, expected.get(key), seen.get(key)]),
    [],
  )
}

/** In the order of the time at which they come: late by up to five panes, those of the end in order. */
function late(pieces: readonly Piece[], delays: readonly number[]): Piece[] {
  return pieces
    .map((piece, i) => ({ piece, at: piece.pane + (piece.pane < panesOfWorld ? delays[i % delays.length]! : 5), i }))
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ piece }) => piece)
}

const numbers = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 7, maxLength: 40 })
const delays = fc.array(fc.double({ min: 0, max: 4.9, noNaN: true }), { minLength: 5, maxLength: 60 })

test('late and out-of-order data give the features of ordered data', async () => {
  await fc.assert(
    fc.asyncProperty(numbers, delays, async (of, by) => {
      const pieces = world(of)
      assertSame(await featuresOf(late(pieces, by)), await featuresOf(pieces))
    }),
    { numRuns: 5 },
  )
})

test('scraped metrics that come twice, or once more later, give the features of those that come once', async () => {
  await fc.assert(
    fc.asyncProperty(numbers, delays, async (of, by) => {
      const pieces = world(of)
      const again = pieces.flatMap((piece) => (piece.mayRepeat ? [piece, { ...piece, pane: piece.pane + 1 }] : [piece]))
      assertSame(await featuresOf(late(again, by)), await featuresOf(pieces))
    }),
    { numRuns: 5 },
  )
})
