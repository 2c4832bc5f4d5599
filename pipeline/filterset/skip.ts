/** `include` and `exclude` as one question for each item: is it to be left alone? */
import type { Attributes, In, LogRecord, Metric, Resource, Scope, Span } from '../data/telemetry.ts'
import { key } from '../data/value.ts'
import { errorMessage } from '../error-message.ts'
import { asText } from '../ottl/values.ts'
import { attributesTest } from './attribute-match.ts'
import { type IncludeExclude, type Match, problemFor, spanKinds } from './match-keys.ts'
import { type TextTest, textSet } from './text-set.ts'

export type Skip<T> = (item: T) => boolean

/** Undefined = nothing is skipped. Throws what is wrong in upstream's words. */
export function skipSpans(settings: IncludeExclude): Skip<Span & In> | undefined {
  return skip(settings, spanMatcher)
}
export function skipLogs(settings: IncludeExclude): Skip<LogRecord & In> | undefined {
  return skip(settings, logMatcher)
}
export function skipMetrics(settings: IncludeExclude): Skip<Metric> | undefined {
  return skip(settings, metricMatcher)
}

function skip<T>({ include, exclude }: IncludeExclude, matcher: (match: Match) => Skip<T> | undefined) {
  const isIncluded = include && matcher(include)
  const isExcluded = exclude && matcher(exclude)
  if (isIncluded === undefined) return isExcluded
  if (isExcluded === undefined) return (item: T) => !isIncluded(item)
  return (item: T) => !isIncluded(item) || isExcluded(item)
}

const serviceName = key('service.name')

function spanMatcher(match: Match): Skip<Span & In> {
  const problem = problemFor('traces', match)
  if (problem !== undefined) throw new Error(problem)
  const isService = ofTexts(match, 'services', 'service name')
  const isName = ofTexts(match, 'span_names', 'span name')
  const isKind = ofTexts(match, 'span_kinds', 'span kind')
  const isResource = ofResource(match)
  const isPlace = once<Resource>(
    (resource) => (isService === undefined || isService(serviceOf(resource))) && isResource(resource),
  )
  const isScope = ofScope(match)
  const hasAttributes = ofAttributes(match)
  // What neighbours share comes first: its answer is known.
  return (span) =>
    isPlace(span.resource) &&
    (isScope === undefined || isScope(span.scope)) &&
    (isKind === undefined || isKind(spanKinds[span.kind] ?? '')) &&
    (isName === undefined || isName(span.name)) &&
    (hasAttributes === undefined || hasAttributes(span.attributes))
}

/** Upstream's name for a service that tells none. */
function serviceOf(resource: Resource): string {
  const name = resource.attributes.get(serviceName)
  return name === undefined ? '<nil-service-name>' : asText(name)
}

function logMatcher(match: Match): Skip<LogRecord & In> {
  const problem = problemFor('logs', match)
  if (problem !== undefined) throw new Error(problem)
  const isBody = ofTexts(match, 'log_bodies', 'log record body')
  const isText = ofTexts(match, 'log_severity_texts', 'log record severity text')
  const severity = match.log_severity_number
  const isResource = once<Resource>(ofResource(match))
  const isScope = ofScope(match)
  const hasAttributes = ofAttributes(match)
  return (record) =>
    (severity === undefined ||
      (record.severityNumber === 0 ? severity.match_undefined : record.severityNumber >= severity.min)) &&
    (isText === undefined || isText(record.severityText)) &&
    isResource(record.resource) &&
    (isScope === undefined || isScope(record.scope)) &&
    (isBody === undefined || isBody(asText(record.body))) &&
    (hasAttributes === undefined || hasAttributes(record.attributes))
}

/** As upstream, metrics go by their name alone: `resources` passes the check of the configuration and matches everything. */
function metricMatcher(match: Match): Skip<Metric> | undefined {
  const problem = problemFor('metrics', match)
  if (problem !== undefined) throw new Error(problem)
  if (match.metric_names.length === 0) return undefined
  const isName = textSet(match.metric_names, match)
  return once((metric) => isName(metric.name))
}

function ofTexts(
  match: Match,
  key: 'services' | 'span_names' | 'span_kinds' | 'log_bodies' | 'log_severity_texts',
  what: string,
): TextTest | undefined {
  return match[key].length > 0 ? within(`error creating ${what} filters`, () => textSet(match[key], match)) : undefined
}

function ofAttributes(match: Match): ((attributes: Attributes) => boolean) | undefined {
  return match.attributes.length > 0
    ? within('error creating attribute filters', () => attributesTest(match.attributes, match))
    : undefined
}

function ofResource(match: Match): (resource: Resource) => boolean {
  if (match.resources.length === 0) return () => true
  const test = within('error creating resource filters', () => attributesTest(match.resources, match))
  return (resource) => test(resource.attributes)
}

/** All libraries must be the scope's, as upstream has it. */
function ofScope(match: Match): ((scope: Scope) => boolean) | undefined {
  if (match.libraries.length === 0) return undefined
  const tests = match.libraries.map(({ name, version }) => {
    const isName = within('error creating library name filters', () => textSet([name], match))
    const isVersion =
      version === undefined
        ? undefined
        : within('error creating library version filters', () => textSet([version], match))
    return (scope: Scope) => isName(scope.name) && (isVersion === undefined || isVersion(scope.version))
  })
  return once((scope) => tests.every((test) => test(scope)))
}

/** Neighbours have the same resource, scope or metric: it is asked once. */
function once<T extends object>(test: (of: T) => boolean): (of: T) => boolean {
  let last: WeakRef<T> | undefined
  let answer = false
  return (of) => {
    if (last?.deref() !== of) {
      answer = test(of)
      last = new WeakRef(of)
    }
    return answer
  }
}

function within<T>(what: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new Error(`${what}: ${errorMessage(cause)}`, { cause })
  }
}
