/** Differences that are meant, or that are upstream's, each with its reason. Anything else fails the command. */
import type { Check, Disagreement } from './verdict.ts'

interface KnownDifference {
  readonly suite: string
  readonly case: RegExp
  readonly check: Check
  /** When only some of the case's findings are meant: a text of Vigil's side. */
  readonly vigil?: RegExp
  readonly reason: string
}

const atStart = 'upstream refuses this too, but only at start; every entry was tried'

const atExport = 'upstream refuses this too, but only at its first export, which never succeeds'
const goWords = "upstream's words come from how its Go type is built; Vigil says what to write"

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
    reason: 'with use_v2, Vigil does not ask for the feature gate as well',
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

export function reasonFor({ suite, case: title, check, vigil }: Disagreement): string | undefined {
  const known = knownDifferences.find(
    (one) => one.suite === suite && one.case.test(title) && one.check === check && (one.vigil?.test(vigil) ?? true),
  )
  return known?.reason
}
