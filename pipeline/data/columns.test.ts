import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, noOrigin } from './batch.ts'
import { newMetrics } from './builders.ts'
import { absent, newDictionary } from './dictionary.ts'
import { gauges } from './gauges.ts'
import { otlpRequest } from './otlp.arbitrary.ts'
import { pointTypes } from './point-columns.ts'
import { readOtlp } from './read-otlp.ts'
import type { Dictionary, In, Span } from './telemetry.ts'
import { asText, double, isDouble, key } from './value.ts'

const names = ['a', 'service.name', 'http.route'].map(key)
const time = (lo: Uint32Array, hi: Uint32Array, row: number) => (BigInt(hi[row]!) << 32n) | BigInt(lo[row]!)
const words = (column: Uint32Array, row: number, each: number) =>
  Buffer.from(column.buffer, column.byteOffset + row * each * 4, each * 4).toString('hex')
const id = (hex: string, bytes: number) => hex || '00'.repeat(bytes)

/** The texts of the plan's columns of one row, and what the view says. */
function attributeTexts(
  dictionary: Dictionary,
  of: { attribute(key: (typeof names)[number]): Uint32Array },
  row: number,
) {
  return names.map((name) => {
    const value = of.attribute(name)[row]!
    return value === absent ? undefined : dictionary.text(value)
  })
}
function expectedTexts(item: In & Pick<Span, 'attributes'>) {
  return names.map((name) => {
    const value = item.attributes.get(name) ?? (item.attributes.has(name) ? null : item.resource.attributes.get(name))
    return value === undefined ? undefined : asText(value)
  })
}
function requests<S extends 'traces' | 'logs' | 'metrics'>(signal: S) {
  return fc.array(otlpRequest(signal), { minLength: 1, maxLength: 3 }).map((list) =>
    concat(
      signal,
      list.map((bytes) => readOtlp(signal, bytes, 'proto', noOrigin)),
    ),
  )
}

