import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, fromChunks, noOrigin } from './batch.ts'
import { comparable, decode, otlpRequest } from './otlp.arbitrary.ts'
import { readOtlp } from './read-otlp.ts'
import { referenceItems, referenceSelect } from './reference-batch.ts'
import type { In, Logs, Metrics, Traces } from './telemetry.ts'

const signals = ['traces', 'logs', 'metrics'] as const
type ItemSignal = (typeof signals)[number]
/** The operations without the types of their items, so that one test does for all signals. */
interface Any {
  readonly count: number
  readonly byteLength: number
  readonly chunks: readonly Uint8Array[]
  filter(keep: (item: In) => boolean): Any
  groupBy(by: (item: In) => string): Map<string, Any>
  slices(maxItems: number): Iterable<Any>
  compact(): Any
  [Symbol.iterator](): Iterator<In>
}
const runs = { numRuns: 150 }

function read(signal: ItemSignal, bytes: Uint8Array): Any {
  return readOtlp(signal, bytes, 'proto', noOrigin) as unknown as Any
}
function decoded(signal: ItemSignal, batch: Any): unknown {
  return comparable(decode(signal, batch.chunks))
}
function items(signal: ItemSignal, batch: Any): unknown[] {
  return batch.chunks.flatMap((chunk) =>
    referenceItems(signal, decode(signal, [chunk])).map(({ item }) => comparable(item)),
  )
}
const choices = fc.infiniteStream(fc.nat({ max: 3 }))

for (const signal of signals) {
  describe(signal, () => {
    it('counts what protobufjs counts', () => {
      fc.assert(
        fc.property(otlpRequest(signal), (bytes) => {
          const batch = read(signal, bytes)
          assert.equal(batch.count, referenceItems(signal, decode(signal, [bytes])).length)
          assert.equal([...batch].length, batch.count)
          assert.equal(batch.byteLength, bytes.length)
        }),
        runs,
      )
    })

    it('filter keeps exactly what it is told, unknown fields included, and drops what is empty then', () => {
      fc.assert(
        fc.property(otlpRequest(signal), choices, (bytes, stream) => {
          const batch = read(signal, bytes)
          const keep = Array.from({ length: batch.count }, () => stream.next().value > 0)
          let i = 0
          const left = batch.filter(() => keep[i++]!)
          if (keep.every(Boolean)) return assert.equal(left, batch)
          const kept = new Set([...keep.keys()].filter((k) => keep[k]))
          assert.equal(left.count, kept.size)
          const expected = referenceSelect(signal, bytes, kept)
          if (expected === undefined) assert.deepEqual(left.chunks, [])
          else assert.deepEqual(decoded(signal, left), expected)
        }),
        runs,
      )
    })

    it('slices are full but for the last, in order, each with its headers', () => {
      fc.assert(
        fc.property(otlpRequest(signal), fc.integer({ min: 1, max: 5 }), (bytes, size) => {
          const batch = read(signal, bytes)
          const slices = [...batch.slices(size)]
          if (batch.count <= size) return assert.deepEqual(slices, [batch])
          for (const [k, slice] of slices.entries()) {
            const range = Array.from({ length: slice.count }, (_, i) => k * size + i)
            assert.deepEqual(decoded(signal, slice), referenceSelect(signal, bytes, new Set(range)))
            assert.equal(slice.count, Math.min(size, batch.count - k * size))
          }
        }),
        runs,
      )
    })

    it('slices, filter and groupBy work across chunks', () => {
      fc.assert(
        fc.property(fc.array(otlpRequest(signal), { minLength: 2, maxLength: 3 }), choices, (requests, stream) => {
          const all = concat<ItemSignal>(
            signal,
            requests.map((bytes) => readOtlp<ItemSignal>(signal, bytes, 'proto', noOrigin)),
          ) as unknown as Any
          const expected = items(signal, all)
          assert.equal(all.count, expected.length)
          assert.deepEqual(
            [...all.slices(2)].flatMap((slice) => items(signal, slice)),
            expected,
          )
          const names = expected.map(() => String(stream.next().value))
          let i = 0
          const groups = all.groupBy(() => names[i++]!)
          for (const [name, group] of groups) {
            assert.deepEqual(
              items(signal, group),
              expected.filter((_, k) => names[k] === name),
            )
          }
          assert.equal(
            [...groups.values()].reduce((sum, group) => sum + group.count, 0),
            all.count,
          )
          assert.deepEqual(items(signal, all.compact()), expected)
        }),
        { numRuns: 60 },
      )
    })

    it('groupBy with one group answers the batch itself', () => {
      fc.assert(
        fc.property(otlpRequest(signal), (bytes) => {
          const batch = read(signal, bytes)
          for (const group of batch.groupBy(() => 'all').values()) assert.equal(group, batch)
        }),
        { numRuns: 30 },
      )
    })
  })
}

