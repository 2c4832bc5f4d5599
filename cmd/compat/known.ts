/** Differences that are meant, or that are upstream's, each with its reason. Anything else fails the command. */
import type { Check, Disagreement } from './verdict.ts'

interface KnownDifference {
  readonly suite: string
  readonly case: RegExp
  readonly check: Check
  /** When only some of the case's findings are meant: a text of either side. */
  readonly oracle?: RegExp
  readonly vigil?: RegExp
  readonly reason: string
}

const atStart = 'upstream refuses this too, but only at start; every entry was tried'

const atExport = 'upstream refuses this too, but only at its first export, which never succeeds'
const goWords = "upstream's words come from how its Go type is built; Vigil says what to write"
const noProfiles = 'Vigil carries profiles and does not open them, so that nothing can be asked of them or done to them'
const withoutData = 'a metric without data makes upstream refuse the whole request; Vigil takes the others'
const v2WithoutGate = "for health_check's v2 keys Vigil does not ask for the feature gate as well"

const knownDifferences: readonly KnownDifference[] = [
  {
    suite: 'configs',
    case: /^edge: (cipher suite|curve|compression lz4 grpc|proxy_url bad|file exporter encoding dangling|logs encoding bad|metrics reader no port|metrics readers old format|metrics bad protocol|pprof empty endpoint)$/,
    check: 'verdict',
    reason: atStart,
  },
  {
    suite: 'mutations',
    case: /^null body: service\.telemetry\.(metrics\.readers\.(pull|periodic)|(logs|traces)\.processors\.(batch|simple))/,
    check: 'verdict',
    reason: atStart,
  },
  {
    suite: 'mutations',
    case: /^empty string: (service\.telemetry\.(logs\.encoding|.+\.otlp\.protocol)|extensions\.pprof\.endpoint) /,
    check: 'verdict',
    reason: atStart,
  },
  {
    suite: 'mutations',
    case: /^negative number: service\.telemetry\.metrics\.readers\.pull\.exporter\.prometheus\.port /,
    check: 'verdict',
    reason: atStart,
  },
  {
    suite: 'configs',
    case: /^edge: (grpc exporter foo:\/\/|http exporter no scheme)$/,
    check: 'verdict',
    reason: atExport,
  },
  {
    suite: 'mutations',
    case: /^null body: exporters\.\w+\.sending_queue\.batch /,
    check: 'position',
    reason: 'without batch, min_size is too large for queue_size: the mistake is in the section around both',
  },
  {
    suite: 'mutations',
    case: /^wrong type: exporters\.\w+\.sending_queue\.((batch\.)?sizer|storage) /,
    check: 'message',
    reason: goWords,
  },
  {
    suite: 'configs',
    case: /^edge: timestamp for string$/,
    check: 'message',
    reason: 'Vigil takes a date for text, as a user means it; here it is no endpoint',
  },
  {
    suite: 'configs',
    case: /^edge: batch\.timeout: 300000000000000000000$/,
    check: 'message',
    reason: 'upstream wraps the number around and calls it negative; Vigil says that it is no duration',
  },
  {
    suite: 'configs',
    case: /^edge: max_idle_conns negative$/,
    check: 'message',
    reason: 'Vigil still reads the keys that keepalive took the place of, for older configurations',
  },
  {
    suite: 'configs',
    case: /^edge: batch sizer requests$/,
    check: 'message',
    reason: 'Vigil names the mistake, upstream what follows from it',
  },
  {
    suite: 'configs',
    case: /^edge: health_check use_v2$/,
    check: 'verdict',
    reason: v2WithoutGate,
  },
  {
    suite: 'components',
    case: /./,
    check: 'verdict',
    vigil: /profiles pass through this build unopened|has invalid keys: profiles;/,
    reason: noProfiles,
  },
  {
    suite: 'components',
    case: /./,
    check: 'message',
    oracle:
      /failed to validate profiles configuration|unknown context "profile"|profile conditions|expected <opcomparison> Value/,
    vigil:
      /profiles pass through this build unopened|failed to validate (spans|datapoints|logs) configuration|unknown context profile/,
    reason: noProfiles,
  },
  {
    suite: 'components',
    case: /./,
    check: 'message',
    oracle: /(condition|statement) has invalid syntax|unable to parse OTTL|failed to parse (value )?OTTL/,
    // It points at the place.
    vigil: /\n +\^/,
    reason: 'Vigil says in its own words what is wrong with a statement, and where',
  },
  {
    suite: 'components',
    case: /k8sattributes.*bad_from_(labels|annotations)$/,
    check: 'message',
    vigil: /Must be one of: .*replicaset.*cronjob/,
    reason: 'as upstream since 0.160, which takes ReplicaSets and CronJobs too',
  },
  {
    suite: 'components',
    case: /^transform@.+ transform\/with_shared_cache_key$/,
    check: 'verdict',
    reason: 'shared_cache came with upstream 0.165; the Collector that this is compared with is 0.157',
  },
  {
    suite: 'components',
    case: /^filter@.+\/config_expr\.yaml /,
    check: 'verdict',
    reason: 'the older expressions of expr-lang are not in this build; the message says what to write in OTTL',
  },
  {
    suite: 'components',
    case: /^filter@.+ filter\/invalid_include_severity$/,
    check: 'message',
    reason: 'Vigil names the severity, and those that there are',
  },
  {
    suite: 'components',
    case: /k8s_?attributes\/bad_from_(labels|annotations)$/,
    check: 'message',
    reason: 'Vigil takes the labels and annotations of replica sets and cron jobs too',
  },
  {
    suite: 'components',
    case: /^metricstransform@.+\/config_invalid_regexp\.yaml /,
    check: 'message',
    reason: 'Vigil names the regular expression',
  },
  {
    suite: 'components',
    case: /^probabilisticsampler@.+\/invalid_inf\.yaml /,
    check: 'message',
    reason: 'infinity is refused as no number before anybody asks whether it is a rate',
  },
  {
    suite: 'components',
    case: /^healthcheck@.+ health_check\/v2-/,
    check: 'verdict',
    reason: v2WithoutGate,
  },
  {
    suite: 'components',
    case: /^healthcheck@.+ health_check\/v2-/,
    check: 'message',
    reason: v2WithoutGate,
  },
  {
    suite: 'transforms',
    case: /^(connectors\/(count|sum)|processors\/interval) /,
    check: 'output',
    oracle: /^request 1 was answered 503$/,
    reason: withoutData,
  },
  {
    suite: 'transforms',
    case: /^connectors\/count /,
    check: 'output',
    oracle: /^metrics: 0 of/,
    vigil: /"service\.name","value":\{"stringValue":"m"\}/,
    reason: withoutData,
  },
  {
    suite: 'transforms',
    case: /^processors\/interval /,
    check: 'output',
    oracle: /^metrics: \d of .*\n.*"name":"(gauge|no data)"/,
    vigil: /^metrics: (2 of .*\n.*"metadata"|0 of)/,
    reason: 'upstream loses the metadata of a metric, and sends on a metric without data',
  },
  {
    suite: 'transforms',
    case: /^processors\/metrics_transform groups and patterns$/,
    check: 'output',
    oracle: /^metrics: 2 of .*\n.*"grouped".*"scope":\{"scope":\{[^\n]*\}\}\}\n.*"grouped"/,
    vigil: /^metrics: 0 of/,
    reason: 'the group action of upstream sends on resources without a metric',
  },
  {
    suite: 'transforms',
    case: /^connectors\/exceptions logs /,
    check: 'output',
    oracle: /\n\{"resource":\{[^\n]*"scope":\{"scope":\{[^\n]*\}\}\}$/,
    vigil: /^logs: 0 of/,
    reason: 'upstream sends on scopes without a record, of spans without an exception',
  },
  {
    suite: 'transforms',
    case: /^connectors\/routing by span$/,
    check: 'output',
    vigil: /traces\/rest: 2 of/,
    reason: 'a resource without spans goes where the rest goes; upstream removes it on the way',
  },
  {
    suite: 'transforms',
    case: /^processors\/tail_sampling /,
    check: 'output',
    vigil: /"schemaUrl"/,
    reason: '0.157.0 loses the schema URLs of resources and scopes on the way; 0.165.0 keeps them, as Vigil does',
  },
  {
    suite: 'answers',
    case: /^HTTP: JSON negative time$/,
    check: 'output',
    reason: 'upstream answers 500 to JSON that it cannot read; OTLP wants 400, which tells the sender not to retry',
  },
  {
    suite: 'answers',
    case: /^HTTP: JSON with something after it$/,
    check: 'output',
    reason: 'upstream drops what follows the JSON in silence; Vigil drops nothing in silence',
  },
  {
    suite: 'cli',
    case: /^print-config/,
    check: 'output',
    vigil: /::max_bytes: \d+$/,
    reason: "a limit in bytes is Vigil's own, beside upstream's limits in requests and items",
  },
  {
    suite: 'cli',
    case: /^print-config/,
    check: 'output',
    vigil: /::sizer: "\w+"$/,
    reason: 'upstream cannot print a sizer and leaves it out, so that what it prints means something else',
  },
]

export function reasonFor({ suite, case: title, check, oracle, vigil }: Disagreement): string | undefined {
  const known = knownDifferences.find(
    (one) =>
      one.suite === suite &&
      one.case.test(title) &&
      one.check === check &&
      (one.oracle?.test(oracle) ?? true) &&
      (one.vigil?.test(vigil) ?? true),
  )
  return known?.reason
}
