import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { readTopology } from '../topology/read.ts'
import { measureFaults, measureQuiet } from './measure.ts'
import type { Quantity } from './observed.ts'
import { printFindings } from './print.ts'
import { deviationOf, distanceOf, lag1Of, meanOf, medianOf, normalBelow, quantileOf, spikesOf } from './statistics.ts'

const examples = join(import.meta.dirname, '../../../examples/topologies')

/** What is known to be off, by name: when one of these becomes right, it is struck from here; everything else is to stay right. */
const knownToBeOff: Readonly<Record<string, readonly Quantity[]>> = {
  shop: [],
  'services-25': ['operation CV, p90'],
}

/** What wanders over minutes cannot be seen in one; `vigil simulate realism` looks at five. */
const tooShort: ReadonlySet<Quantity> = new Set<Quantity>(['latency lag-1, median', 'latency CV, median'])

for (const [name, off] of Object.entries(knownToBeOff)) {
  test(`a quiet ${name} looks like the systems that were observed, but for what is known to be off`, async () => {
    const topology = await readTopology(join(examples, `${name}.yaml`))
    const findings = measureQuiet({ topology, seed: 1, seconds: 60, worlds: 3 })
    const found = findings
      .filter(({ isInside, quantity }) => !isInside && !tooShort.has(quantity))
      .map(({ quantity }) => quantity)
    assert.deepEqual(found, off, printFindings(findings))
  })
}

/** What one injection of each sort cannot show; twenty do, as `vigil simulate realism examples/topologies/shop.yaml` tells. */
const tooFew: ReadonlySet<Quantity> = new Set<Quantity>([
  'delay fault, end-to-end p90, median',
  'SLI latency effect, median',
  'SLI latency effect, p90',
  'injections with SLI effect',
])

test('one fault of each sort in the shop has the effects that were observed', async () => {
  const topology = await readTopology(join(examples, 'shop.yaml'))
  const findings = measureFaults({ topology, seed: 1, injections: 5 })
  assert.equal(findings.length, 13)
  for (const { quantity, isInside } of findings)
    assert.ok(isInside || tooFew.has(quantity), `${quantity}\n${printFindings(findings)}`)
})

test('the statistics are those of the textbook', () => {
  assert.equal(medianOf([3, 1, 2, 4]), 2.5)
  assert.equal(quantileOf([0, 10], 0.9), 9)
  assert.equal(meanOf([1, 2, 6]), 3)
  assert.equal(deviationOf([2, 4, 4, 4, 5, 5, 7, 9]), 2)
  assert.equal(distanceOf([0.1, 0.5, 0.6], (value) => value).toFixed(3), '0.400')
  for (const [z, below] of [
    [0, 0.5],
    [1.281_552, 0.9],
    [-1.959_964, 0.025],
  ] as const)
    assert.ok(Math.abs(normalBelow(z) - below) < 1e-6, String(z))
  // By hand: ((2-2.5)(1-2.5) + (3-2.5)(2-2.5) + (4-2.5)(3-2.5)) / 5
  assert.equal(lag1Of([1, 2, 3, 4]), 0.25)
  assert.equal(spikesOf([1, 2, 1, 2, 1, 2, 1, 2, 1, 90]), 0.1)
})
