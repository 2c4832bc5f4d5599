import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { bucketsOf } from './buckets.ts'
import { fixedSix, hex, timestamp } from './go-format.ts'
import { Lines } from './lines.ts'

const temporalities = ['Unspecified', 'Delta', 'Cumulative']
const typeNames: Readonly<Record<string, string>> = {
  gauge: 'Gauge',
  sum: 'Sum',
  histogram: 'Histogram',
  exponentialHistogram: 'ExponentialHistogram',
  summary: 'Summary',
}

export function detailedMetrics(resources: readonly Tree[]): string {
  const lines = new Lines()
  for (const [i, resource] of resources.entries()) {
    lines.add(`ResourceMetrics #${i}`)
    lines.resource(resource)
    for (const [j, scope] of resource.trees('scopeMetrics').entries()) {
      lines.add(`ScopeMetrics #${j}`)
      lines.add(`ScopeMetrics SchemaURL: ${scope.text('schemaUrl')}`)
      lines.scope(scope)
      for (const [k, metric] of scope.trees('metrics').entries()) addMetric(lines, k, metric)
    }
  }
  return String(lines)
}

function addMetric(lines: Lines, index: number, metric: Tree): void {
  const type = metric.member
  lines.add(`Metric #${index}`)
  lines.add('Descriptor:')
  lines.add(`     -> Name: ${metric.text('name')}`)
  lines.add(`     -> Description: ${metric.text('description')}`)
  lines.add(`     -> Unit: ${metric.text('unit')}`)
  lines.add(`     -> DataType: ${typeNames[type ?? ''] ?? 'Empty'}`)
  lines.attributes('     -> Metadata', metric.trees('metadata'))
  if (type === undefined) return
  const data = metric.tree(type)
  if (type === 'sum') lines.add(`     -> IsMonotonic: ${data.bool('isMonotonic')}`)
  if (type !== 'gauge' && type !== 'summary') {
    lines.add(`     -> AggregationTemporality: ${temporalities[data.number('aggregationTemporality')] ?? ''}`)
  }
  const addPoint = pointWriters[type]
  for (const [k, point] of data.trees('dataPoints').entries()) addPoint?.(lines, k, point)
}

const pointWriters: Readonly<Record<string, (lines: Lines, index: number, point: Tree) => void>> = {
  gauge: addNumber,
  sum: addNumber,
  histogram: addHistogram,
  exponentialHistogram: addExponential,
  summary: addSummary,
}

function addHead(lines: Lines, title: string, index: number, point: Tree): void {
  lines.add(`${title} #${index}`)
  lines.attributes('Data point attributes', point.trees('attributes'))
  lines.add(`StartTimestamp: ${timestamp(point.big('startTimeUnixNano'))}`)
  lines.add(`Timestamp: ${timestamp(point.big('timeUnixNano'))}`)
}

function addNumber(lines: Lines, index: number, point: Tree): void {
  addHead(lines, 'NumberDataPoints', index, point)
  if (point.member === 'asInt') lines.add(`Value: ${point.big('asInt')}`)
  if (point.member === 'asDouble') lines.add(`Value: ${fixedSix(point.number('asDouble'))}`)
  addExemplars(lines, point.trees('exemplars'))
}

function addDistribution(lines: Lines, point: Tree): void {
  lines.add(`Count: ${point.big('count')}`)
  if (point.has('sum')) lines.add(`Sum: ${fixedSix(point.number('sum'))}`)
  if (point.has('min')) lines.add(`Min: ${fixedSix(point.number('min'))}`)
  if (point.has('max')) lines.add(`Max: ${fixedSix(point.number('max'))}`)
}

function addHistogram(lines: Lines, index: number, point: Tree): void {
  addHead(lines, 'HistogramDataPoints', index, point)
  addDistribution(lines, point)
  for (const [i, bound] of point.numbers('explicitBounds').entries()) {
    lines.add(`ExplicitBounds #${i}: ${fixedSix(bound)}`)
  }
  for (const [i, count] of point.bigs('bucketCounts').entries()) lines.add(`Buckets #${i}, Count: ${count}`)
  addExemplars(lines, point.trees('exemplars'))
}

function addExponential(lines: Lines, index: number, point: Tree): void {
  addHead(lines, 'ExponentialHistogramDataPoints', index, point)
  addDistribution(lines, point)
  for (const { lower, upper, count } of bucketsOf(point, 'negative').toReversed()) {
    lines.add(`Bucket [${fixedSix(-upper)}, ${fixedSix(-lower)}), Count: ${count}`)
  }
  if (point.big('zeroCount') !== 0n) lines.add(`Bucket [0, 0], Count: ${point.big('zeroCount')}`)
  for (const { lower, upper, count } of bucketsOf(point, 'positive')) {
    lines.add(`Bucket (${fixedSix(lower)}, ${fixedSix(upper)}], Count: ${count}`)
  }
  addExemplars(lines, point.trees('exemplars'))
}

function addSummary(lines: Lines, index: number, point: Tree): void {
  addHead(lines, 'SummaryDataPoints', index, point)
  lines.add(`Count: ${point.big('count')}`)
  lines.add(`Sum: ${fixedSix(point.number('sum'))}`)
  for (const [i, quantile] of point.trees('quantileValues').entries()) {
    const at = fixedSix(quantile.number('quantile'))
    lines.add(`QuantileValue #${i}: Quantile ${at}, Value ${fixedSix(quantile.number('value'))}`)
  }
}

function addExemplars(lines: Lines, exemplars: readonly Tree[]): void {
  if (exemplars.length > 0) lines.add('Exemplars:')
  for (const [i, exemplar] of exemplars.entries()) {
    lines.add(`Exemplar #${i}`)
    lines.add(`     -> Trace ID: ${hex(exemplar.bytes('traceId'))}`)
    lines.add(`     -> Span ID: ${hex(exemplar.bytes('spanId'))}`)
    lines.add(`     -> Timestamp: ${timestamp(exemplar.big('timeUnixNano'))}`)
    if (exemplar.member === 'asInt') lines.add(`     -> Value: ${exemplar.big('asInt')}`)
    if (exemplar.member === 'asDouble') lines.add(`     -> Value: ${fixedSix(exemplar.number('asDouble'))}`)
    lines.attributes('     -> FilteredAttributes', exemplar.trees('filteredAttributes'))
  }
}
