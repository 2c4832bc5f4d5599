import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, noOrigin } from './batch.ts'
import { newMetrics } from './builders.ts'
import { identityOf } from './identity.ts'
import { type MetricGroup, rewriteMetrics } from './metric-rewrite.ts'
import { comparable, type Decoded, decode, otlpRequest } from './otlp.arbitrary.ts'
import { readOtlp } from './read-otlp.ts'
import { list } from './reference-batch.ts'
import { type MetricRewrite, newMetricDraft } from './rewritten-metric.ts'
import { newPointDraft, type PointRewrite } from './rewritten-point.ts'
import type { Metrics } from './telemetry.ts'
import { validate } from './validate.ts'
import { double } from './value.ts'

/** One change of a metric, made to the draft and to the decoded message. */
interface Change {
  readonly name: string
  draft(metric: MetricRewrite, group: MetricGroup): void
  reference(metric: Decoded, scope: Decoded): void
}

const dataNames = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const
function dataOf(metric: Decoded): { readonly name: string; readonly data: Decoded } | undefined {
  const name = dataNames.find((one) => metric[one] !== undefined && metric[one] !== null)
  return name === undefined ? undefined : { name, data: metric[name] as Decoded }
}
function pointsOf(metric: Decoded): Decoded[] {
  const found = dataOf(metric)
  return found === undefined ? [] : list(found.data, 'dataPoints')
}
const isNumber = (metric: Decoded) => ['gauge', 'sum'].includes(dataOf(metric)?.name ?? '')
const long = (low: number, unsigned: boolean) => ({ low, high: 0, unsigned })

