/** What statements may set of metrics and data points: upstream's tables of ctxmetric and ctxdatapoint, on handles and on the drafts of rewriteMetrics. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { newMetrics } from '../data/builders.ts'
import { newMetricDraft } from '../data/rewritten-metric.ts'
import type { Metrics, Point } from '../data/telemetry.ts'
import { asText, double } from '../data/value.ts'
import { type CompileOptions, compileStatements, type ErrorMode } from './compile.ts'
import { metricEditor } from './metric-rewriting.ts'
import { Runner } from './run.ts'
import { testHost } from './testing.ts'

function run(
  batch: Metrics,
  statements: readonly string[],
  options: CompileOptions = {},
  errorMode: ErrorMode = 'propagate',
) {
  return new Runner(compileStatements(statements, 'infer', options), { host: testHost(), errorMode }).run(batch)
}

const common = {
  attributes: { s: 'v', n: 1, map: { deep: ['x', 2] } },
  startUnixNano: 100_000_000n,
  timeUnixNano: 200_000_000n,
  flags: 0,
}
const exemplars = [
  { value: double(1), timeUnixNano: 5n, traceId: '0102030405060708090a0b0c0d0e0f10', filteredAttributes: { e: 1 } },
]

/** One metric of each type with one point. */
function every(): Metrics {
  const buckets = { offset: 1, counts: [1, 2] }
  return newMetrics()
    .resource({ r: 'x' })
    .scope('lib')
    .gauge('gauge', [{ ...common, exemplars, value: 1 }])
    .sum('sum', [{ ...common, exemplars, value: 1.5 }], { monotonic: true, temporality: 'delta' })
    .histogram('histogram', [
      { ...common, exemplars, count: 2, sum: 10.1, min: 1, max: 9, bounds: [1, 2], counts: [1, 1, 0] },
    ])
    .exponentialHistogram('exponential', [
      { ...common, exemplars, count: 2, sum: 10.1, scale: 1, zeroCount: 1, positive: buckets, negative: buckets },
    ])
    .summary('summary', [{ ...common, count: 2, sum: 10.1, quantiles: [{ quantile: 0.5, value: 12.3 }] }])
    .build()
}

/** What a point says, as plain data. */
function said(point: Point): unknown {
  const { name, type, temporality, monotonic, unit, description } = point.metric
  return {
    metric: [name, type, temporality, monotonic, unit, description, [...point.metric.metadata.entries()]],
    attributes: [...point.attributes.entries()],
    times: [point.startUnixNano, point.timeUnixNano, point.flags],
    value: point.value ?? point.distribution,
    exemplars: point.exemplars.map((e) => [e.value, e.timeUnixNano, e.traceId, [...e.filteredAttributes.entries()]]),
  }
}

