import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import fc from 'fast-check'
import { Rejected } from '../../component.ts'
import { sharedPath, skipWithout } from '../../testing/shared-files.ts'
import { referenceType } from '../proto/reference.ts'
import type { Signal } from '../telemetry.ts'
import { readJson } from './read-json.ts'

const encode = (text: string) => new TextEncoder().encode(text)

function objectOf(signal: Signal, bytes: Uint8Array): unknown {
  const type = referenceType(signal)
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, json: true })
}
function read(signal: Signal, value: unknown): unknown {
  return objectOf(signal, readJson(signal, encode(typeof value === 'string' ? value : JSON.stringify(value))))
}
/** A request with one span, and that span read back. */
function span(fields: string): Record<string, unknown> {
  const request = read('traces', `{"resourceSpans":[{"scopeSpans":[{"spans":[${fields}]}]}]}`) as {
    resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[]
  }
  return request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!
}
function attribute(value: string): unknown {
  const [entry] = span(`{"attributes":[{"key":"k","value":${value}}]}`)['attributes'] as { value: unknown }[]
  return entry!.value
}

suite('what is read', () => {
  test('both spellings of a name mean the same field', () => {
    assert.deepEqual(span('{"start_time_unix_nano":"7","dropped_links_count":2}'), {
      startTimeUnixNano: '7',
      droppedLinksCount: 2,
    })
    assert.deepEqual(span('{"startTimeUnixNano":"7","droppedLinksCount":2}'), {
      startTimeUnixNano: '7',
      droppedLinksCount: 2,
    })
  })

  test('a name may be written with escapes', () => {
    assert.deepEqual(span(String.raw`{"n\u0061me":"x"}`), { name: 'x' })
  })

  test('ids are hex in any case, an empty or all-zero id is none', () => {
    const traceId = Buffer.from('0AF7651916cd43dd8448eb211c80319C', 'hex').toString('base64')
    assert.deepEqual(span('{"traceId":"0AF7651916cd43dd8448eb211c80319C","spanId":""}'), { traceId })
    assert.deepEqual(span('{"traceId":"00000000000000000000000000000000","spanId":"0000000000000000"}'), {})
  })

  test('64-bit integers keep every digit, as number and as string', () => {
    for (const digits of ['9007199254740993', '1700000000123456789', '18446744073709551615', '0', '4294967296']) {
      const wanted = digits === '0' ? {} : { startTimeUnixNano: digits }
      assert.deepEqual(span(`{"startTimeUnixNano":${digits}}`), wanted)
      assert.deepEqual(span(`{"startTimeUnixNano":"${digits}"}`), wanted)
    }
    for (const digits of ['-9223372036854775808', '9223372036854775807', '-1', '0', '-4294967296']) {
      assert.deepEqual(attribute(`{"intValue":${digits}}`), { intValue: digits })
      assert.deepEqual(attribute(`{"intValue":"${digits}"}`), { intValue: digits })
    }
  })

  test('enumerations are numbers or names', () => {
    assert.equal(span('{"kind":3}')['kind'], 3)
    assert.equal(span('{"kind":"SPAN_KIND_CLIENT"}')['kind'], 3)
    assert.equal(span('{"kind":77}')['kind'], 77)
  })

  test('doubles may be strings, NaN and infinities', () => {
    assert.deepEqual(attribute('{"doubleValue":"NaN"}'), { doubleValue: 'NaN' })
    assert.deepEqual(attribute('{"doubleValue":"-Infinity"}'), { doubleValue: '-Infinity' })
    assert.deepEqual(attribute('{"doubleValue":"1.5e3"}'), { doubleValue: 1500 })
    assert.deepEqual(attribute('{"doubleValue":-0.1}'), { doubleValue: -0.1 })
  })

  test('bytes are base64, padded or not', () => {
    for (const text of ['AQID/w==', 'AQID/w', 'AQID_w']) {
      assert.deepEqual(attribute(`{"bytesValue":"${text}"}`), { bytesValue: 'AQID/w==' })
    }
  })

  test('null is absent, unknown fields are ignored whatever they hold', () => {
    assert.deepEqual(span('{"name":null,"kind":null,"attributes":null,"status":null,"flags":null}'), {})
    assert.deepEqual(span('{"new":{"a":[1,{"b":[]},"\\"}"],"c":null},"name":"x"}'), { name: 'x' })
    assert.deepEqual(read('traces', 'null'), {})
  })

  test('of a value that is set twice the last one counts', () => {
    assert.deepEqual(attribute('{"stringValue":"a","intValue":"1"}'), { intValue: '1' })
    assert.deepEqual(attribute('{"arrayValue":{"values":[{"intValue":1}]},"arrayValue":{}}'), { arrayValue: {} })
    assert.deepEqual(span('{"kind":3,"kind":0,"name":"a","name":"b"}'), { name: 'b' })
  })

  test('half of a surrogate pair becomes U+FFFD, a whole pair its character', () => {
    assert.equal(span(String.raw`{"name":"a\ud800b"}`)['name'], 'a\ufffdb')
    assert.equal(span(String.raw`{"name":"\udc00\ud83d\ude00\ud83d"}`)['name'], '\ufffd😀\ufffd')
  })

  test('a Buffer that lies within a larger one is read from its own bytes', () => {
    const pooled = Buffer.from(' {"resourceSpans":[]} ').subarray(1, -1)
    assert.equal(readJson('traces', pooled).length, 0)
  })
})