const changes: readonly Change[] = [
  { name: 'nothing', draft: () => {}, reference: () => {} },
  {
    name: 'looks at everything',
    draft(metric) {
      for (const point of metric.points) void [point.value, point.distribution, point.exemplars, point.identity]
    },
    reference: () => {},
  },
  {
    name: 'name and unit',
    draft(metric) {
      metric.name = 'renamed'
      metric.unit = ''
      metric.metadata.set('new', 'x')
    },
    reference(metric) {
      metric['name'] = 'renamed'
      delete metric['unit']
      const others = list(metric, 'metadata').filter((kv) => kv['key'] !== 'new')
      const at = list(metric, 'metadata').findIndex((kv) => kv['key'] === 'new')
      others.splice(at < 0 ? others.length : at, 0, { key: 'new', value: { stringValue: 'x' } })
      metric['metadata'] = others
    },
  },
  {
    name: 'temporality',
    draft(metric) {
      if (metric.type !== 'gauge' && metric.type !== 'summary' && metric.type !== 'empty') metric.temporality = 'delta'
    },
    reference(metric) {
      const found = dataOf(metric)
      if (found !== undefined && found.name !== 'gauge' && found.name !== 'summary') {
        found.data['aggregationTemporality'] = 1
      }
    },
  },
  {
    name: 'gauge to sum',
    draft(metric) {
      if (metric.type !== 'gauge') return
      metric.type = 'sum'
      metric.monotonic = true
    },
    reference(metric) {
      if (dataOf(metric)?.name !== 'gauge') return
      metric['sum'] = { ...(metric['gauge'] as Decoded), aggregationTemporality: 2, isMonotonic: true }
      copyUnknowns(metric['gauge'] as Decoded, metric['sum'] as Decoded)
      delete metric['gauge']
    },
  },
  {
    name: 'sum to gauge',
    draft(metric) {
      if (metric.type === 'sum') metric.type = 'gauge'
    },
    reference(metric) {
      if (dataOf(metric)?.name !== 'sum') return
      const { aggregationTemporality: _t, isMonotonic: _m, ...rest } = metric['sum'] as Decoded
      metric['gauge'] = rest
      copyUnknowns(metric['sum'] as Decoded, rest)
      delete metric['sum']
    },
  },
  {
    name: 'every second point goes',
    draft: (metric) => void (metric.points = metric.points.filter((_, i) => i % 2 === 1)),
    reference(metric) {
      const found = dataOf(metric)
      if (found !== undefined) found.data['dataPoints'] = pointsOf(metric).filter((_, i) => i % 2 === 1)
    },
  },
  {
    name: 'values, times and flags of the first points',
    draft(metric) {
      for (const point of metric.points.slice(0, 2)) {
        point.timeUnixNano = 77n
        point.startUnixNano = 0n
        point.flags = 3
        if (point.kind === 'number') point.value = 5
      }
    },
    reference(metric) {
      for (const point of pointsOf(metric).slice(0, 2)) {
        point['timeUnixNano'] = long(77, true)
        delete point['startTimeUnixNano']
        point['flags'] = 3
        if (!isNumber(metric)) continue
        delete point['asDouble']
        point['asInt'] = long(5, false)
      }
    },
  },
  {
    name: 'distributions',
    draft(metric) {
      for (const { distribution } of metric.points) {
        if (distribution === undefined) continue
        distribution.count = 9n
        distribution.sum = 1.5
        if (metric.type === 'histogram') {
          distribution.counts = BigUint64Array.of(1n, 8n)
          distribution.max = undefined
        }
        if (distribution.exponential !== undefined) {
          distribution.exponential.scale = -3
          distribution.exponential.positive.offset = 4
          distribution.exponential.positive.counts = BigUint64Array.of(2n ** 40n)
        }
        if (metric.type === 'summary') distribution.quantiles = [{ quantile: 0.5, value: 7 }]
      }
    },
    reference(metric) {
      const name = dataOf(metric)?.name
      if (name === undefined || isNumber(metric)) return
      for (const point of pointsOf(metric)) {
        point['count'] = long(9, true)
        point['sum'] = 1.5
        if (name === 'histogram') {
          point['bucketCounts'] = [long(1, true), long(8, true)]
          delete point['max']
        } else if (name === 'summary') point['quantileValues'] = [{ quantile: 0.5, value: 7 }]
        else {
          point['scale'] = -3
          const positive = (point['positive'] ??= {}) as Decoded
          positive['offset'] = 4
          positive['bucketCounts'] = [{ low: 0, high: 256, unsigned: true }]
        }
      }
    },
  },
  {
    name: 'attributes of points',
    draft(metric) {
      for (const { attributes } of metric.points) attributes.set('a new one', 'v')
    },
    reference(metric) {
      for (const point of pointsOf(metric)) {
        const attributes = list(point, 'attributes')
        if (attributes.some((kv) => kv['key'] === 'a new one')) continue
        attributes.push({ key: 'a new one', value: { stringValue: 'v' } })
      }
    },
  },
  {
    name: 'all attributes of points',
    draft(metric) {
      for (const point of metric.points) point.attributes = { only: 'v' }
    },
    reference(metric) {
      for (const point of pointsOf(metric)) point['attributes'] = [{ key: 'only', value: { stringValue: 'v' } }]
    },
  },
  {
    name: 'the metric goes',
    draft: (metric, group) => void (group.metrics = group.metrics.filter((one) => one !== metric)),
    reference(metric, scope) {
      scope['metrics'] = list(scope, 'metrics').filter((one) => one !== metric)
    },
  },
  {
    name: 'a clone comes',
    draft: (metric, group) => void group.metrics.push(metric.clone()),
    reference: (metric, scope) => void list(scope, 'metrics').push(copied(metric) as Decoded),
  },
]

function scopesOf(decoded: Decoded): Decoded[] {
  return list(decoded, 'resourceMetrics').flatMap((resource) => list(resource, 'scopeMetrics'))
}

function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const copy: Decoded = {}
  for (const [name, of] of Object.entries(value)) copy[name] = copied(of)
  copyUnknowns(value as Decoded, copy)
  return copy
}

function copyUnknowns(from: Decoded, to: Decoded): void {
  const { $unknowns } = from
  if ($unknowns !== undefined) Object.defineProperty(to, '$unknowns', { value: $unknowns, enumerable: false })
}