describe('columns', () => {
  it('of spans say what the views say', () => {
    fc.assert(
      fc.property(requests('traces'), (batch) => {
        const dictionary = newDictionary(10_000)
        const columns = batch.columns({ dictionary, attributes: names, resource: names, traceState: true })
        const spans = [...batch]
        assert.equal(columns.length, spans.length)
        for (const [row, span] of spans.entries()) {
          const nanos = Number(span.endUnixNano - span.startUnixNano)
          assert.deepEqual(
            {
              name: dictionary.text(columns.name[row]!),
              kind: columns.kind[row],
              status: columns.status[row],
              time: time(columns.timeLo, columns.timeHi, row),
              ids: [words(columns.traceId, row, 4), words(columns.spanId, row, 2), words(columns.parentId, row, 2)],
              traceState: dictionary.text(columns.traceState[row]!),
              attributes: attributeTexts(dictionary, columns, row),
            },
            {
              name: span.name,
              kind: span.kind & 255,
              status: span.status.code & 255,
              time: span.startUnixNano,
              ids: [id(span.traceId, 16), id(span.spanId, 8), id(span.parentSpanId, 8)],
              traceState: span.traceState,
              attributes: expectedTexts(span),
            },
          )
          assert.ok(Math.abs(columns.durationNanos[row]! - Math.max(0, nanos)) <= Math.abs(nanos) * 1e-15 + 1)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('of log records say what the views say', () => {
    fc.assert(
      fc.property(requests('logs'), (batch) => {
        const dictionary = newDictionary(10_000)
        const columns = batch.columns({ dictionary, attributes: names, resource: names })
        const hashes = new Map<string, number>()
        for (const [row, record] of [...batch].entries()) {
          assert.equal(time(columns.timeLo, columns.timeHi, row), record.timeUnixNano || record.observedUnixNano)
          assert.equal(columns.severity[row], record.severityNumber & 255)
          assert.deepEqual(attributeTexts(dictionary, columns, row), expectedTexts(record))
          if (typeof record.body !== 'string') continue
          assert.equal(hashes.get(record.body) ?? columns.bodyHash[row], columns.bodyHash[row])
          hashes.set(record.body, columns.bodyHash[row]!)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('of points say what the views say', () => {
    fc.assert(
      fc.property(requests('metrics'), (batch) => {
        const dictionary = newDictionary(10_000)
        const columns = batch.columns({ dictionary, series: newDictionary(10_000), attributes: names, resource: names })
        for (const [row, point] of [...batch].entries()) {
          const value = point.distribution === undefined ? point.value : point.distribution.sum
          const number = value === undefined ? Number.NaN : Number(isDouble(value) ? value.double : value)
          assert.deepEqual(columns.value[row], number)
          assert.equal(pointTypes[columns.type[row]!], point.metric.type)
          assert.equal(time(columns.timeLo, columns.timeHi, row), point.timeUnixNano)
          assert.deepEqual(attributeTexts(dictionary, columns, row), expectedTexts(point))
        }
      }),
      { numRuns: 100 },
    )
  })

  it('series are the same for the same identity, whatever the order of attributes or the sender', () => {
    const one = (attributes: Record<string, string>, value: number, service = 'cart', name = 'm') =>
      newMetrics().resource({ 'service.name': service }).scope('s').gauge(name, [{ value, attributes }]).build()
    const all = concat('metrics', [
      one({ a: '1', b: '2' }, 1),
      one({ b: '2', a: '1' }, 2),
      one({ a: '1', b: '2' }, 3),
      one({ a: '1' }, 4),
      one({ a: '1', b: '2' }, 5, 'checkout'),
      one({ a: '1', b: '2' }, 6, 'cart', 'n'),
    ])
    const series = newDictionary(100)
    const columns = all.columns({ dictionary: newDictionary(10), series })
    assert.deepEqual([...columns.series], [1, 1, 1, 2, 3, 4])
  })

  it('are scanned once for a plan', () => {
    const batch = newMetrics()
      .gauge('g', [{ value: 1 }])
      .build()
    const plan = { dictionary: newDictionary(10), series: newDictionary(10) }
    assert.equal(batch.columns(plan), batch.columns(plan))
    assert.notEqual(batch.columns(plan), batch.columns({ ...plan }))
    assert.throws(() => batch.columns(plan).attribute(key('nope')), /does not name the attribute nope/)
  })
})

describe('a dictionary', () => {
  it('gives each text its number, and 0 to what finds it full', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 })), fc.integer({ min: 1, max: 20 }), (texts, limit) => {
        const dictionary = newDictionary(limit)
        const known = new Map<string, number>()
        let overflows = 0
        for (const text of texts) {
          const wellFormed = text.toWellFormed()
          if (!known.has(wellFormed) && known.size < limit) known.set(wellFormed, known.size + 1)
          if (!known.has(wellFormed)) overflows++
          assert.equal(dictionary.id(text), known.get(wellFormed) ?? 0)
        }
        for (const [text, number] of known) assert.equal(dictionary.text(number), text)
        assert.deepEqual([dictionary.size, dictionary.overflows, dictionary.limit], [known.size, overflows, limit])
        assert.deepEqual([dictionary.text(0), dictionary.text(absent)], ['', ''])
      }),
    )
  })

  it('is bounded in bytes too', () => {
    const dictionary = newDictionary(10)
    assert.equal(dictionary.id('x'.repeat(100_000)), 0)
    assert.equal(dictionary.overflows, 1)
  })
})

describe('gauges', () => {
  it('are columns first, and become bytes with the series they were read from', () => {
    const series = newDictionary(100)
    const plan = { dictionary: newDictionary(100), series }
    const source = newMetrics()
      .resource({
        'service.name': 'cart',
        replicas: 3,
        ratio: double(2),
        blob: Uint8Array.of(1, 2),
        map: { a: [1, null, true] },
      })
      .scope('features', { version: '1', attributes: { x: 0.5 } })
      .gauge(
        'vigil.request.rate',
        [
          { value: 1, attributes: { window: '1m' } },
          { value: 2, attributes: { window: '5m', n: 2n ** 60n } },
        ],
        { unit: '1/s' },
      )
      .build()
    const { series: ids } = source.columns(plan)
    const timeUnixNano = 1_732_358_400_000_000_001n
    const made = gauges({
      series: Uint32Array.from([...ids, 0]),
      value: Float64Array.of(0.5, 7, 9),
      timeUnixNano,
      plan,
    })
    assert.equal(made.count, 2, 'a series that overflowed cannot be named and is left out')
    assert.deepEqual([...made.columns(plan).value], [0.5, 7])
    const points = [...made]
    assert.deepEqual(
      points.map((p) => [p.value, p.timeUnixNano, [...p.attributes.entries()]]),
      [
        [0.5, timeUnixNano, [['window', '1m']]],
        [
          double(7),
          timeUnixNano,
          [
            ['n', 2n ** 60n],
            ['window', '5m'],
          ],
        ],
      ],
    )
    const [before] = source
    assert.deepEqual(
      Object.fromEntries(points[0]!.resource.attributes.entries()),
      Object.fromEntries(before!.resource.attributes.entries()),
    )
    assert.deepEqual(
      [points[0]!.metric.name, points[0]!.metric.unit, points[0]!.scope.version],
      ['vigil.request.rate', '1/s', '1'],
    )
    assert.deepEqual([...made.columns({ ...plan }).series], [...ids], 'the bytes have the same identity')
  })
})
