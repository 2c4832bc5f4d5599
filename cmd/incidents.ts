/** `incidents`, `diagnose` and `what-changed`: what Vigil found, from the file that it writes its events to. They ask no running process and change nothing. */
import { type Command, Option } from 'commander'
import { diagnosisMessage, incidentMessage, line, plainText, type Wording } from '../exporters/notify/message.ts'
import { parseDuration } from '../pipeline/config/duration.ts'
import { type Change, readChange } from '../pipeline/vocabulary/change.ts'
import { type Diagnosis, readDiagnosis } from '../pipeline/vocabulary/diagnosis.ts'
import { entityLabel } from '../pipeline/vocabulary/entity.ts'
import { type Incident, readIncident } from '../pipeline/vocabulary/incident.ts'
import { amount, LocalTime } from '../pipeline/vocabulary/natural-units.ts'
import type { CommandContext, Output } from './command.ts'
import { readRecorded } from './incidents/recorded.ts'

interface Flags {
  readonly file: string
  readonly timeZone: string
  readonly output: 'text' | 'json'
}
interface ListFlags extends Flags {
  readonly all?: true
  readonly suppressed?: true
}

/** The newest are kept; that older ones are not is said. */
const maxKept = 10_000
const maxSuggested = 5
const shownId = 8

export function register(program: Command, context: CommandContext): void {
  withFlags(program.command('incidents'))
    .description('Lists incidents, newest first, with what is known of their cause')
    .option('--all', 'those that ended, too')
    .option('--suppressed', 'also what was not told by itself, since something else explains it')
    .action((flags: ListFlags) => list(flags, context))
  withFlags(program.command('diagnose'))
    .argument('<id>', 'of the incident, or how it begins')
    .description('Says what an incident is about, what caused it, and what speaks for that')
    .action((id: string, flags: Flags) => diagnose(id, flags, context))
  withFlags(program.command('what-changed'))
    .argument('<from>', 'a time, as 2026-01-31T10:00:00Z, or how long ago, as 2h')
    .argument('[to]', 'the same; nothing = now', '0s')
    .description('Lists deploys, flags, scaling and what people noted between two times')
    .action((from: string, to: string, flags: Flags) => whatChanged(from, to, flags, context))
}

function withFlags(command: Command): Command {
  return command
    .option('--file <path>', 'what the file exporter of incidents and diagnoses writes', 'incidents.jsonl')
    .option('--time-zone <name>', 'of the times, as Europe/Berlin; nothing = yours', ownTimeZone())
    .addOption(new Option('--output <format>', 'how to print').choices(['text', 'json']).default('text'))
}

async function list({ all, suppressed, ...flags }: ListFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const wording = wordingOf(flags)
  const { incidents, diagnoses } = await readFound(flags, stderr)
  const newest = [...incidents.values()].toSorted((a, b) => (BigInt(a.opened) < BigInt(b.opened) ? 1 : -1))
  const shown = all ? newest : newest.filter(({ state }) => !isEnded(state))
  if (flags.output === 'json') {
    const found = shown.map((incident) => ({ incident, diagnosis: diagnoses.get(incident.incident_id) }))
    stdout.write(`${JSON.stringify(found, undefined, 2)}\n`)
    return
  }
  const ended = newest.filter(({ state }) => isEnded(state)).length
  const lines = [
    `${amount(newest.length - ended, '{incident}')} open${ended === 0 ? '' : `, ${ended} ended${all ? '' : ' (--all shows them)'}`}`,
  ]
  for (const incident of shown) {
    const { priority, state, incident_id: id, title, opened, owner, wakes } = incident
    const since = wording.time.second(seconds(opened), Number(wording.nowUnixNano / 1_000_000_000n))
    const more = [state, wakes ? '' : 'ticket', owner ?? 'no owner'].filter((one) => one !== '').join(', ')
    lines.push(
      '',
      line(`${priority.toUpperCase()} ${id.slice(0, shownId)} ${title}`),
      indented(`since ${since}; ${more}`),
    )
    const diagnosis = diagnoses.get(id)
    if (diagnosis !== undefined) lines.push(indented(`${diagnosis.verdict}: ${diagnosis.text}`))
    if (suppressed === true) lines.push(...suppressedLines(incident))
  }
  stdout.write(`${lines.join('\n')}\n`)
}

/** Members that a suspect explains, with which one. */
function suppressedLines({ members, left_out }: Incident): string[] {
  const labels = new Map(members.map(({ event_id: id, entity }) => [id, entityLabel(entity)]))
  const lines = members.flatMap(({ role, text, entity, explained_by: by }) => {
    if (role !== 'symptom') return []
    const said = text.includes(entity.name) ? text : `${entityLabel(entity)}: ${text}`
    return [indented(`suppressed: ${said} (explained by ${labels.get(by ?? '') ?? 'a suspect'})`)]
  })
  return left_out === 0 ? lines : [...lines, `  and ${left_out} more that the incident does not list`]
}