/** By metric: the statement, and what of the point it changes. */
type Case = readonly [metric: string, statement: string, change: (said: Said) => void]
interface Said {
  metric: unknown[]
  attributes: unknown[]
  times: unknown[]
  // The distribution or the value of the point.
  value: unknown
}
const distribution = (said: Said) => said.value as { [key: string]: unknown; exponential: Record<string, unknown> }
const cases: readonly Case[] = [
  ...['gauge', 'sum', 'histogram', 'exponential', 'summary'].flatMap((name): Case[] => [
    [name, 'set(datapoint.start_time_unix_nano, 300)', (s) => void (s.times[0] = 300n)],
    [name, 'set(datapoint.time_unix_nano, 400)', (s) => void (s.times[1] = 400n)],
    [name, 'set(datapoint.start_time, Unix(0, 300))', (s) => void (s.times[0] = 300n)],
    [name, 'set(datapoint.time, Unix(0, 400))', (s) => void (s.times[1] = 400n)],
    [name, 'set(datapoint.flags, FLAG_NO_RECORDED_VALUE)', (s) => void (s.times[2] = 1)],
    [name, 'set(datapoint.attributes, {"a": true})', (s) => void (s.attributes = [['a', true]])],
    [name, 'set(datapoint.attributes["s"], "w")', (s) => void (s.attributes[0] = ['s', 'w'])],
    [
      name,
      'set(datapoint.attributes["map"]["deep"][1], 3)',
      (s) => void (s.attributes[2] = ['map', { deep: ['x', 3] }]),
    ],
  ]),
  ['gauge', 'set(datapoint.value_double, 2.2)', (s) => void (s.value = 2.2)],
  ['gauge', 'set(datapoint.value_int, 2)', (s) => void (s.value = 2)],
  ['sum', 'set(datapoint.value_double, 2.0)', (s) => void (s.value = double(2))],
  ...['histogram', 'exponential', 'summary'].flatMap((name): Case[] => [
    [name, 'set(datapoint.count, 4)', (s) => void (distribution(s)['count'] = 4n)],
    [name, 'set(datapoint.sum, 10.2)', (s) => void (distribution(s)['sum'] = 10.2)],
  ]),
  [
    'histogram',
    'set(datapoint.bucket_counts, [1, 2])',
    (s) => void (distribution(s)['counts'] = BigUint64Array.of(1n, 2n)),
  ],
  [
    'histogram',
    'set(datapoint.explicit_bounds, [1.0, 2.5])',
    (s) => void (distribution(s)['bounds'] = Float64Array.of(1, 2.5)),
  ],
  ['exponential', 'set(datapoint.scale, -2)', (s) => void (distribution(s).exponential['scale'] = -2)],
  ['exponential', 'set(datapoint.zero_count, 7)', (s) => void (distribution(s).exponential['zeroCount'] = 7n)],
  ...(['positive', 'negative'] as const).flatMap((side): Case[] => [
    [
      'exponential',
      `set(datapoint.${side}.offset, 4)`,
      (s) => void (distribution(s).exponential[side] = { offset: 4, counts: BigUint64Array.of(1n, 2n) }),
    ],
    [
      'exponential',
      `set(datapoint.${side}.bucket_counts, [0, 5])`,
      (s) => void (distribution(s).exponential[side] = { offset: 1, counts: BigUint64Array.of(0n, 5n) }),
    ],
    ['exponential', `set(datapoint.${side}, datapoint.positive)`, () => {}],
  ]),
  ['summary', 'set(datapoint.quantile_values, datapoint.quantile_values)', () => {}],
  ['gauge', 'set(datapoint.exemplars, datapoint.exemplars)', () => {}],
  ['sum', 'set(metric.name, "new")', (s) => void (s.metric[0] = 'new')],
  ['sum', 'set(metric.description, "new")', (s) => void (s.metric[5] = 'new')],
  ['sum', 'set(metric.unit, "new")', (s) => void (s.metric[4] = 'new')],
  ['sum', 'set(metric.type, METRIC_DATA_TYPE_GAUGE)', () => {}],
  ['sum', 'set(metric.aggregation_temporality, 2)', (s) => void (s.metric[2] = 'cumulative')],
  [
    'histogram',
    'set(metric.aggregation_temporality, AGGREGATION_TEMPORALITY_DELTA)',
    (s) => void (s.metric[2] = 'delta'),
  ],
  ['gauge', 'set(metric.aggregation_temporality, 1)', () => {}],
  ['sum', 'set(metric.is_monotonic, false)', (s) => void (s.metric[3] = false)],
  ['gauge', 'set(metric.is_monotonic, true)', () => {}],
  ['sum', 'set(metric.data_points, metric.data_points)', () => {}],
  ['histogram', 'set(metric.metadata["k"], "v")', (s) => void (s.metric[6] = [['k', 'v']])],
]

test('each field is set as upstream sets it, on handles and on drafts alike', () => {
  const before = [...every()]
  for (const [name, statement, change] of cases) {
    const at = before.findIndex((point) => point.metric.name === name)
    const expected = before.map(said)
    change(expected[at] as Said)
    const where = `${statement} where metric.name == "${name}"`
    assert.deepEqual([...run(every(), [where])].map(said), expected, statement)
    // A field of the metric that is written from a point makes the whole group run on drafts.
    const onDrafts = run(every(), ['set(metric.unit, metric.unit)', where, 'set(datapoint.flags, datapoint.flags)'])
    assert.deepEqual([...onDrafts].map(said), expected, `${statement}, on drafts`)
  }
})

test('each field reads as upstream gives it, and as nil on points that have none', () => {
  const reads: readonly [name: string, path: string, wanted: string][] = [
    ['gauge', 'datapoint.value_int', '1'],
    ['gauge', 'datapoint.value_double', '0.0'],
    ['sum', 'datapoint.value_double', '1.5'],
    ['histogram', 'datapoint.value_double', 'nil'],
    ['gauge', 'datapoint.count', 'nil'],
    ['histogram', 'datapoint.count', '2'],
    ['summary', 'datapoint.sum', '10.1'],
    ['histogram', 'datapoint.bucket_counts', '[1, 1, 0]'],
    ['histogram', 'datapoint.explicit_bounds', '[1.0, 2.0]'],
    ['summary', 'datapoint.explicit_bounds', 'nil'],
    ['exponential', 'datapoint.scale', '1'],
    ['exponential', 'datapoint.zero_count', '1'],
    ['exponential', 'datapoint.positive.offset', '1'],
    ['exponential', 'datapoint.negative.bucket_counts', '[1, 2]'],
    ['histogram', 'datapoint.positive', 'nil'],
    ['summary', 'datapoint.exemplars', 'nil'],
    ['gauge', 'metric.aggregation_temporality', 'nil'],
    ['histogram', 'metric.is_monotonic', 'nil'],
    ['sum', 'Len(metric.data_points)', '1'],
    ['summary', 'Len(datapoint.quantile_values)', '1'],
    ['histogram', 'Len(datapoint.exemplars)', '1'],
  ]
  for (const [name, path, wanted] of reads) {
    for (const also of [[], ['set(metric.unit, metric.unit)']]) {
      const marked = run(every(), [
        ...also,
        `set(datapoint.attributes["hit"], true) where metric.name == "${name}" and ${path} == ${wanted}`,
      ])
      const hits = [...marked].filter((point) => point.attributes.has('hit')).map((point) => point.metric.name)
      assert.deepEqual(hits, [name], `${path} of ${name}`)
    }
  }
})

