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

const knownDifferences: readonly KnownDifference[] = [
  {
    suite: 'configs',
    case: /^edge: (cipher suite|curve|compression lz4 grpc|proxy_url bad|storage dangling|file exporter encoding dangling|logs encoding bad|metrics reader no port)$/,
    check: 'verdict',
    reason: atStart,
  },
  {
    suite: 'mutations',
    case: /^null body: service\.telemetry\.metrics\.readers\.pull/,
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
    suite: 'mutations',
    case: /^null body: exporters\.\w+\.sending_queue\.batch /,
    check: 'position',
    reason: 'without batch, min_size is too large for queue_size: the mistake is in the section around both',
  },
  {
    suite: 'answers',
    case: /^HTTP: JSON negative time$/,
    check: 'output',
    reason: 'upstream answers 500 to JSON that it cannot read; OTLP wants 400, which tells the sender not to retry',
  },
  {
    suite: 'cli',
    case: /^print-config/,
    check: 'output',
    vigil: /::max_bytes: \d+$/,
    reason: "a limit in bytes is Vigil's own, beside upstream's limits in requests and items",
  },
]

export function reasonFor({ suite, case: title, check, vigil }: Disagreement): string | undefined {
  const known = knownDifferences.find(
    (one) => one.suite === suite && one.case.test(title) && one.check === check && (one.vigil?.test(vigil) ?? true),
  )
  return known?.reason
}
