import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, noOrigin } from './batch.ts'
import { newLogs, newMetrics, newTraces, spanEvent, spanLink } from './builders.ts'
import { comparable, type Decoded, decode, otlpRequest } from './otlp.arbitrary.ts'
import { readOtlp } from './read-otlp.ts'
import { list, referenceItems } from './reference-batch.ts'
import type { Distribution, Editable, EditableAttributes, In, Span, Traces, Value } from './telemetry.ts'
import { validate } from './validate.ts'
import { double, key } from './value.ts'

const signals = ['traces', 'logs', 'metrics'] as const
interface Any {
  readonly count: number
  readonly chunks: readonly Uint8Array[]
  edit(change: (item: { readonly attributes: EditableAttributes }) => void): Any
}

type Action = readonly ['set' | 'delete', string, string]
const action: fc.Arbitrary<Action> = fc.tuple(
  fc.constantFrom('set', 'set', 'delete'),
  fc.constantFrom('a', 'service.name', 'new', 'other'),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
)

/** One a key: an attribute that is deleted and set again keeps its old place, which the reference below does not know. */
const actions = fc.uniqueArray(action, { maxLength: 3, selector: ([, name]) => name })

/** What an action does to decoded attributes: the first of equal keys is replaced, the others go. */
function apply(attributes: Decoded[], [what, name, text]: Action): Decoded[] {
  const at = attributes.findIndex((kv) => (kv['key'] ?? '') === name)
  const rest = attributes.filter((kv, i) => (kv['key'] ?? '') !== name || (what === 'set' && i === at))
  if (what === 'delete') return rest
  const now = { key: name, value: { stringValue: text } }
  return at < 0 ? [...rest, now] : rest.map((kv) => ((kv['key'] ?? '') === name ? now : kv))
}

