/** About a line for each item, as upstream's verbosity `normal` writes it. */
import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { bucketsOf } from './buckets.ts'
import { attributeAt } from './detailed-profiles.ts'
import { fixedSix, hex, shortest } from './go-format.ts'
import { valueText } from './value-text.ts'

export function normalTraces(resources: readonly Tree[]): string {
  return envelopes(resources, 'Traces', 'scopeSpans', (scope) =>
    scope.trees('spans').map((span) => {
      const attributes = pairs(span.trees('attributes'))
      const ids = `${hex(span.bytes('traceId'))} ${hex(span.bytes('spanId'))}`
      return [`${span.text('name')} ${ids}`, ...attributes].join(' ')
    }),
  )
}

export function normalLogs(resources: readonly Tree[]): string {
  return envelopes(resources, 'Log', 'scopeLogs', (scope) =>
    scope
      .trees('logRecords')
      .map((record) => `${valueText(record.tree('body'))} ${pairs(record.trees('attributes')).join(' ')}`),
  )
}

export function normalMetrics(resources: readonly Tree[]): string {
  return envelopes(resources, 'Metrics', 'scopeMetrics', (scope) => scope.trees('metrics').flatMap(pointLines))
}

export function normalProfiles(request: Tree): string {
  const dictionary = request.tree('dictionary')
  return envelopes(request.trees('resourceProfiles'), 'Profiles', 'scopeProfiles', (scope) =>
    scope.trees('profiles').map((profile) => {
      const attributes = profile
        .numbers('attributeIndices')
        .map((place) => attributeAt(dictionary, place, '=', valueText))
      const head = `${hex(profile.bytes('profileId'))} samples=${profile.trees('samples').length}`
      return [head, ...attributes].join(' ')
    }),
  )
}

function envelopes(
  resources: readonly Tree[],
  noun: string,
  scopes: string,
  linesOf: (scope: Tree) => readonly string[],
): string {
  const lines: string[] = []
  for (const [i, resource] of resources.entries()) {
    const url = resource.text('schemaUrl')
    const attributes = spaced(resource.tree('resource').trees('attributes'))
    lines.push(`Resource${noun} #${i}${url === '' ? '' : ` [${url}]`}${attributes}`)
    for (const [j, holder] of resource.trees(scopes).entries()) {
      lines.push(`Scope${noun} #${j}${scopeDetails(holder)}${spaced(holder.tree('scope').trees('attributes'))}`)
      // Not a spread: a batch may have more items than a call takes arguments.
      for (const line of linesOf(holder)) lines.push(line)
    }
  }
  return lines.map((line) => `${line}\n`).join('')
}

function scopeDetails(holder: Tree): string {
  const scope = holder.tree('scope')
  const version = scope.text('version')
  const url = holder.text('schemaUrl')
  const named = `${scope.text('name')}${version === '' ? '' : `@${version}`}`
  const details = [named, url === '' ? '' : `[${url}]`].filter((part) => part !== '').join(' ')
  return details === '' ? '' : ` ${details}`
}

function pairs(entries: readonly Tree[]): string[] {
  return entries.map((entry) => `${entry.text('key')}=${valueText(entry.tree('value'))}`)
}
function spaced(entries: readonly Tree[]): string {
  return pairs(entries)
    .map((pair) => ` ${pair}`)
    .join('')
}

function pointLines(metric: Tree): string[] {
  if (metric.member === undefined) return []
  const textOf = pointTexts[metric.member]
  return metric
    .tree(metric.member)
    .trees('dataPoints')
    .map((point) => `${metric.text('name')}{${pairs(point.trees('attributes')).join(',')}} ${textOf?.(point) ?? ''}`)
}

const pointTexts: Readonly<Record<string, (point: Tree) => string>> = {
  gauge: numberText,
  sum: numberText,
  histogram: histogramText,
  exponentialHistogram: exponentialText,
  summary: summaryText,
}

function numberText(point: Tree): string {
  if (point.member === 'asInt') return String(point.big('asInt'))
  return point.member === 'asDouble' ? shortest(point.number('asDouble')) : ''
}

function distributionParts(point: Tree): string[] {
  const present = ['sum', 'min', 'max'].filter((name) => point.has(name))
  return [`count=${point.big('count')}`, ...present.map((name) => `${name}=${shortest(point.number(name))}`)]
}

function histogramText(point: Tree): string {
  const bounds = point.numbers('explicitBounds')
  const parts = point.bigs('bucketCounts').map((count, i) => {
    const bound = bounds[i]
    return bound === undefined ? String(count) : `le${shortest(bound)}=${count}`
  })
  return [...distributionParts(point), ...parts].join(' ')
}

function exponentialText(point: Tree): string {
  const negative = bucketsOf(point, 'negative').toReversed()
  return [
    ...distributionParts(point),
    ...negative.map(({ lower, count }) => `le${shortest(-lower)}=${count}`),
    ...(point.big('zeroCount') === 0n ? [] : [`zero=${point.big('zeroCount')}`]),
    ...bucketsOf(point, 'positive').map(({ upper, count }) => `le${shortest(upper)}=${count}`),
  ].join(' ')
}

function summaryText(point: Tree): string {
  const quantiles = point.trees('quantileValues').map((quantile) => {
    return `q${shortest(quantile.number('quantile'))}=${shortest(quantile.number('value'))}`
  })
  return [`count=${point.big('count')}`, `sum=${fixedSix(point.number('sum'))}`, ...quantiles].join(' ')
}