test('what a point or a value of another type cannot take is an error, and nothing changes', () => {
  const wrong: readonly [name: string, statement: string, message: RegExp][] = [
    ['gauge', 'set(datapoint.count, 1)', /unsupported data point type: pmetric\.NumberDataPoint/],
    [
      'histogram',
      'set(datapoint.value_int, 1)',
      /expects pmetric\.NumberDataPoint but got pmetric\.HistogramDataPoint/,
    ],
    [
      'summary',
      'set(datapoint.scale, 1)',
      /expects pmetric\.ExponentialHistogramDataPoint but got pmetric\.SummaryDataPoint/,
    ],
    ['summary', 'set(datapoint.exemplars, datapoint.quantile_values)', /expects pmetric\.ExemplarSlice but got/],
    ['histogram', 'set(datapoint.count, "1")', /expects int64 but got string/],
    ['histogram', 'set(datapoint.sum, 1)', /expects float64 but got int64/],
    [
      'histogram',
      'set(datapoint.bucket_counts, ["x"])',
      /invalid value type provided for a slice of uint64: string, expected int64/,
    ],
    ['histogram', 'set(datapoint.bucket_counts, 1)', /cannot set a slice of uint64 from a value type: int64/],
    ['histogram', 'set(datapoint.explicit_bounds, [1])', /invalid value type provided for a slice of float64: int64/],
    [
      'exponential',
      'set(datapoint.positive, "x")',
      /expects pmetric\.ExponentialHistogramDataPointBuckets but got string/,
    ],
    ['sum', 'set(metric.data_points, "x")', /expects pmetric\.NumberDataPointSlice but got string/],
    ['sum', 'set(metric.aggregation_temporality, 7)', /7 is no aggregation temporality/],
    ['sum', 'set(metric.is_monotonic, "x")', /expects bool but got string/],
  ]
  for (const [name, statement, message] of wrong) {
    const where = `${statement} where metric.name == "${name}"`
    assert.throws(() => run(every(), [where]), message)
    const batch = every()
    assert.equal(run(batch, [where], {}, 'ignore'), batch)
  }
})

const copyMetric = metricEditor('copy', {}, () => (at) => {
  const copy = at.metric.clone()
  copy.name = `${copy.name}'`
  at.add(copy)
})
const options: CompileOptions = { functions: [copyMetric] }
const names = (batch: Metrics) =>
  [...batch].map((point) => `${point.metric.name} ${asText(point.attributes.get('seen') ?? null)}`.trim())

test('a function adds metrics, which later statements and the same ones visit in turn', () => {
  const two = newMetrics()
    .gauge('a', [{ value: 1 }])
    .gauge('b', [{ value: 2 }])
    .build()
  const copied = run(
    two,
    ['copy() where metric.name == "a"', 'set(metric.name, "renamed") where metric.name == "a\'"'],
    options,
  )
  assert.deepEqual(names(copied), ['a', 'b', 'renamed'])
  const perPoint = run(
    two,
    ['copy() where metric.name == "b"', 'set(datapoint.attributes["seen"], metric.name)'],
    options,
  )
  assert.deepEqual(names(perPoint), ['a a', 'b b', "b' b'"])
})

test('a function that copies its own copies ends with an error, not with the memory', () => {
  const one = newMetrics()
    .gauge('a', [{ value: 1 }])
    .build()
  assert.throws(() => run(one, ['copy() where metric.name != ""'], options), /narrow it with a where clause/)
  assert.equal(run(one, ['copy() where metric.name != ""'], options, 'ignore').count, 17)
})

test('while metrics are added, statements read and write the resource and the scope', () => {
  const two = newMetrics()
    .resource({ r: 1 })
    .scope('one')
    .gauge('a', [{ value: 1 }])
    .resource({ r: 2 })
    .gauge('b', [{ value: 2 }])
    .build()
  const made = metricEditor('make', {}, () => (at) => {
    if (at.metric.name !== 'made')
      at.add(newMetricDraft({ name: 'made', type: 'gauge', points: at.metric.points.map((p) => p.clone()) }))
  })
  const changed = run(
    two,
    [
      'make()',
      'set(resource.attributes["s"], scope.name)',
      'set(metric.unit, Concat([metric.unit, scope.name], "x")) where resource.attributes["r"] == 1',
    ],
    { functions: [made] },
  )
  assert.deepEqual(
    [...changed].map((p) => [
      p.metric.name,
      p.metric.unit,
      p.resource.attributes.get('r'),
      p.resource.attributes.get('s'),
    ]),
    [
      ['a', 'xone', 1, 'one'],
      ['made', 'xone', 1, 'one'],
      ['b', '', 2, ''],
      ['made', '', 2, ''],
    ],
  )
})
