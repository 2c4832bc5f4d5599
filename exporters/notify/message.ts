/** What a person needs at three in the morning, in words. What telemetry says stands in it as text: each channel escapes it in its own way. */
import type { Cause, Diagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import type { Incident, Member } from '../../pipeline/vocabulary/incident.ts'
import { amount, type LocalTime } from '../../pipeline/vocabulary/natural-units.ts'

export interface Message {
  /** One line. */
  readonly headline: string
  readonly facts: readonly Fact[]
  readonly link: string | undefined
}
export interface Fact {
  readonly label: string
  /** At least one; each is one line. */
  readonly lines: readonly string[]
}
/** Another channel did not take it. */
export interface Failure {
  readonly channel: string
  readonly error: string
}
export interface Wording {
  readonly time: LocalTime
  readonly link: string
  readonly nowUnixNano: bigint
}

const maxSuspects = 3
const maxAffected = 5
const maxFindings = 4
const maxRuledOut = 4
const maxParagraphs = 12
const longestLine = 400
const endings: Partial<Record<Incident['state'], string>> = {
  resolved: 'Resolved',
  merged: 'Merged',
  acknowledged: 'Acknowledged',
  snoozed: 'Snoozed',
}

export function incidentMessage(incident: Incident, wording: Wording, failure?: Failure): Message {
  const { title, priority, state, blind } = incident
  const ending = endings[state]
  const took = incident.resolved === undefined ? '' : ` after ${span(incident.opened, incident.resolved)}`
  const what = `${priority.toUpperCase()}${blind ? ' blind' : ''}: ${title}`
  return {
    headline: line(
      ending === undefined
        ? what
        : `${ending}${state === 'resolved' ? took : ''}: ${title} (${priority.toUpperCase()})`,
    ),
    facts: facts([
      ['Not delivered', failure && [failureText(failure)]],
      ['Since', [sinceText(incident, wording)]],
      ['State', stateLines(incident, wording)],
      ['Affected', affectedLines(incident.affected, incident.slos)],
      [suspectsLabel(incident), suspectLines(incident)],
      ['Also', symptomLines(incident)],
      ['Owner', ownerLines(incident)],
      ['Runbook', incident.runbook === undefined ? undefined : [incident.runbook]],
      ['See also', incident.url === undefined ? undefined : [incident.url]],
    ]),
    link: linkOf(wording.link, incident.incident_id),
  }
}

/** What a later revision says beyond what was told; for a thread. */
export function updateMessage(
  incident: Incident,
  before: { readonly priority: string; readonly state: string },
  wording: Wording,
): Message {
  const whole = incidentMessage(incident, wording)
  if (before.state !== incident.state) return whole
  const priority = incident.priority.toUpperCase()
  const reasons: Partial<Record<Incident['reason'], string>> = {
    opened: 'Opened',
    joined: `${incident.alarms} alarms by now`,
    cleared: 'Some of it is over',
    severity:
      before.priority === incident.priority
        ? `Still ${priority}`
        : `Now ${priority}, was ${before.priority.toUpperCase()}`,
    suspect: 'Another suspect',
    person: incident.by === undefined ? 'A person says' : `${incident.by} says`,
    snooze_over: 'Snoozed no longer, and not over',
    quiet: 'Quiet',
    moved: 'Alarms were moved',
    flapping: 'It comes and goes',
  }
  const because = reasons[incident.reason] ?? 'Changed'
  return { ...whole, headline: line(`${because}: ${incident.title}`) }
}

export function diagnosisMessage(diagnosis: Diagnosis, title: string | undefined, wording: Wording): Message {
  const { verdict, causes, reliability } = diagnosis
  const [best, ...others] = causes
  const right =
    reliability === undefined
      ? ''
      : `; right in ${amount(reliability.right, '1')} of ${reliability.cases} such cases (${reliability.source})`
  const heading = { confirmed: 'Cause confirmed', likely: 'Likely cause', inconclusive: 'Cause not clear' }[verdict]
  return {
    headline: line(
      `${heading}: ${best === undefined || verdict === 'inconclusive' ? diagnosis.text : causeText(best)}`,
    ),
    facts: facts([
      ['Incident', title === undefined ? undefined : [title]],
      ['Verdict', [`${verdict}${right}`]],
      saysFact(diagnosis),
      ['Since', best && [`${wording.time.second(seconds(best.since), Number(wording.nowUnixNano / 1_000_000_000n))}`]],
      [
        'Evidence',
        best?.findings.slice(0, maxFindings).map(({ text, direct }) => (direct ? `${text} (seen directly)` : text)),
      ],
      ['Effect', best?.effect && [best.effect.text]],
      ['Path', best !== undefined && best.path.length > 1 ? [best.path.map(entityLabel).join(' -> ')] : undefined],
      ['Affected', affectedLines(diagnosis.affected)],
      ['Could also be', others.slice(0, maxSuspects - 1).map(causeText)],
      ['Ruled out', diagnosis.ruled_out.slice(0, maxRuledOut).map(({ text }) => text)],
      ['Not looked at', diagnosis.missing.length === 0 ? undefined : diagnosis.missing],
      ['Recommended', diagnosis.recommendation === undefined ? undefined : [diagnosis.recommendation]],
    ]),
    link: linkOf(wording.link, diagnosis.incident_id),
  }
}

/** Sentences of a narrator stand for the one by rules, and it is told whose they are. */
function saysFact({ verdict, causes, narrative, text }: Diagnosis): readonly [string, readonly string[] | undefined] {
  if (narrative !== undefined)
    return [narrative.by === 'model' ? 'Says (phrased by a model)' : 'Says', paragraphs(narrative.text)]
  return ['Says', verdict === 'inconclusive' || causes.length === 0 ? undefined : [text]]
}

/** Lines that are not cut off where a line ends: long paragraphs break after a sentence, or after a word where a sentence is that long. */
function paragraphs(text: string): string[] {
  const all: string[] = []
  for (const part of text.split(/\n+/)) {
    let rest = part.trim()
    while (rest.length > longestLine) {
      const fits = rest.slice(0, longestLine)
      const sentence = Math.max(...['. ', '! ', '? '].map((end) => fits.lastIndexOf(end))) + 1
      const at = sentence > 0 ? sentence : Math.max(fits.lastIndexOf(' '), 0) || longestLine
      all.push(rest.slice(0, at))
      rest = rest.slice(at).trim()
    }
    all.push(rest)
  }
  return all.filter((one) => one !== '').slice(0, maxParagraphs)
}

export function failureText({ channel, error }: Failure): string {
  return `the channel ${channel} did not take it: ${error}`
}

/** For mail and for whoever reads plain text. */
export function plainText({ headline, facts: all, link }: Message): string {
  const parts = all.map(({ label, lines }) =>
    lines.length === 1 ? `${label}: ${lines[0]}` : [`${label}:`, ...lines.map((one) => `  - ${one}`)].join('\n'),
  )
  return [headline, '', ...parts, ...(link === undefined ? [] : ['', link]), ''].join('\n')
}

function facts(all: readonly (readonly [string, readonly string[] | undefined])[]): Fact[] {
  return all.flatMap(([label, lines]) => {
    const said = (lines ?? []).map(line).filter((one) => one !== '')
    return said.length === 0 ? [] : [{ label, lines: said }]
  })
}

function sinceText(incident: Incident, { time, nowUnixNano }: Wording): string {
  const now = Number(nowUnixNano / 1_000_000_000n)
  const from = time.second(seconds(incident.time), now)
  if (incident.resolved !== undefined)
    return `${from} to ${time.second(seconds(incident.resolved), now)}, ${span(incident.time, incident.resolved)}`
  const ago = nowUnixNano - BigInt(incident.time)
  return ago < 0n ? from : `${from}, ${amount(Number(ago / 1_000_000_000n), 's')} ago`
}

function stateLines(incident: Incident, { time, nowUnixNano }: Wording): string[] {
  const { state, by, note, assignee, snoozed_until, merged_into, maintenance, flapping, wakes } = incident
  const now = Number(nowUnixNano / 1_000_000_000n)
  const who = by === undefined ? '' : ` by ${by}`
  const said =
    state === 'snoozed' && snoozed_until !== undefined
      ? `snoozed until ${time.second(seconds(snoozed_until), now)}${who}`
      : state === 'merged' && merged_into !== undefined
        ? `merged into ${merged_into}${who}`
        : state === 'open'
          ? ''
          : `${state}${who}`
  return [
    said,
    note === undefined ? '' : `${by ?? 'note'}: ${note}`,
    assignee === undefined ? '' : `assigned to ${assignee}`,
    flapping ? 'it comes and goes' : '',
    maintenance === undefined ? '' : `within the maintenance window ${maintenance}`,
    state === 'open' && !wakes ? 'a ticket: it wakes nobody' : '',
  ]
}

function affectedLines(affected: Incident['affected'], slos: readonly string[] = []): string[] {
  const rows = affected.slice(0, maxAffected).map(({ operation, share, requests_per_second: rate }) => {
    const of = rate === undefined ? '' : ` of ${amount(rate, '{request}/s')}`
    return `${entityLabel(operation)}: ${amount(share, '1')}${of}`
  })
  const rest = affected.length - rows.length
  return [...rows, rest > 0 ? `and ${rest} more operations` : '', slos.length > 0 ? `SLOs: ${slos.join(', ')}` : '']
}

function suspectsLabel({ blind, members }: Incident): string {
  if (blind) return 'Nothing comes from'
  return members.filter(({ role }) => role === 'suspect').length > 1 ? 'Suspects' : 'Suspect'
}

function suspectLines(incident: Incident): string[] {
  const suspects = incident.members.filter(({ role }) => role === 'suspect')
  const shown = (suspects.length > 0 ? suspects : incident.members).slice(0, maxSuspects)
  const rest = suspects.length - shown.length
  return [...shown.map(memberText), rest > 0 ? `and ${rest} more` : '']
}

function symptomLines({ members, left_out }: Incident): string[] {
  const of = (role: Member['role']) => members.filter((one) => one.role === role).length
  const [symptoms, attached] = [of('symptom'), of('attached')]
  return [
    symptoms === 0 ? '' : `${amount(symptoms, '{symptom}')} that it explains`,
    attached === 0 ? '' : `${amount(attached, '{alarm}')} beside it`,
    left_out === 0 ? '' : `${left_out} not listed`,
  ]
}

function ownerLines({ owner, tier, contacts }: Incident): string[] {
  const reach = Object.entries(contacts ?? {}).map(([name, value]) => `${name} ${value}`)
  return [
    [owner ?? 'nobody: add it to the service catalogue', tier === undefined ? '' : `tier ${tier}`]
      .filter((one) => one !== '')
      .join(', '),
    reach.join(', '),
  ]
}

function memberText({ entity, text, until }: Member): string {
  const label = entityLabel(entity)
  const said = text.includes(entity.name) ? text : `${label}: ${text}`
  return until === undefined ? said : `${said} (over)`
}

function causeText({ entity, hypothesis }: Cause): string {
  return hypothesis === 'unknown' ? entityLabel(entity) : `${entityLabel(entity)}: ${hypothesis.replaceAll('_', ' ')}`
}

function linkOf(template: string, id: string): string | undefined {
  return template === '' ? undefined : template.replaceAll('{id}', encodeURIComponent(id))
}

function span(from: string, to: string): string {
  return amount(Math.max(0, seconds(to) - seconds(from)), 's')
}

function seconds(nanos: string): number {
  return Number(BigInt(nanos) / 1_000_000n) / 1_000
}

/** No line breaks, no control characters, no marks that turn the direction of what follows, and not without end. */
export function line(text: string): string {
  const flat = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  return flat.length <= longestLine ? flat : `${flat.slice(0, longestLine - 1)}…`
}
