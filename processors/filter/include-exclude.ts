/** The oldest form: `include` and `exclude` by properties, as tests of what goes. */
import { attributesTest } from '../../pipeline/filterset/attribute-match.ts'
import type { Match } from '../../pipeline/filterset/match-keys.ts'
import { skipLogs, skipMetrics, skipSpans } from '../../pipeline/filterset/skip.ts'
import type { Filtered } from './compile.ts'
import type { Config, LogMatch, MetricMatch } from './config.ts'
import { severityNumber } from './severity.ts'
import type { Step, Test } from './steps.ts'

/** Undefined = nothing is configured. Throws what is wrong in upstream's words. */
export function legacyStep(signal: Filtered, settings: Config): Step | undefined {
  const nothing = { resource: [], scope: [], item: [], part: [] }
  switch (signal) {
    case 'traces': {
      const skips = skipSpans(settings.spans)
      return skips && { ...nothing, item: [(frame) => skips(frame.span!)] }
    }
    case 'metrics': {
      const { include, exclude } = settings.metrics
      const skips = skipMetrics({ include: nameMatch(include), exclude: nameMatch(exclude) })
      const resource = resourceTests(include, exclude)
      if (skips === undefined && resource.length === 0) return undefined
      return { ...nothing, resource, item: skips === undefined ? [] : [(frame) => skips(frame.metric!)] }
    }
    case 'logs': {
      const { include, exclude } = settings.logs
      const skips = skipLogs({ include: logMatch(include), exclude: logMatch(exclude) })
      return skips && { ...nothing, item: [(frame) => skips(frame.log!)] }
    }
  }
}

const noMatch: Match = {
  match_type: '',
  services: [],
  span_names: [],
  span_kinds: [],
  log_bodies: [],
  log_severity_texts: [],
  metric_names: [],
  attributes: [],
  resources: [],
  libraries: [],
}

/** Metrics of another name and resources with other attributes go each for itself. */
function nameMatch(match: MetricMatch | undefined): Match | undefined {
  if (match === undefined || match.metric_names.length === 0 || match.match_type === 'expr') return undefined
  const { match_type, regexp, metric_names } = match
  return { ...noMatch, match_type, regexp, metric_names }
}

function resourceTests(include: MetricMatch | undefined, exclude: MetricMatch | undefined): readonly Test[] {
  const tests: Test[] = []
  for (const [match, isIncluded] of [
    [include, true],
    [exclude, false],
  ] as const) {
    if (match === undefined || match.resource_attributes.length === 0) continue
    const matches = attributesTest(match.resource_attributes, match)
    tests.push((frame) => matches(frame.resource.attributes) !== isIncluded)
  }
  return tests
}

function logMatch(match: LogMatch | undefined): Match | undefined {
  if (match === undefined) return undefined
  const { match_type, resource_attributes, record_attributes, severity_texts, severity_number, bodies } = match
  const texts = resource_attributes.length + record_attributes.length + severity_texts.length + bodies.length
  if (texts === 0 && severity_number === undefined) return undefined
  return {
    ...noMatch,
    match_type,
    resources: resource_attributes,
    attributes: record_attributes,
    log_severity_texts: severity_texts,
    log_bodies: bodies,
    log_severity_number: severity_number && {
      min: severityNumber(severity_number.min) ?? 0,
      match_undefined: severity_number.match_undefined,
    },
  }
}
