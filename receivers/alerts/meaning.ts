/** What labels and names of an alert say: how bad it is, what kind of thing is wrong, whether it is a page, what it is about. */
import type { KnownServices } from '../../pipeline/capability/known-services.ts'
import { compileGlob } from '../../pipeline/ottl/glob.ts'
import { type AnomalyType, anomalyTypes } from '../../pipeline/vocabulary/anomaly.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import type { Config } from './config.ts'
import type { ForeignAlert, Labels } from './foreign-alert.ts'

export interface Meaning {
  severity(alert: ForeignAlert): Severity
  type(alert: ForeignAlert): AnomalyType
  isPage(alert: ForeignAlert): boolean
  /** Whether it says nothing about the system. */
  isIgnored(alert: ForeignAlert): boolean
  /** Empty where no label says it. */
  owner(alert: ForeignAlert): string
  entity(alert: ForeignAlert): Promise<Entity>
}

const severityWords: readonly (readonly [Severity, readonly string[]])[] = [
  ['critical', ['critical', 'crit', 'fatal', 'emergency', 'disaster', 'page', 'p1', 'sev1', 'sev0', '1']],
  ['high', ['high', 'error', 'err', 'major', 'urgent', 'p2', 'sev2', '2']],
  ['medium', ['medium', 'warning', 'warn', 'average', 'moderate', 'ticket', 'p3', 'sev3', '3']],
  ['low', ['low', 'info', 'information', 'notice', 'minor', 'none', 'ok', 'p4', 'p5', 'sev4', 'sev5', '4', '5']],
]
const severityLabels = ['severity', 'priority', 'level', 'urgency']
const typeLabels = ['vigil_type', 'type', 'category', 'signal', 'symptom']

/** Words of an alert's name or type; the first line that has one counts. */
const typeWords: readonly (readonly [AnomalyType, RegExp])[] = [
  // Grafana's own names for a rule that has nothing to look at.
  ['blind', /\b(datasource ?no ?data|datasource ?error|telemetry|scrape|scraping)\b/],
  ['slo_burn', /\b(slo|burn|error ?budget)\b/],
  ['leaking', /\b(leak\w*)\b/],
  ['restarting', /\b(restart\w*|crash ?loop\w*|crashing|oom ?kill\w*|oom)\b/],
  ['backlog', /\b(lag|lagging|backlog|queue|queued|consumer ?group|unacked|pending)\b/],
  ['cache_misses', /\b(cache|hit ?ratio|misses)\b/],
  ['slow', /\b(latency|latencies|slow\w*|response ?time|duration|p9\d|timeouts?)\b/],
  ['failing', /\b(errors?|failures?|failing|failed|5xx|unavailable|exceptions?)\b/],
  ['silent', /\b(down|absent|missing|unreachable|dead|offline|no ?data|not ?ready)\b/],
  [
    'saturated',
    /\b(cpu|memory|disk|filesystem|saturat\w*|throttl\w*|full|pool|connections|exhaust\w*|usage|utili[sz]ation|load)\b/,
  ],
  ['surge', /\b(surge|spike|traffic ?high|high ?traffic)\b/],
  ['drop', /\b(drop|dropped|traffic ?low|low ?traffic|decreas\w*)\b/],
]

export function meaningOf(settings: Config, services: KnownServices): Meaning {
  const types = settings.types.map(({ alert, type }) => ({ glob: compileGlob(alert), type }))
  const ignored = settings.ignore.map(compileGlob)
  const pages = Object.entries(settings.wakes).map(
    ([label, values]) => [label, new Set(values.map((one) => one.toLowerCase()))] as const,
  )
  return {
    severity: ({ labels }) => severityOf(labels),
    type: ({ name, labels }) => types.find(({ glob }) => glob.test(name))?.type ?? typeOf(name, labels),
    isPage: ({ labels }) => pages.some(([label, values]) => values.has((labels.get(label) ?? '').toLowerCase())),
    isIgnored: ({ name }) => ignored.some((glob) => glob.test(name)),
    owner: ({ labels }) => firstOf(labels, settings.owner_labels),
    async entity({ name, labels }) {
      const first = (names: readonly string[]) => firstOf(labels, names)
      const where = {
        environment: first(settings.environment_labels),
        namespace: first(settings.namespace_labels),
        cluster: first(settings.cluster_labels),
      }
      const found = await services.find(
        settings.service_labels.map((one) => labels.get(one) ?? ''),
        where,
      )
      if (found !== undefined) return found
      const cluster = where.cluster || settings.cluster
      const node = first(settings.node_labels)
      const common = { cluster, environment: '', namespace: '', service: '' }
      // host:port of a scrape is its host.
      if (node !== '') return { ...common, kind: 'node', name: node.replace(/:\d+$/, '') }
      return { ...common, kind: 'external', name }
    },
  }
}

function firstOf(labels: Labels, names: readonly string[]): string {
  return names.map((one) => labels.get(one) ?? '').find((value) => value !== '') ?? ''
}

function severityOf(labels: Labels): Severity {
  for (const label of severityLabels) {
    const word = labels.get(label)?.toLowerCase()
    const found = word === undefined ? undefined : severityWords.find(([, words]) => words.includes(word))
    if (found !== undefined) return found[0]
  }
  return 'medium'
}

function typeOf(name: string, labels: Labels): AnomalyType {
  for (const label of typeLabels) {
    const word = labels.get(label)?.toLowerCase() ?? ''
    const type = anomalyTypes.find((one) => one === word) ?? byWords(word)
    if (type !== undefined) return type
  }
  return byWords(name) ?? 'unusual'
}

const longestName = 200

/** `HighRequestLatency_p99` has the words high, request, latency, p99. */
function byWords(name: string): AnomalyType | undefined {
  if (name === '') return undefined
  const words = name
    .slice(0, longestName)
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replaceAll(/[^A-Za-z\d]+/g, ' ')
    .toLowerCase()
  return typeWords.find(([, pattern]) => pattern.test(words))?.[0]
}
