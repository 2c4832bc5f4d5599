/** The functions that only the transform processor has, on the messages, spans and metrics of upstream's own tables: `testdata` has what upstream makes of them. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { newMetrics } from '../../../pipeline/data/builders.ts'
import type { Metrics } from '../../../pipeline/data/telemetry.ts'
import { compileStatements, type ErrorMode } from '../../../pipeline/ottl/compile.ts'
import { contextNames } from '../../../pipeline/ottl/contexts/contexts.ts'
import { Runner } from '../../../pipeline/ottl/run.ts'
import { testHost } from '../../../pipeline/ottl/testing.ts'
import { describeUpstream } from '../../../pipeline/testing/upstream/describe.ts'
import { transformFunctions } from '../functions.ts'
import factory from '../index.ts'

await describeUpstream(factory, import.meta.dirname)

test('each context has the functions that upstream registers there', () => {
  const names = contextNames.map((name) => [name, transformFunctions(name).map((spec) => spec.name)])
  assert.deepEqual(Object.fromEntries(names), {
    resource: [],
    scope: [],
    span: ['set_semconv_span_name'],
    spanevent: [],
    metric: [
      'convert_sum_to_gauge',
      'convert_gauge_to_sum',
      'extract_sum_metric',
      'extract_count_metric',
      'extract_percentile_metric',
      'copy_metric',
      'scale_metric',
      'aggregate_on_attributes',
      'aggregate_on_attribute_value',
      'convert_exponential_histogram_to_histogram',
      'convert_summary_quantile_val_to_gauge',
    ],
    exemplar: [],
    datapoint: ['convert_summary_sum_val_to_sum', 'convert_summary_count_val_to_sum', 'merge_histogram_buckets'],
    log: ['ParseCLF', 'ParseCEF', 'ParseLEEF'],
  })
})

const wrong: readonly [statement: string, context: 'metric' | 'datapoint' | 'span' | 'log', message: RegExp][] = [
  ['convert_gauge_to_sum("sideways", true)', 'metric', /unknown aggregation temporality: sideways/],
  ['convert_summary_sum_val_to_sum("", true)', 'datapoint', /unknown aggregation temporality: /],
  ['convert_summary_count_val_to_sum("x", true)', 'datapoint', /unknown aggregation temporality: x/],
  [
    'aggregate_on_attributes("most")',
    'metric',
    /invalid aggregation function: .*most.* valid options: sum, mean, min, max, median, count/,
  ],
  ['aggregate_on_attribute_value("most", "a", ["b"], "c")', 'metric', /invalid aggregation function/],
  ['convert_exponential_histogram_to_histogram("upper", [])', 'metric', /explicit bounds cannot be empty/],
  [
    'convert_exponential_histogram_to_histogram("lower", [1.0])',
    'metric',
    /invalid conversion function: lower, must be one of/,
  ],
  ['extract_percentile_metric(0.0)', 'metric', /percentile must be greater than 0 and less than 100, got 0\.000000/],
  ['extract_percentile_metric(101.0)', 'metric', /got 101\.000000/],
  [
    'merge_histogram_buckets(1.0, "all")',
    'datapoint',
    /unsupported method "all", expected "remove_explicit_bound" or "limit_buckets"/,
  ],
  [
    'set_semconv_span_name("1.36.0")',
    'span',
    /unsupported semconv version "1\.36\.0": must be between 1\.37\.0 and 1\.40\.0/,
  ],
  ['set_semconv_span_name("1.41.0")', 'span', /unsupported semconv version/],
  ['set_semconv_span_name("latest")', 'span', /failed to parse semconv version "latest"/],
  ['set_semconv_span_name("1.37.0", "")', 'span', /originalSpanNameAttribute cannot be an empty string/],
  ['set(log.body, ParseCLF(log.body, "w3c"))', 'log', /invalid format "w3c": must be "clf" or "combined"/],
]

test('arguments that can never work are problems of the statement', () => {
  for (const [statement, context, message] of wrong) {
    assert.throws(() => compileStatements([statement], context, { functions: transformFunctions }), message, statement)
  }
  for (const version of ['1.37.0', '1.38.0', '1.39.0', '1.40.0', 'v1.38', '1.40']) {
    compileStatements([`set_semconv_span_name("${version}", "o")`], 'span', { functions: transformFunctions })
  }
})

function run(batch: Metrics, statement: string, context: 'metric' | 'datapoint', errorMode: ErrorMode = 'propagate') {
  const group = compileStatements([statement], context, { functions: transformFunctions })
  return new Runner(group, { host: testHost(), errorMode }).run(batch)
}

test('what a function cannot do to a metric is an error, and the metric stays', () => {
  const batch = newMetrics()
    .summary('summary', [{ count: 1, quantiles: [{ quantile: 0.5, value: 1 }] }])
    .exponentialHistogram('exponential', [{ count: 1, positive: { counts: [1] } }])
    .histogram('odd', [{ count: 9, bounds: [1, 2], counts: [9] }])
    .build()
  const refused: readonly [statement: string, context: 'metric' | 'datapoint', message: RegExp][] = [
    [
      'aggregate_on_attributes("sum") where name == "summary"',
      'metric',
      /does not support aggregating Summary metrics/,
    ],
    // Upstream empties the summary here without a word.
    [
      'aggregate_on_attribute_value("sum", "a", ["b"], "c") where name == "summary"',
      'metric',
      /does not support aggregating Summary/,
    ],
    ['scale_metric(2.0) where name == "exponential"', 'metric', /exponential histograms are not supported/],
    [
      'extract_percentile_metric(50.0) where name == "odd"',
      'metric',
      /bucketCounts length \(1\) != explicitBounds length \(2\) \+ 1/,
    ],
    [
      'merge_histogram_buckets(1.5, "limit_buckets") where metric.name == "odd"',
      'datapoint',
      /target_value must be a positive integer/,
    ],
    ['merge_histogram_buckets(nil) where metric.name == "odd"', 'datapoint', /target_value must not be nil/],
  ]
  for (const [statement, context, message] of refused) {
    assert.throws(() => run(batch, statement, context), message)
    assert.equal(run(batch, statement, context, 'ignore'), batch)
  }
  assert.throws(
    () =>
      run(
        newMetrics()
          .gauge('g', [{ value: 1 }])
          .build(),
        'extract_sum_metric(true)',
        'metric',
      ),
    /extract_sum_metric requires an input metric of type Histogram, ExponentialHistogram or Summary, got Gauge/,
  )
})

test('chance distributes a bucket over the bounds it touches, and loses nothing, however large the count', () => {
  for (const count of [1n, 1_000n, 10n ** 15n]) {
    const batch = newMetrics()
      .exponentialHistogram('e', [{ count, scale: 0, positive: { offset: 0, counts: [0, 0, 0, 0, count] } }])
      .build()
    const [point] = run(
      batch,
      'convert_exponential_histogram_to_histogram("random", [8.0, 20.0, 24.0, 28.0, 64.0])',
      'metric',
    )
    const { counts } = point!.distribution!
    assert.equal(
      counts.reduce((sum, n) => sum + n, 0n),
      count,
    )
    assert.equal(counts[0], 0n)
  }
})

test('where upstream loses or invents something, it stays: counts of one, sums that nobody sent, gaps between buckets', () => {
  const point = { timeUnixNano: 1n, count: 2 }
  const batch = newMetrics()
    .gauge('one', [{ timeUnixNano: 1n, value: 40, attributes: { a: 'x' } }])
    .histogram('no sums', [
      { ...point, bounds: [1], counts: [1, 1] },
      { ...point, bounds: [1], counts: [2, 0] },
    ])
    .exponentialHistogram('gap', [
      { ...point, positive: { offset: 10, counts: [2] } },
      { ...point, positive: { offset: 2, counts: [1, 0, 1] } },
    ])
    .build()
  const [one, sums, gap] = run(batch, 'aggregate_on_attributes("count")', 'metric')
  assert.equal(one!.value, 1)
  assert.deepEqual([sums!.distribution!.sum, [...sums!.distribution!.counts]], [undefined, [3n, 1n]])
  const { offset, counts } = gap!.distribution!.exponential!.positive
  assert.deepEqual([offset, [...counts]], [2, [1n, 0n, 1n, 0n, 0n, 0n, 0n, 0n, 2n]])
})