describe('edit', () => {
  for (const signal of signals) {
    it(`${signal}: attributes become what was set, and nothing else changes, unknown fields included`, () => {
      fc.assert(
        fc.property(otlpRequest(signal), fc.array(actions, { minLength: 1 }), (bytes, plans) => {
          const batch = readOtlp<'traces' | 'logs' | 'metrics'>(signal, bytes, 'proto', noOrigin) as unknown as Any
          let i = 0
          const edited = batch.edit(({ attributes }) => {
            for (const [what, name, text] of plans[i++ % plans.length]!) {
              if (what === 'set') attributes.set(name, text)
              else attributes.delete(name)
            }
            const seen = [...attributes.entries()]
            assert.equal(attributes.size, seen.length)
            for (const [name, value] of seen)
              if (['new', 'other'].includes(name)) assert.equal(attributes.get(name), value)
          })
          const expected = decode(signal, [bytes])
          for (const [k, { item }] of referenceItems(signal, expected).entries()) {
            let attributes = list(item, 'attributes')
            for (const one of plans[k % plans.length]!) attributes = apply(attributes, one)
            item['attributes'] = attributes
          }
          assert.deepEqual(comparable(decode(signal, edited.chunks)), comparable(expected))
          assert.equal(edited.count, batch.count)
          if (edited.count > 0) assert.equal(validate(signal, edited.chunks[0]!).items, edited.count)
        }),
        { numRuns: 150 },
      )
    })
  }

  it('gives the same batch when nothing was set, or only what stood there already', () => {
    fc.assert(
      fc.property(otlpRequest('traces'), (bytes) => {
        const batch = readOtlp('traces', bytes, 'proto', noOrigin)
        assert.equal(
          batch.edit((span) => void span.attributes.delete('not there')),
          batch,
        )
        assert.equal(
          batch.editResources((resource) => void resource.attributes.get('x')),
          batch,
        )
        assert.equal(
          batch.editScopes((scope) => void scope.attributes.delete('not there')),
          batch,
        )
      }),
      { numRuns: 50 },
    )
    const batch = newTraces()
      .span({ name: 'a', kind: 2, attributes: { x: 'y' } })
      .build()
    const same = batch.edit((span) => {
      span.name = 'a'
      span.attributes.set('x', 'y')
      span.attributes.set('new', 1)
      span.attributes.delete('new')
    })
    assert.equal(same, batch)
  })

  it('leaves the batch it was called on as it was, and shares its untouched chunks', () => {
    const one = newTraces().span({ name: 'one' }).build()
    const two = newTraces().span({ name: 'two' }).build()
    const both = concat('traces', [one, two])
    const edited = both.edit((span) => {
      if (span.name === 'two') span.name = 'three'
    })
    assert.deepEqual(
      [[...both].map((s) => s.name), [...edited].map((s) => s.name)],
      [
        ['one', 'two'],
        ['one', 'three'],
      ],
    )
    assert.equal(edited.chunks[0], one.chunks[0])
  })

  it('sets every field of a span', () => {
    const change = (span: Editable<Span> & In) => {
      span.traceId = '0102030405060708090a0b0c0d0e0f10'
      span.spanId = '0102030405060708'
      span.parentSpanId = ''
      span.traceState = 'a=b'
      span.name = 'a much longer name than before, so that lengths change: '.repeat(5)
      span.kind = 3
      span.startUnixNano = 1_732_358_400_000_000_001n
      span.endUnixNano = 2n ** 64n - 1n
      span.droppedAttributesCount = 1
      span.droppedEventsCount = 2
      span.droppedLinksCount = 4_294_967_295
      span.flags = 257
      span.status = { code: 2, message: 'no' }
      span.events = [...span.events.slice(1), spanEvent({ name: 'new', timeUnixNano: 5n, attributes: { n: 1 } })]
      span.links = [spanLink({ traceId: '0'.repeat(31).concat('1'), spanId: '0'.repeat(15).concat('2'), flags: 3 })]
      span.attributes.set(key('k'), [1, 'two', double(3), { four: null }, Uint8Array.of(5), true, 2n ** 60n])
    }
    const before = newTraces()
      .span({ name: 'x', parentSpanId: 'ffffffffffffffff', events: [{ name: 'old' }, { name: 'kept' }] })
      .build()
    const [read] = before.edit((span) => {
      change(span)
      assert.deepEqual(plain(span), expected, 'what was set is read back at once')
    })
    assert.deepEqual(plain(read!), expected)
  })

  it('sets every field of a log record', () => {
    const [read] = newLogs()
      .record({ body: 'old', severityNumber: 9 })
      .build()
      .edit((record) => {
        record.body = { deep: [1, { er: 'x' }] }
        record.severityNumber = 17
        record.severityText = 'ERROR'
        record.eventName = 'e'
        record.timeUnixNano = 1n
        record.observedUnixNano = 2n
        record.traceId = 'a'.repeat(32)
        record.spanId = 'b'.repeat(16)
        record.flags = 1
        record.droppedAttributesCount = 9
      })
    const r = read!
    assert.deepEqual(
      [
        r.body,
        r.severityNumber,
        r.severityText,
        r.eventName,
        r.timeUnixNano,
        r.observedUnixNano,
        r.traceId,
        r.spanId,
        r.flags,
      ],
      [{ deep: [1, { er: 'x' }] }, 17, 'ERROR', 'e', 1n, 2n, 'a'.repeat(32), 'b'.repeat(16), 1],
    )
    assert.equal(r.droppedAttributesCount, 9)
  })

  it('sets the value, times and flags of points, each kind in its own fields', () => {
    const point = { timeUnixNano: 7n, attributes: { a: 'b' } }
    const batch = newMetrics()
      .gauge('g', [{ ...point, value: 1 }])
      .sum('s', [{ ...point, value: 1.5 }])
      .histogram('h', [{ ...point, count: 1 }])
      .exponentialHistogram('e', [{ ...point, count: 2 }])
      .summary('q', [{ ...point, count: 3 }])
      .build()
    const edited = batch.edit((p) => {
      p.timeUnixNano += 1n
      p.startUnixNano = 3n
      p.flags = 1
      p.attributes.set('a', 'changed')
      if (p.metric.type === 'gauge') p.value = double(4)
      if (p.metric.type === 'sum') p.value = 2n ** 62n
      if (p.metric.type === 'gauge')
        p.exemplars = [{ value: 1, timeUnixNano: 1n, traceId: '', spanId: '', filteredAttributes: p.attributes }]
    })
    assert.deepEqual(
      [...edited].map((p) => [
        p.metric.name,
        p.timeUnixNano,
        p.startUnixNano,
        p.flags,
        p.attributes.get('a'),
        p.value,
        p.distribution?.count,
      ]),
      [
        ['g', 8n, 3n, 1, 'changed', double(4), undefined],
        ['s', 8n, 3n, 1, 'changed', 2n ** 62n, undefined],
        ['h', 8n, 3n, 1, 'changed', undefined, 1n],
        ['e', 8n, 3n, 1, 'changed', undefined, 2n],
        ['q', 8n, 3n, 1, 'changed', undefined, 3n],
      ],
    )
    assert.deepEqual([...[...edited][0]!.exemplars[0]!.filteredAttributes.entries()], [['a', 'changed']])
    assert.throws(
      () => batch.edit((p) => p.metric.type === 'histogram' && void (p.value = 1)),
      /point\.value is read-only/,
    )
    assert.throws(() => batch.edit((p) => void (p.distribution = undefined)), /point\.distribution is read-only/)
  })

  it('sets distributions, of which only what differs is written, and reads them back', () => {
    const changed = (before: Distribution): Distribution => ({
      ...before,
      count: 9n,
      sum: 1.5,
      counts: before.counts.length === 0 ? before.counts : BigUint64Array.of(7n),
      exponential: before.exponential && {
        ...before.exponential,
        scale: -1,
        positive: { offset: 5, counts: BigUint64Array.of(2n ** 63n) },
      },
      quantiles: before.quantiles.map(({ quantile }) => ({ quantile, value: 3 })),
    })
    fc.assert(
      fc.property(otlpRequest('metrics'), (bytes) => {
        const batch = readOtlp('metrics', bytes, 'proto', noOrigin)
        const wanted = [...batch].map((p) => p.distribution && changed(p.distribution))
        const edited = batch.edit((p) => {
          if (p.distribution === undefined) return
          p.distribution = { ...changed(p.distribution), count: 1n }
          p.distribution = changed(p.distribution)
          assert.equal(p.distribution.count, 9n)
        })
        assert.deepEqual(
          [...edited].map((p) => p.distribution),
          wanted,
        )
        if (edited.count > 0) assert.equal(validate('metrics', edited.chunks[0]!).items, edited.count)
        const back = edited.edit((p) => void (p.distribution &&= { ...p.distribution }))
        assert.equal(back, edited, 'equal distributions are not written')
      }),
      { numRuns: 100 },
    )
  })

  it('makes gauges sums and back, and sets temporality and monotonicity; nothing else changes', () => {
    fc.assert(
      fc.property(otlpRequest('metrics'), (bytes) => {
        const batch = readOtlp('metrics', bytes, 'proto', noOrigin)
        const edited = batch.editMetrics((metric) => {
          const { type } = metric
          if (type === 'gauge') Object.assign(metric, { type: 'sum', temporality: 'delta', monotonic: true })
          else if (type === 'sum') metric.type = 'gauge'
          else if (type === 'histogram' || type === 'exponential_histogram') metric.temporality = 'delta'
        })
        const now = { gauge: ['sum', 'delta', true], sum: ['gauge', 'none', false] } as const
        assert.deepEqual(
          [...edited].map((p) => [
            p.value,
            p.distribution,
            [...p.attributes.entries()],
            p.metric.type,
            p.metric.temporality,
            p.metric.monotonic,
          ]),
          [...batch].map((p) => {
            const { type } = p.metric
            const head = [p.value, p.distribution, [...p.attributes.entries()]]
            if (type === 'gauge' || type === 'sum') return [...head, ...now[type]]
            return [...head, type, type === 'summary' ? 'none' : 'delta', false]
          }),
        )
        if (edited.count > 0) assert.equal(validate('metrics', edited.chunks[0]!).items, edited.count)
      }),
      { numRuns: 100 },
    )
    const batch = newMetrics()
      .sum('s', [{ value: 1 }])
      .histogram('h', [{ count: 1 }])
      .build()
    assert.equal(
      batch.editMetrics((metric) => void (metric.temporality = 'cumulative')),
      batch,
    )
    assert.throws(
      () => batch.editMetrics((metric) => void (metric.type = 'histogram')),
      /a metric of type sum cannot become a histogram here/,
    )
    assert.throws(
      () => batch.editMetrics((metric) => void (metric.monotonic = true)),
      /the type histogram, and only a sum is monotonic/,
    )
  })

  it('edits resources, scopes and metrics, absent ones included', () => {
    for (const signal of signals) {
      fc.assert(
        fc.property(otlpRequest(signal), (bytes) => {
          const batch = readOtlp<'traces'>(signal as 'traces', bytes, 'proto', noOrigin)
          const edited = batch
            .editResources((resource) => {
              resource.attributes.set('added', 'r')
              resource.schemaUrl = 'url'
              resource.droppedAttributesCount = 5
            })
            .editScopes((scope) => {
              assert.equal(scope.resource.attributes.get('added'), 'r')
              scope.name = 'scope'
              scope.version = ''
              scope.attributes.set('added', 's')
              scope.schemaUrl = ''
            })
          const expected = decode(signal, [bytes])
          const [resources, scopes] = {
            traces: ['resourceSpans', 'scopeSpans'],
            logs: ['resourceLogs', 'scopeLogs'],
            metrics: ['resourceMetrics', 'scopeMetrics'],
          }[signal] as [string, string]
          for (const r of list(expected, resources)) {
            const resource = (r['resource'] ??= {}) as Decoded
            resource['attributes'] = apply(list(resource, 'attributes'), ['set', 'added', 'r'])
            resource['droppedAttributesCount'] = 5
            resource['entityRefs'] ??= []
            r['schemaUrl'] = 'url'
            for (const s of list(r, scopes)) {
              const scope = (s['scope'] ??= {}) as Decoded
              scope['attributes'] = apply(list(scope, 'attributes'), ['set', 'added', 's'])
              scope['name'] = 'scope'
              delete scope['version']
              delete s['schemaUrl']
            }
          }
          assert.deepEqual(comparable(decode(signal, edited.chunks)), comparable(expected))
        }),
        { numRuns: 60 },
      )
    }
    const [point] = newMetrics()
      .gauge('old', [{ value: 1 }], { unit: 's' })
      .build()
      .editMetrics((metric) => {
        metric.name = `${metric.name}.new`
        metric.unit = ''
        metric.description = 'd'
        metric.metadata.set('m', 1)
      })
    const { name, unit, description, metadata } = point!.metric
    assert.deepEqual([name, unit, description, metadata.get('m')], ['old.new', '', 'd', 1])
  })

  it('keeps numbers what they are: ints ints, doubles doubles', () => {
    const values: Value[] = [
      0,
      -1,
      2 ** 53 - 1,
      2n ** 63n - 1n,
      -(2n ** 63n),
      0.5,
      double(3),
      double(-0),
      Number.NaN,
      1e300,
      Number.POSITIVE_INFINITY,
    ]
    const batch = newTraces().span({}).build()
    const [span] = batch.edit(({ attributes }) => {
      for (const [i, value] of values.entries()) attributes.set(`v${i}`, value)
    })
    assert.deepEqual(
      values.map((_, i) => span!.attributes.get(`v${i}`)),
      values,
    )
    const types = values.map((_, i) => span!.attributes.type(`v${i}`))
    assert.deepEqual(types, [...Array<string>(5).fill('int'), ...Array<string>(6).fill('double')])
  })

  it('refuses what cannot be written, and says what can', () => {
    const batch: Traces = newTraces().span({ name: 'a' }).build()
    const attempt = (change: (span: Editable<Span> & In) => void) => () => batch.edit(change)
    assert.throws(
      attempt((s) => (s.traceId = 'abc')),
      /cannot set span\.traceId: an id has 32 hexadecimal digits or none; got "abc"/,
    )
    assert.throws(
      attempt((s) => (s.startUnixNano = 5 as unknown as bigint)),
      /span\.startUnixNano: nanoseconds and counts are bigints/,
    )
    assert.throws(
      attempt((s) => (s.name = 5 as unknown as string)),
      /span\.name: expected a string, got number/,
    )
    assert.throws(
      attempt((s) => (s.name = undefined as unknown as string)),
      /span\.name to undefined/,
    )
    assert.throws(
      attempt((s) => s.attributes.set('a', (() => 1) as unknown as Value)),
      /function cannot be an attribute value/,
    )
    const loop: Value[] = []
    loop.push(loop)
    assert.throws(
      attempt((s) => s.attributes.set('a', loop)),
      /contains itself/,
    )
    assert.throws(
      attempt((s) => s.attributes.set('a', 2n ** 63n)),
      /does not fit in 64 bits/,
    )
    const [fine] = batch.edit((s) => s.attributes.set('a', 1))
    assert.equal(fine!.attributes.get('a'), 1, 'a refused value leaves nothing behind')
  })

  it('handles that outlive edit refuse writes', () => {
    const kept: (Editable<Span> & In)[] = []
    newTraces()
      .span({ name: 'a' })
      .build()
      .edit((span) => void kept.push(span))
    assert.throws(() => (kept[0]!.name = 'late'), /span\.name was set after edit\(\) had returned/)
    assert.throws(() => kept[0]!.attributes.set('a', 'late'), /after edit\(\) had returned/)
    assert.equal(kept[0]!.name, 'a')
  })

  it('deletes and replaces all attributes with the key, so that no copy of a secret stays', () => {
    const twice = Uint8Array.of(
      10,
      22,
      18,
      20,
      18,
      18,
      74,
      7,
      10,
      1,
      107,
      18,
      2,
      24,
      1,
      74,
      7,
      10,
      1,
      107,
      18,
      2,
      24,
      2,
    )
    const batch = readOtlp('traces', twice, 'proto', noOrigin)
    assert.equal([...batch][0]!.attributes.size, 2)
    assert.equal([...batch.edit((s) => void s.attributes.delete('k'))][0]!.attributes.size, 0)
    assert.deepEqual([...[...batch.edit((s) => s.attributes.set('k', 9))][0]!.attributes.entries()], [['k', 9]])
  })
})