describe('rewriteMetrics', () => {
  it('does what the same changes do to the decoded request, unknown fields included', () => {
    const plan = fc.array(fc.array(fc.nat({ max: changes.length - 1 }), { maxLength: 3 }), { minLength: 1 })
    fc.assert(
      fc.property(otlpRequest('metrics'), plan, (bytes, plans) => {
        const batch = readOtlp('metrics', bytes, 'proto', noOrigin)
        let i = 0
        const rewritten = rewriteMetrics(batch, (group) => {
          for (const metric of group.metrics.slice()) {
            for (const change of plans[i % plans.length]!) changes[change]!.draft(metric, group)
            i++
          }
        })
        const expected = decode('metrics', [bytes])
        const wereEmpty = new Set(scopesOf(expected).filter((scope) => list(scope, 'metrics').length === 0))
        let k = 0
        for (const resource of list(expected, 'resourceMetrics')) {
          for (const scope of list(resource, 'scopeMetrics')) {
            for (const metric of list(scope, 'metrics').slice()) {
              for (const change of plans[k % plans.length]!) changes[change]!.reference(metric, scope)
              k++
            }
          }
        }
        expected['resourceMetrics'] = list(expected, 'resourceMetrics').filter((resource) => {
          const scopes = list(resource, 'scopeMetrics')
          const left = scopes.filter((scope) => list(scope, 'metrics').length > 0 || wereEmpty.has(scope))
          resource['scopeMetrics'] = left
          return scopes.length === 0 || left.length > 0
        })
        if (rewritten.chunks.length === 0) {
          assert.equal(list(expected, 'resourceMetrics').length, 0)
          return
        }
        assert.deepEqual(comparable(decode('metrics', rewritten.chunks)), comparable(expected))
        assert.equal(validate('metrics', rewritten.chunks[0]!).items, rewritten.count)
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same batch when nobody set anything, or only what stood there', () => {
    fc.assert(
      fc.property(otlpRequest('metrics'), (bytes) => {
        const batch = readOtlp('metrics', bytes, 'proto', noOrigin)
        const looks = ({ metrics }: MetricGroup) => {
          for (const metric of metrics) {
            for (const point of metric.points)
              void [point.attributes.size, point.distribution, point.value, point.identity]
          }
        }
        assert.equal(rewriteMetrics(batch, looks), batch)
      }),
      { numRuns: 60 },
    )
    const same = rewriteMetrics(shop, ({ metrics }) => {
      metrics[0]!.name = metrics[0]!.name
      metrics[0]!.points[0]!.attributes.set('a', 'b')
    })
    assert.equal(same, shop)
  })

  it('shares the chunks it did not touch and copies untouched metrics and points as byte ranges', () => {
    const other = newMetrics()
      .gauge('other', [{ value: 1 }])
      .build()
    const rewritten = rewriteMetrics(concat('metrics', [shop, other]), ({ metrics }) => {
      if (metrics[0]!.name === 'other') metrics[0]!.unit = 's'
    })
    assert.equal(rewritten.chunks[0], shop.chunks[0])
    assert.deepEqual([...rewritten].at(-1)!.metric.unit, 's')
    // An unknown field and a value written in more bytes than needed: both stay where nobody touched the point.
    const odd = Uint8Array.of(10, 19, 18, 17, 18, 15, 42, 13, 10, 4, 0x40, 0x81, 0x80, 0, 10, 5, 0x98, 0x06, 1, 0x40, 2)
    const batch = readOtlp('metrics', odd, 'proto', noOrigin)
    const [chunk] = rewriteMetrics(batch, ({ metrics }) => void (metrics[0]!.points[1]!.flags = 9)).chunks
    assert.ok(Buffer.from(chunk!).includes(Buffer.from([10, 4, 0x40, 0x81, 0x80, 0])))
    assert.ok(Buffer.from(chunk!).includes(Buffer.from([0x98, 0x06, 1])))
    assert.deepEqual(
      [...rewriteMetrics(batch, ({ metrics }) => void (metrics[0]!.points[1]!.flags = 9))].map((p) => p.flags),
      [1, 9],
    )
  })

  it('adds metrics of every type from scratch, and reads them back', () => {
    const exponential = {
      scale: -2,
      zeroCount: 1n,
      zeroThreshold: 0.5,
      positive: { offset: -3, counts: BigUint64Array.of(1n, 2n ** 63n) },
      negative: { offset: 0, counts: new BigUint64Array(0) },
    }
    const empty = {
      min: undefined,
      max: undefined,
      bounds: new Float64Array(0),
      counts: new BigUint64Array(0),
      exponential: undefined,
      quantiles: [],
    }
    const distributions = {
      histogram: {
        ...empty,
        count: 3n,
        sum: 4.5,
        min: -1,
        max: 9,
        bounds: Float64Array.of(1, 2),
        counts: BigUint64Array.of(1n, 0n, 2n),
      },
      exponential_histogram: { ...empty, count: 4n, sum: undefined, min: 0, exponential },
      summary: {
        ...empty,
        count: 5n,
        sum: 0,
        quantiles: [
          { quantile: 0.99, value: 7 },
          { quantile: 0, value: 0 },
        ],
      },
    }
    const fields = { attributes: { a: 1 }, startUnixNano: 1n, timeUnixNano: 2n, flags: 1 }
    const exemplars = [{ value: 2, timeUnixNano: 3n, spanId: 'b'.repeat(16), filteredAttributes: { e: true } }]
    const rewritten = rewriteMetrics(shop, (group) => {
      group.metrics = [
        newMetricDraft({
          name: 'g',
          type: 'gauge',
          unit: 's',
          description: 'd',
          metadata: { m: 1 },
          points: [newPointDraft('number', { ...fields, value: double(2), exemplars })],
        }),
        newMetricDraft({
          name: 's',
          type: 'sum',
          temporality: 'delta',
          monotonic: true,
          points: [newPointDraft('number', { ...fields, value: 2n ** 62n })],
        }),
        newMetricDraft({ name: 'none', type: 'empty' }),
        ...(Object.keys(distributions) as (keyof typeof distributions)[]).map((type) =>
          newMetricDraft({
            name: type,
            type,
            points: [newPointDraft(type, { ...fields, distribution: distributions[type] })],
          }),
        ),
      ]
    })
    assert.deepEqual(
      [...rewritten].map((p) => [
        p.metric.name,
        p.metric.type,
        p.metric.temporality,
        p.metric.monotonic,
        p.value ?? p.distribution,
      ]),
      [
        ['g', 'gauge', 'none', false, double(2)],
        ['s', 'sum', 'delta', true, 2n ** 62n],
        ['histogram', 'histogram', 'cumulative', false, distributions.histogram],
        ['exponential_histogram', 'exponential_histogram', 'cumulative', false, distributions.exponential_histogram],
        ['summary', 'summary', 'none', false, distributions.summary],
      ],
    )
    const [first] = rewritten
    const { unit, description, metadata } = first!.metric
    assert.deepEqual([unit, description, [...metadata.entries()]], ['s', 'd', [['m', 1]]])
    assert.deepEqual(
      [[...first!.attributes.entries()], first!.startUnixNano, first!.timeUnixNano, first!.flags],
      [[['a', 1]], 1n, 2n, 1],
    )
    const [exemplar] = first!.exemplars
    assert.deepEqual(
      [exemplar!.value, exemplar!.timeUnixNano, exemplar!.spanId, [...exemplar!.filteredAttributes.entries()]],
      [2, 3n, 'b'.repeat(16), [['e', true]]],
    )
    assert.equal(validate('metrics', rewritten.chunks[0]!).items, 5)
    assert.equal(rewritten.count, 5)
  })

  it('reads back at once what was set, and keeps clones apart', () => {
    rewriteMetrics(shop, ({ metrics }) => {
      const metric = metrics[0]!
      const copy = metric.clone()
      const [point] = copy.points as [PointRewrite]
      point.value = 8
      point.timeUnixNano = 9n
      point.exemplars = [{ value: 1 }]
      point.attributes = { z: 1 }
      copy.name = 'copy'
      const again = copy.clone()
      again.points[0]!.value = 10
      assert.deepEqual(
        [metric.name, metric.points[0]!.value, [...metric.points[0]!.attributes.entries()]],
        ['requests', 1, [['a', 'b']]],
      )
      assert.deepEqual(
        [copy.name, point.value, point.timeUnixNano, point.exemplars[0]!.value, [...point.attributes.entries()]],
        ['copy', 8, 9n, 1, [['z', 1]]],
      )
      assert.deepEqual([again.name, again.points[0]!.value, again.pointCount], ['copy', 10, 2])
    })
  })

  it('moves points and metrics between metrics and groups', () => {
    const two = concat('metrics', [
      shop,
      newMetrics()
        .resource({ r: 2 })
        .sum('other', [{ value: 5 }])
        .build(),
    ])
    let taken: MetricRewrite | undefined
    const rewritten = rewriteMetrics(two, (group) => {
      if (taken === undefined) {
        ;[taken] = group.metrics.splice(0, 1)
        return
      }
      group.metrics[0]!.points.push(taken.points[0]!)
      group.metrics.push(taken)
    })
    assert.deepEqual(
      [...rewritten].map((p) => [p.resource.attributes.get('r'), p.metric.name, p.value]),
      [
        [1, 'latency', undefined],
        [2, 'other', 5],
        [2, 'other', 1],
        [2, 'requests', 1],
        [2, 'requests', 2],
      ],
    )
  })

  it('says what is wrong, and leaves the batch as it was', () => {
    const attempt = (change: (metric: MetricRewrite, group: MetricGroup) => unknown) => () =>
      rewriteMetrics(shop, (group) => void change(group.metrics[0]!, group))
    const cases: readonly [() => unknown, RegExp][] = [
      [
        attempt((m) => (m.type = 'histogram')),
        /metric "requests": the type became histogram, but the points are those of a sum: replace the points/,
      ],
      [
        attempt((m) => (m.points = [newPointDraft('summary')])),
        /metric "requests": the type is sum, but point 0 is one of kind summary/,
      ],
      [
        attempt((_, g) =>
          g.metrics.push(newMetricDraft({ name: 'x', type: 'empty', points: [newPointDraft('number')] })),
        ),
        /metric "x": it has points, but no type: set its type/,
      ],
      [attempt((m) => (m.type = 'banana' as 'sum')), /metric\.type to "banana"/],
      [
        attempt((m) => Object.assign(m, { type: 'gauge', temporality: 'delta' })),
        /the metric has the type gauge, which has no temporality/,
      ],
      [attempt((m) => Object.assign(m, { type: 'gauge', monotonic: true })), /only a sum is monotonic/],
      [attempt((m) => (m.name = 5 as unknown as string)), /metric\.name: expected a string, got number/],
      [attempt((m) => (m.points[0]!.distribution = undefined)), /a number point has no distribution: set its value/],
      [attempt((_, g) => (g.metrics[1]!.points[0]!.value = 1)), /a histogram point has no value/],
      [
        attempt((m) => (m.points[0]!.timeUnixNano = 5 as unknown as bigint)),
        /point\.timeUnixNano: nanoseconds are bigints/,
      ],
      [attempt((m) => (m.points[0]!.startUnixNano = -1n)), /-1 is not an unsigned integer of 64 bits/],
      [attempt((m) => (m.points[0]!.value = 2n ** 63n)), /does not fit in 64 bits/],
      [attempt((m) => (m.points[0]!.flags = -1)), /cannot set point\.flags to -1/],
      [
        attempt((_, g) => (g.metrics[1]!.points[0]!.distribution!.counts = [1] as unknown as BigUint64Array)),
        /metric "latency": the counts of a distribution are a BigUint64Array/,
      ],
      [attempt((_, g) => (g.metrics[1]!.points[0]!.distribution!.count = -1n)), /-1/],
    ]
    for (const [run, message] of cases) assert.throws(run, message)
    assert.deepEqual(
      [...shop].map((p) => p.value),
      [1, 2, undefined],
    )
    let kept: MetricRewrite | undefined
    rewriteMetrics(shop, ({ metrics }) => void (kept = metrics[0]))
    assert.throws(() => (kept!.name = 'late'), /metric\.name was set after rewriteMetrics\(\) had returned/)
    assert.throws(() => kept!.points[0]!.attributes.set('a', 1), /after rewriteMetrics\(\) had returned/)
  })

  it('drops what is empty: groups, resources, the whole', () => {
    assert.equal(rewriteMetrics(shop, (group) => void (group.metrics = [])).chunks.length, 0)
    const two = newMetrics()
      .resource({ r: 1 })
      .scope('a')
      .gauge('a', [{ value: 1 }])
      .scope('b')
      .gauge('b', [{ value: 2 }])
      .resource({ r: 2 })
      .gauge('c', [{ value: 3 }])
      .build()
    const only = (name: string) =>
      rewriteMetrics(two, (group) => void (group.metrics = group.metrics.filter((m) => m.name === name)))
    const decoded = decode('metrics', only('b').chunks)
    assert.deepEqual([list(decoded, 'resourceMetrics').length, scopesOf(decoded).length], [1, 1])
    assert.deepEqual(
      [...only('b')].map((p) => [p.scope.name, p.value]),
      [['b', 2]],
    )
  })

  it('identifies attributes by their contents, not by their order or their bytes', () => {
    const [one, two, three] = newMetrics()
      .gauge('g', [
        { value: 1, attributes: { a: 1, b: ['x', { c: 1, d: 2 }] } },
        { value: 1, attributes: { b: ['x', { d: 2, c: 1 }], a: 1 } },
        { value: 1, attributes: { a: double(1), b: ['x', { d: 2, c: 1 }] } },
      ])
      .build()
    assert.equal(identityOf(one!.attributes), identityOf(two!.attributes))
    assert.notEqual(identityOf(one!.attributes), identityOf(three!.attributes))
  })
})

const shop: Metrics = newMetrics()
  .resource({ r: 1 })
  .scope('s')
  .sum('requests', [{ value: 1, attributes: { a: 'b' } }, { value: 2 }], { monotonic: true })
  .histogram('latency', [{ count: 3, sum: 2, bounds: [1], counts: [1, 2] }])
  .build()