suite('what is refused', () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '', /expected an object, found the end of the text \(byte 0\)/],
    ['a list', '[]', /expected an object, found '\[' \(byte 0\)/],
    ['a truncated request', '{"resourceSpans":[{', /resourceSpans\[0\].*found the end of the text \(byte 19\)/],
    ['text behind the request', '{} {}', /expected the end of the text, found '\{' \(byte 3\)/],
    ['a raw line feed in a string', '{"a":"\n"}', /control characters in strings must be escaped \(byte 6\)/],
    ['an unknown escape', String.raw`{"resourceSpans":[{"schemaUrl":"\x"}]}`, /no such escape/],
    ['a string without end', '{"a":"b', /the text ends within a string/],
    ['a backslash at the end', '{"a":"b\\', /the text ends within a string/],
    ['half an escape', String.raw`{"resourceSpans":[{"schemaUrl":"\u00"}]}`, /four hex digits/],
    ['a word that is none', '{"a":nul}', /expected null/],
    ['a missing comma', '{"a":1 "b":2}', /expected , or \}/],
    ['a leading zero', '{"a":01}', /must not start with 0/],
    ['an unquoted name', '{a:1}', /a field name in double quotes/],
  ]
  for (const [what, text, error] of refused) {
    test(`${what}, with its byte`, () => {
      assert.throws(
        () => readJson('traces', encode(text)),
        (thrown) => {
          assert.ok(thrown instanceof Rejected)
          assert.equal(thrown.retryable, false)
          assert.equal(thrown.grpcCode, 3)
          assert.match(thrown.message, error)
          return true
        },
      )
    })
  }

  const values: readonly (readonly [string, RegExp])[] = [
    ['{"name":1}', /spans\[0\].name: expected a string, found '1'/],
    ['{"traceId":"abc"}', /traceId: expected 32 hex digits, found 3 characters/],
    ['{"spanId":"zzzzzzzzzzzzzzzz"}', /spanId: expected 16 hex digits, found 'zz/],
    ['{"kind":"CLIENT"}', /kind: no such value: "CLIENT"/],
    ['{"startTimeUnixNano":-1}', /fit into 64 bits without a sign/],
    ['{"startTimeUnixNano":18446744073709551616}', /does not fit into 64 bits/],
    [`{"startTimeUnixNano":${'9'.repeat(1000)}}`, /does not fit into 64 bits/],
    ['{"startTimeUnixNano":1.5}', /expected an integer, found 1.5/],
    ['{"startTimeUnixNano":"1e3"}', /expected an integer/],
    ['{"flags":4294967296}', /32 bits without a sign/],
    ['{"kind":2147483648}', /32 bits with a sign/],
    ['{"attributes":{}}', /attributes: expected an array/],
    ['{"attributes":[{"value":{"boolValue":"true"}}]}', /attributes\[0\].value.boolValue: expected true or false/],
    ['{"attributes":[{"value":{"doubleValue":1e999}}]}', /out of range/],
    ['{"attributes":[{"value":{"doubleValue":"x"}}]}', /expected a number, found "x"/],
    ['{"attributes":[{"value":{"intValue":"9223372036854775808"}}]}', /64 bits with a sign/],
    ['{"attributes":[{"value":{"bytesValue":"!"}}]}', /expected base64/],
  ]
  for (const [fields, error] of values) {
    test(`${fields.slice(0, 60)}, with its path`, () => {
      assert.throws(() => span(fields), error)
    })
  }

  test('values that nest too deeply, known and unknown ones, without exhausting the stack', () => {
    const nested = (depth: number) => `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`
    attribute(nested(40))
    assert.throws(() => attribute(nested(60)), /nest deeper than 100 levels/)
    assert.throws(() => attribute(nested(100_000)), /nest deeper than 100 levels/)
    readJson('traces', encode(`{"new":${'['.repeat(9_000)}${']'.repeat(9_000)}}`))
    assert.throws(() => readJson('traces', encode(`{"new":${'['.repeat(1_000_000)}`)), /deeper than 10000/)
  })

  test('any cut of a valid request is refused as broken, never as a bug', () => {
    const text = encode('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\u00e9","kind":2,"flags":3}]}]}]}')
    for (let length = 0; length < text.length; length++) {
      assert.throws(() => readJson('traces', text.subarray(0, length)), Rejected)
    }
  })

  test('any bytes are read or refused, never a bug', () => {
    const fragment = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '\\u', '1', '-', '.', 'e', 'null', 'true')
    const word = fc.constantFrom(
      '"resourceSpans"',
      '"scopeSpans"',
      '"spans"',
      '"attributes"',
      '"value"',
      '"key"',
      '"kind"',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(fragment, word, fc.string()), { maxLength: 30 }), (parts) => {
        try {
          readJson('traces', encode(parts.join('')))
        } catch (error) {
          assert.ok(error instanceof Rejected, String(error))
        }
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readJson('logs', bytes)
        } catch (error) {
          assert.ok(error instanceof Rejected, String(error))
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

suite('beside other readers', () => {
  test('the payload of the JavaScript SDK gives the bytes of its own protobuf serializer', () => {
    const spans = [readableSpan()] as unknown as Parameters<typeof JsonTraceSerializer.serializeRequest>[0]
    const json = JsonTraceSerializer.serializeRequest(spans)!
    const proto = ProtobufTraceSerializer.serializeRequest(spans)!
    assert.deepEqual(objectOf('traces', readJson('traces', json)), objectOf('traces', proto))
  })

  const example = sharedPath('corpus/golden/otlp_proto_examples/metrics.json')
  test('the examples of opentelemetry-proto read as protobufjs reads them', { skip: skipWithout(example) }, () => {
    const text = readFileSync(example)
    const type = referenceType('metrics')
    const wanted = type.toObject(type.fromObject(JSON.parse(String(text)) as object), {
      longs: String,
      bytes: String,
      json: true,
    })
    assert.deepEqual(objectOf('metrics', readJson('metrics', text)), wanted)
  })

  test('what protobufjs writes as JSON is read back to the same message', () => {
    const text = fc.string({ unit: 'grapheme' })
    const value = fc.oneof(
      fc.record({ stringValue: text }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
      // JSON.stringify makes 0 of -0.
      fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0) }),
    )
    const attributes = fc.array(fc.record({ key: text, value }), { maxLength: 4 })
    const time = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String)
    const record = fc.record(
      { timeUnixNano: time, severityNumber: fc.integer({ min: 1, max: 24 }), body: value, attributes, eventName: text },
      { requiredKeys: [] },
    )
    const type = referenceType('logs')
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), (logRecords) => {
        const request = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
        const wanted = objectOf('logs', type.encode(type.fromObject(request)).finish())
        assert.deepEqual(dropEmpty(read('logs', request)), dropEmpty(wanted))
      }),
      { numRuns: 300 },
    )
  })
})

