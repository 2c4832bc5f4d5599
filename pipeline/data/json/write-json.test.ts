import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Rejected } from '../../component.ts'
import { referenceType } from '../proto/reference.ts'
import type { Signal } from '../telemetry.ts'
import { readJson } from './read-json.ts'
import { writeJsonBytes } from './write-json.ts'

interface Recorded {
  readonly signal: Signal
  readonly proto: string
  readonly json: string
}
/** Real outputs of the Go Collector's pdata 1.71.0 JSON marshalers, for its own test data and for random messages. */
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata/pdata.json'), 'utf8'),
) as readonly Recorded[]

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))
const write = (signal: Signal, ...chunks: readonly Uint8Array[]) => String(Buffer.from(writeJsonBytes(signal, chunks)))
const encode = (signal: Signal, message: object) => {
  const type = referenceType(signal)
  return new Uint8Array(type.encode(type.fromObject(message)).finish())
}

suite('JSON as upstream writes it', () => {
  for (const [index, { signal, proto, json }] of recorded.entries()) {
    test(`recorded case ${index} (${signal}) is written byte for byte`, () => {
      assert.equal(write(signal, bytesOf(proto)), json)
    })
    test(`recorded case ${index} (${signal}) is read back to what it was written from`, () => {
      assert.equal(write(signal, readJson(signal, new TextEncoder().encode(json))), json)
    })
  }

  test('nothing is an empty object', () => {
    assert.equal(write('traces'), '{}')
    assert.equal(write('traces', new Uint8Array(0)), '{}')
    assert.equal(write('profiles'), '{"dictionary":{}}')
  })

  test('several chunks are one request', () => {
    const one = encode('traces', { resourceSpans: [{ schemaUrl: 'a' }] })
    const two = encode('traces', { resourceSpans: [{ schemaUrl: 'b' }] })
    const wanted = '{"resourceSpans":[{"resource":{},"schemaUrl":"a"},{"resource":{},"schemaUrl":"b"}]}'
    assert.equal(write('traces', one, two), wanted)
  })

  test('doubles are formatted as Go does', () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, '0'],
      [-0, '-0'],
      [1e20, '100000000000000000000'],
      [1e21, '1e+21'],
      [1e-6, '0.000001'],
      [1.5e-7, '1.5e-07'],
      [1e-10, '1e-10'],
      [Number.NaN, '"NaN"'],
      [Number.NEGATIVE_INFINITY, '"-Infinity"'],
      [5e-324, '5e-324'],
      [123456789012345680, '123456789012345680'],
    ]
    for (const [value, text] of cases) {
      const body = { doubleValue: value }
      const chunk = encode('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body }] }] }] })
      assert.match(write('logs', chunk), new RegExp(`"doubleValue":${text.replace('+', '\\+')}}`))
    }
  })
})

suite('wire forms', () => {
  test('a message that stands in pieces is put together', () => {
    // ResourceSpans with resource {attributes: [a]} and again {droppedAttributesCount: 1}.
    const chunk = Uint8Array.of(
      0x0a,
      0x0d,
      0x0a,
      0x07,
      0x0a,
      0x05,
      0x0a,
      0x01,
      0x61,
      0x12,
      0x00,
      0x0a,
      0x02,
      0x10,
      0x01,
    )
    const resource = '{"attributes":[{"key":"a","value":{}}],"droppedAttributesCount":1}'
    assert.equal(write('traces', chunk), `{"resourceSpans":[{"resource":${resource}}]}`)
  })

  test('packed and unpacked numbers mix', () => {
    // Buckets.bucket_counts: 1, 2 packed, then 3 alone, then 4 packed.
    const buckets = Uint8Array.of(0x12, 2, 1, 2, 0x10, 3, 0x12, 1, 4)
    const point = Uint8Array.of(0x42, buckets.length, ...buckets)
    const histogram = Uint8Array.of(0x0a, point.length, ...point)
    const metric = Uint8Array.of(0x52, histogram.length, ...histogram)
    const scope = Uint8Array.of(0x12, metric.length, ...metric)
    const resource = Uint8Array.of(0x12, scope.length, ...scope)
    const chunk = Uint8Array.of(0x0a, resource.length, ...resource)
    assert.match(write('metrics', chunk), /"positive":\{"bucketCounts":\["1","2","3","4"\]\}/)
  })

  test('unknown fields are left out', () => {
    const chunk = Uint8Array.of(0x0a, 0x05, 0xfa, 0x01, 0x02, 1, 2, 0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8)
    assert.equal(write('traces', chunk), '{"resourceSpans":[{"resource":{}}]}')
  })

  test('broken bytes are refused, never a bug and never endless', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom('traces', 'metrics', 'logs', 'profiles'),
        (bytes, of) => {
          try {
            JSON.parse(write(of, bytes))
          } catch (error) {
            assert.ok(error instanceof Rejected || error instanceof SyntaxError, String(error))
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })
})