const expected = {
  ids: ['0102030405060708090a0b0c0d0e0f10', '0102030405060708', '', 'a=b'],
  name: 'a much longer name than before, so that lengths change: '.repeat(5),
  numbers: [3, 1, 2, 4_294_967_295, 257],
  times: [1_732_358_400_000_000_001n, 2n ** 64n - 1n],
  status: { code: 2, message: 'no' },
  events: [
    ['kept', 0n, []],
    ['new', 5n, [['n', 1]]],
  ],
  links: [['0'.repeat(31).concat('1'), '0'.repeat(15).concat('2'), 3]],
  attributes: [['k', [1, 'two', double(3), { four: null }, Uint8Array.of(5), true, 2n ** 60n]]],
}

function plain(s: Span): unknown {
  return {
    ids: [s.traceId, s.spanId, s.parentSpanId, s.traceState],
    name: s.name,
    numbers: [s.kind, s.droppedAttributesCount, s.droppedEventsCount, s.droppedLinksCount, s.flags],
    times: [s.startUnixNano, s.endUnixNano],
    status: { ...s.status },
    events: s.events.map((e) => [e.name, e.timeUnixNano, [...e.attributes.entries()]]),
    links: s.links.map((l) => [l.traceId, l.spanId, l.flags]),
    attributes: [...s.attributes.entries()],
  }
}