/** protobufjs writes empty texts that were set; we leave them out, which is the same message. */
function dropEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropEmpty)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, of]) => !(of === '' && (key === 'key' || key === 'eventName')))
  return Object.fromEntries(entries.map(([key, of]) => [key, dropEmpty(of)]))
}

function readableSpan(): object {
  const context = (spanId: string) => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId, traceFlags: 1 })
  const resource = { attributes: { 'service.name': 'shop', many: ['a', 1, true] }, asyncAttributesPending: false }
  return {
    name: 'GET /é',
    kind: 1,
    spanContext: () => context('b7ad6b7169203331'),
    parentSpanContext: context('00f067aa0ba902b7'),
    startTime: [1_700_000_000, 123_456_789],
    endTime: [1_700_000_001, 1],
    status: { code: 2, message: 'no "way"' },
    attributes: { 'http.status': 200, ratio: 0.25, ok: true, list: ['x', 'y'] },
    links: [{ context: context('00f067aa0ba902b8'), attributes: { a: 1 } }],
    events: [{ name: 'e', time: [1_700_000_000, 5], attributes: { b: 'c' } }],
    duration: [0, 1],
    ended: true,
    resource,
    instrumentationScope: { name: 'lib', version: '1.0.0' },
    droppedAttributesCount: 0,
    droppedEventsCount: 1,
    droppedLinksCount: 0,
  }
}