async function diagnose(id: string, flags: Flags, { stdout, stderr }: CommandContext): Promise<void> {
  const wording = wordingOf(flags)
  const { incidents, diagnoses } = await readFound(flags, stderr)
  const incident = oneOf(id, incidents, flags.file)
  const diagnosis = diagnoses.get(incident.incident_id)
  if (flags.output === 'json') {
    stdout.write(`${JSON.stringify({ incident, diagnosis }, undefined, 2)}\n`)
    return
  }
  const said =
    diagnosis === undefined
      ? 'No diagnosis of it was written down: is rca in the pipeline before this file?\n'
      : plainText(diagnosisMessage(diagnosis, undefined, wording))
  stdout.write(`${plainText(incidentMessage(incident, wording))}\n${said}`)
}

async function whatChanged(from: string, to: string, flags: Flags, { stdout, stderr }: CommandContext): Promise<void> {
  const { time, nowUnixNano } = wordingOf(flags)
  const [fromMs, toMs] = [timeOf(from, 'from', nowUnixNano), timeOf(to, 'to', nowUnixNano)]
  if (fromMs > toMs) throw new Error(`${from} is after ${to}: write the earlier time first`)
  const changes = new Map<string, Change>()
  const broken = await readRecorded(flags.file, (record) => {
    const change = readChange(record)
    if (change === undefined) return
    const atMs = seconds(change.time) * 1_000
    if (atMs >= fromMs && atMs <= toMs) keep(changes, change.id, change)
  })
  warnOf(broken, changes.size, flags.file, stderr)
  const sorted = [...changes.values()].toSorted((a, b) => (BigInt(a.time) < BigInt(b.time) ? -1 : 1))
  if (flags.output === 'json') {
    stdout.write(`${JSON.stringify(sorted, undefined, 2)}\n`)
    return
  }
  const lines = sorted.map(({ time: at, kind, state, text, by }) => {
    const done = state === 'finished' ? '' : ` (${state})`
    return line(
      `${time.second(seconds(at), toMs / 1_000)}  ${kind}  ${text}${done}${by === undefined ? '' : `, by ${by}`}`,
    )
  })
  stdout.write(`${[amount(sorted.length, '{change}'), ...lines].join('\n')}\n`)
}

interface Found {
  readonly incidents: ReadonlyMap<string, Incident>
  readonly diagnoses: ReadonlyMap<string, Diagnosis>
}

/** The newest revision of each, by incident. */
async function readFound({ file }: Flags, stderr: Output): Promise<Found> {
  const [incidents, diagnoses] = [new Map<string, Incident>(), new Map<string, Diagnosis>()]
  const broken = await readRecorded(file, (record) => {
    const event = readIncident(record) ?? readDiagnosis(record)
    if (event === undefined) return
    const [into, id] = ['verdict' in event ? diagnoses : incidents, event.incident_id] as const
    const before = into.get(id)
    // What was sent again, or late, is no news.
    if (before !== undefined && before.incident_revision > event.incident_revision) return
    keep(into as Map<string, Incident | Diagnosis>, id, event)
  })
  warnOf(broken, incidents.size, file, stderr)
  return { incidents, diagnoses }
}

function keep<T>(into: Map<string, T>, id: string, value: T): void {
  into.delete(id)
  into.set(id, value)
  if (into.size > maxKept) into.delete(into.keys().next().value as string)
}

function warnOf(broken: number, kept: number, file: string, stderr: Output): void {
  if (broken > 0) stderr.write(`Warning: ${amount(broken, '{line}')} of ${file} could not be read: left out\n`)
  if (kept >= maxKept) stderr.write(`Warning: only the newest ${maxKept} are looked at\n`)
}

/** Throws for none, and for more than one. */
function oneOf(start: string, incidents: ReadonlyMap<string, Incident>, file: string): Incident {
  const exact = incidents.get(start)
  if (exact !== undefined) return exact
  const found = [...incidents.values()].filter(({ incident_id: id }) => start !== '' && id.startsWith(start))
  if (found.length === 1) return found[0]!
  const some = (found.length > 0 ? found : [...incidents.values()]).slice(-maxSuggested).reverse()
  const said = some.map(({ incident_id: id, title }) => indented(`${id}  ${title}`)).join('\n')
  if (found.length > 1) throw new Error(`more than one incident begins with ${start}; write more of its id:\n${said}`)
  throw new Error(
    `${file} has no incident ${start}${some.length === 0 ? ', and no other' : `; the latest are:\n${said}`}`,
  )
}

function indented(text: string): string {
  return `  ${line(text)}`
}

function isEnded(state: Incident['state']): boolean {
  return state === 'resolved' || state === 'merged'
}

function wordingOf({ timeZone }: Flags): Wording {
  try {
    return { time: new LocalTime(timeZone), link: '', nowUnixNano: BigInt(Date.now()) * 1_000_000n }
  } catch {
    throw new Error(`invalid argument "${timeZone}" for "--time-zone" flag: write an IANA name, like Europe/Berlin`)
  }
}

/** Milliseconds since 1970. */
function timeOf(text: string, name: string, nowUnixNano: bigint): number {
  const ago = parseDuration(text)
  if (typeof ago === 'number') return Number(nowUnixNano / 1_000_000n) - ago
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new Error(
      `invalid argument "${text}" for "${name}": write a time, like 2026-01-31T10:00:00Z, or how long ago, like 2h`,
    )
  return at
}

function seconds(nanos: string): number {
  return Number(BigInt(nanos) / 1_000_000n) / 1_000
}

function ownTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}
