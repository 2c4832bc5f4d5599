/** Compares what two Collectors said about the same configuration. */
import type { Outcome, Program } from './program.ts'

export type Check = 'verdict' | 'exit code' | 'message' | 'valid values' | 'position' | 'output' | 'crash'

export interface Disagreement {
  readonly suite: string
  readonly case: string
  readonly check: Check
  /** What the real Collector did or said. */
  readonly oracle: string
  readonly vigil: string
  /** The configuration, where it is one that this command made. */
  readonly yaml?: string
}

/** Line and column from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

export type Finding = Omit<Disagreement, 'suite' | 'case'>

/** `places`: where the mistake stands; Vigil must name one of them. None: the mistake has no place of its own. */
export function compareVerdicts(
  oracle: Outcome,
  vigil: Outcome,
  subject: Program,
  places: readonly Place[] = [],
): Finding[] {
  const said = { oracle: brief(oracle), vigil: brief(vigil) }
  if (crashed(vigil)) return [{ check: 'crash', ...said }]
  if (panicked(oracle)) return []
  const valid = [oracle.exitCode === 0, vigil.exitCode === 0] as const
  if (valid[0] !== valid[1]) return [{ check: 'verdict', ...said }]
  const findings: Finding[] = []
  if (oracle.exitCode !== vigil.exitCode) findings.push({ check: 'exit code', ...said })
  if (valid[0]) {
    // Upstream's `validate` is silent on success, and scripts rely on that.
    if (vigil.stdout + vigil.stderr !== '') findings.push({ check: 'output', ...said })
    return findings
  }
  const missing = missingTexts(oracle.stderr, vigil.stderr)
  if (missing.length > 0) findings.push({ check: 'message', oracle: missing.join('\n'), vigil: said.vigil })
  const values = missingValues(oracle.stderr, vigil.stderr)
  if (values.length > 0) findings.push({ check: 'valid values', oracle: values.join(' '), vigil: said.vigil })
  const named = places.some(({ line, column }) => vigil.stderr.includes(`:${line}:${column} `))
  if (subject.namesPositions && places.length > 0 && !named) {
    const wanted = places.map(({ line, column }) => `:${line}:${column}`).join(' or ')
    findings.push({ check: 'position', oracle: wanted, vigil: said.vigil })
  }
  return findings
}

const wrapper = 'decoding failed due to the following error(s):'
const valuesList = /\(valid values: \[([^\]]*)\]\)/
const prefixes = [
  /^Error: /,
  /^invalid configuration: /,
  /^failed to get config: /,
  /^cannot (unmarshal|resolve|retrieve) the configuration: /,
  /^retrieved value \(type=string\) cannot be used as a Conf: /,
  /^failed to build pipelines: /,
  /^failed to create "[^"]*" \w+( for data type "\w+"|, in pipeline "[^"]*"): /,
  /^'[^']*' /,
  /^error reading configuration for "[^"]*": /,
  // `processors::batch: ` and what only Go's struct names add to it: `exporters::otlp_grpc::clientconfig: `
  /^(receivers|processors|exporters|connectors|extensions|service)(::[^\s:]+)*: /,
  /^(serverconfig|clientconfig|config|timeoutconfig|netaddr|tls|batch|partition)(::[^\s:]+)*: /,
  /^line \d+: /,
]

/** The parts of an error text that users search for: without wrappers, Go type names and paths. */
export function keyTexts(stderr: string): string[] {
  const texts = stderr.split('\n').map((line) => line.trim())
  const keys = texts.filter((line) => !line.endsWith(wrapper)).map(unwrap)
  return [...new Set(keys.filter((key) => key !== '' && !key.endsWith('unmarshal errors:')))]
}

function unwrap(line: string): string {
  let text = line
  for (let before = ''; before !== text; ) {
    before = text
    for (const prefix of prefixes) text = text.replace(prefix, '')
  }
  // What a YAML parser says of broken syntax is its own affair.
  if (text.startsWith('assuming string type since contents are not valid YAML')) return 'not valid YAML'
  // Which of two equal names comes second is Go's map order.
  if (text.startsWith('duplicate name ')) return 'duplicate name '
  return withoutGoTypes(text.replace(valuesList, '')).trim()
}

/** Which Go type a field has is nobody's business: `expected type 'uint32', got ...`. */
function withoutGoTypes(text: string): string {
  return text.replace(/expected type '[^']*'/g, 'expected type').replace(/'u?int\d*'/g, "'int'")
}

function missingTexts(oracle: string, vigil: string): string[] {
  return keyTexts(oracle).filter((key) => !mentions(withoutGoTypes(vigil), key))
}

/** Order is Go's map order in some messages, so a list of keys counts as named when each of them is. */
function mentions(stderr: string, key: string): boolean {
  if (stderr.includes(key)) return true
  const invalid = /^has invalid keys: (.*)$/.exec(key)?.[1]
  if (invalid === undefined) return false
  return invalid.split(', ').every((name) => new RegExp(`has invalid keys: .*\\b${quote(name)}\\b`).test(stderr))
}

/** Vigil may know more types, never fewer, of those that both were asked about. */
function missingValues(oracle: string, vigil: string): string[] {
  const wanted = valuesIn(oracle)
  const listed = valuesIn(vigil)
  return listed.size === 0 ? [] : [...wanted].filter((value) => !listed.has(value))
}

function valuesIn(stderr: string): Set<string> {
  const lists = stderr.matchAll(new RegExp(valuesList, 'g'))
  return new Set([...lists].flatMap((match) => (match[1] ?? '').split(' ')).filter((value) => value !== ''))
}

/** Upstream itself dies of some configurations, which is no verdict to agree with. */
function panicked({ exitCode, stderr }: Outcome): boolean {
  return exitCode === 2 && stderr.startsWith('panic: ')
}

/** A stack trace where an answer should be. */
export function crashed({ stderr }: Outcome): boolean {
  return /^\s+at .+(:\d+:\d+\)?|\(native\)|<anonymous>\))$/m.test(stderr) || /^Node\.js v\d/m.test(stderr)
}

export function brief({ exitCode, stdout, stderr }: Outcome): string {
  const text = `${stdout}${stderr}`.trim()
  return `exit ${exitCode}${text === '' ? '' : `: ${text.slice(0, 1500)}`}`
}

function quote(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