it('groupByTrace gives each trace its spans, in order of first appearance, over chunks', () => {
  fc.assert(
    fc.property(fc.array(otlpRequest('traces'), { maxLength: 3 }), (requests) => {
      const batch = concat(
        'traces',
        requests.map((bytes) => readOtlp('traces', bytes, 'proto', noOrigin)),
      )
      const expected = new Map<string, string[]>()
      for (const span of batch) expected.set(span.traceId, [...(expected.get(span.traceId) ?? []), span.spanId])
      const got = [...batch.groupByTrace()].map(({ traceId, spans }) => [traceId, [...spans].map((s) => s.spanId)])
      assert.deepEqual(got, [...expected])
    }),
    { numRuns: 60 },
  )
})

it('concat keeps the chunks as they are and takes what all origins have in common, or the one given', () => {
  const bytes = Uint8Array.of(10, 0)
  const origin = { ...noOrigin, address: '10.0.0.1:4317' }
  const one = fromChunks('logs', [bytes], [0], origin)
  const two = fromChunks('logs', [Uint8Array.of(10, 0)], [0])
  const both: Logs = concat('logs', [one, two])
  assert.equal(both.chunks[0], bytes)
  assert.deepEqual(both.origin, { metadata: new Map() })
  assert.equal(concat('logs', [one, fromChunks('logs', [bytes], [0], origin)]).origin, origin)
  assert.equal(concat('logs', [one, two], noOrigin).origin, noOrigin)
  assert.equal(concat('logs', [one]), one)
  assert.equal(concat('logs', []).count, 0)
})

it('retainedBytes counts a shared buffer once, and compact lets go of it', () => {
  const slab = new Uint8Array(1000)
  slab.set([10, 0], 0)
  slab.set([10, 0], 500)
  const batch: Traces = fromChunks('traces', [slab.subarray(0, 2), slab.subarray(500, 502)], [0, 0])
  assert.equal(batch.retainedBytes, 1000)
  assert.equal(batch.compact().retainedBytes, 4)
  assert.equal(batch.compact().compact().byteLength, 4)
  const tight: Metrics = fromChunks('metrics', [Uint8Array.of(10, 0)], [0])
  assert.equal(tight.compact(), tight)
})

it('profiles are sliced between profiles, each slice with the dictionary', () => {
  fc.assert(
    fc.property(otlpRequest('profiles'), (bytes) => {
      const batch = readOtlp('profiles', bytes, 'proto', noOrigin)
      const slices = [...batch.slices(2)]
      if (batch.count <= 2) return assert.deepEqual(slices, [batch])
      assert.equal(
        slices.reduce((sum, slice) => sum + slice.count, 0),
        batch.count,
      )
      const dictionary = comparable(decode('profiles', [bytes])['dictionary'])
      const profiles = (chunk: Uint8Array) =>
        referenceItems('profiles', decode('profiles', [chunk])).map((p) => comparable(p.item))
      for (const { chunks } of slices) {
        for (const chunk of chunks) assert.deepEqual(comparable(decode('profiles', [chunk])['dictionary']), dictionary)
      }
      assert.deepEqual(
        slices.flatMap((slice) => slice.chunks.flatMap(profiles)),
        profiles(bytes),
      )
    }),
    { numRuns: 60 },
  )
})

it('slices of less than one item are refused', () => {
  assert.throws(() => [...fromChunks('logs', [], []).slices(0)], /use 1 or more/)
})
