/** Which paths and enums a statement can use, by the context in which it runs. */

import { kindOf, type OttlMap, toWire } from '../values.ts'
import { dataPointEnums, dataPointPaths } from './datapoint.ts'
import { exemplarPaths } from './exemplar.ts'
import { logEnums, logPaths } from './log.ts'
import { metricEnums, metricPaths } from './metric.ts'
import { otelcolPaths } from './otelcol.ts'
import type { PathSpec, PathTable } from './path.ts'
import { resourceItself, resourcePaths } from './resource.ts'
import { expects } from './scalars.ts'
import { scopeItself, scopePaths } from './scope.ts'
import { spanEnums, spanPaths } from './span.ts'
import { spanEventPaths } from './spanevent.ts'

export const contextNames = [
  'resource',
  'scope',
  'span',
  'spanevent',
  'metric',
  'datapoint',
  'exemplar',
  'log',
] as const
export type ContextName = (typeof contextNames)[number]

export interface OttlContext {
  readonly name: ContextName
  /** By the prefix of the path; a prefix alone (`resource`) is a path too. */
  readonly roots: Readonly<Record<string, { readonly self?: PathSpec; readonly paths: PathTable }>>
  readonly enums: Readonly<Record<string, number>>
}

const cache: PathSpec = {
  index: 'value',
  get: (frame) => frame.cache,
  set: (frame, value) =>
    frame.setCache(kindOf(value) === 'map' ? (toWire(value) as OttlMap) : expects('pcommon.Map', value)),
}

const resource = { self: resourceItself, paths: resourcePaths }
const scope = { self: scopeItself, paths: scopePaths }
const otelcol = { paths: otelcolPaths }
const around = { resource, scope, instrumentation_scope: scope, otelcol }

function own(paths: PathTable): { readonly paths: PathTable } {
  return { paths: { ...paths, cache } }
}

export const contexts: Readonly<Record<ContextName, OttlContext>> = {
  resource: { name: 'resource', roots: { resource: own(resourcePaths), otelcol }, enums: {} },
  scope: {
    name: 'scope',
    roots: { scope: own(scopePaths), instrumentation_scope: own(scopePaths), resource, otelcol },
    enums: {},
  },
  span: { name: 'span', roots: { span: own(spanPaths), ...around }, enums: spanEnums },
  spanevent: {
    name: 'spanevent',
    roots: { spanevent: own(spanEventPaths), span: { paths: spanPaths }, ...around },
    enums: spanEnums,
  },
  metric: { name: 'metric', roots: { metric: own(metricPaths), ...around }, enums: metricEnums },
  datapoint: {
    name: 'datapoint',
    roots: { datapoint: own(dataPointPaths), metric: { paths: metricPaths }, ...around },
    enums: { ...metricEnums, ...dataPointEnums },
  },
  exemplar: {
    name: 'exemplar',
    roots: {
      exemplar: own(exemplarPaths),
      datapoint: { paths: dataPointPaths },
      metric: { paths: metricPaths },
      ...around,
    },
    enums: {},
  },
  log: { name: 'log', roots: { log: own(logPaths), ...around }, enums: logEnums },
}

/** The most special context first: it sees what the others see. */
export const byPriority: readonly ContextName[] = [
  'log',
  'exemplar',
  'datapoint',
  'metric',
  'spanevent',
  'span',
  'scope',
  'resource',
]
