/** What an incident says to people. */
import { anomalyAdjectives } from '../../pipeline/vocabulary/anomaly.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import type { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import type { Alarm } from './alarm.ts'
import { isOn } from './alarm.ts'
import type { Case } from './case.ts'

const adjectives: Readonly<Record<Alarm['type'], string>> = {
  ...anomalyAdjectives,
  foreign: 'reported by another system',
}
const maxNamed = 3
const maxTitle = 200

/** `payment is slow and failing`, `2 places: payment is slow; orders-db is saturated`. */
export function titleOf({ members, isBlind }: Case): string {
  const suspects = members.filter(({ role }) => role === 'suspect')
  const about = suspects.length > 0 ? suspects : members
  if (isBlind) return shortened(`Telemetry lost from ${listed(names(members))}`)
  const foreign = members.find(({ type }) => type === 'foreign')
  if (about.every(({ type }) => type === 'foreign') && foreign !== undefined) return shortened(foreign.text)
  const byPlace = Map.groupBy(about, ({ place }) => place)
  const phrases = [...byPlace.values()].map((of) => {
    const main = of.filter(({ parentId }) => parentId === undefined)
    const [first] = main.length > 0 ? main : of
    const types = [...new Set((main.length > 0 ? main : of).map(({ type }) => adjectives[type]))]
    return `${shortened(entityLabel(first!.entity), 80)} is ${listed(types.slice(0, maxNamed), ' and ')}`
  })
  return shortened(phrases.slice(0, 2).join('; ') + (phrases.length > 2 ? `; ${phrases.length - 2} more` : ''))
}

/** `payment is slow since 10:14:38; order and frontend suffer from it. Owner: payments.` */
export function textOf(of: Case, title: string, owner: string | undefined, local: LocalTime, now: number): string {
  const { members, state } = of
  const since = members.reduce((first, alarm) => Math.min(first, alarm.since), Number.POSITIVE_INFINITY)
  const when = Number.isFinite(since) ? ` since ${local.second(since, now)}` : ''
  if (state === 'merged') return `${title}: now part of incident ${(of.mergedInto ?? '').slice(0, 8)}`
  if (state === 'resolved')
    return `${title}: over${of.by === undefined ? '' : `, says ${of.by}`}; it was${when.replace('since', 'from')} to ${local.second(of.resolved ?? now, now)}`
  const symptoms = names(members.filter(({ role }) => role === 'symptom'))
  const burns = members.filter((alarm) => alarm.role === 'attached' && isOn(alarm))
  const suffering =
    symptoms.length === 0 ? '' : `; ${listed(symptoms)} ${symptoms.length > 1 ? 'suffer' : 'suffers'} from it`
  const felt = burns.length === 0 ? '' : `; users feel it at ${listed(names(burns))}`
  const whose = owner === undefined ? '' : `. Owner: ${owner}`
  const snoozed =
    state === 'snoozed' && of.snoozedUntil !== undefined ? `. Snoozed until ${local.second(of.snoozedUntil, now)}` : ''
  return `${title}${when}${suffering}${felt}${whose}${snoozed}`
}

function names(alarms: readonly Alarm[]): string[] {
  const byPlace = new Map<string, string>()
  for (const { place, entity } of alarms) {
    const name = entity.kind === 'service' || entity.service === '' ? entityLabel(entity) : entity.service
    if (!byPlace.has(place)) byPlace.set(place, shortened(name, 60))
  }
  return [...byPlace.values()]
}

function listed(all: readonly string[], and = ' and '): string {
  if (all.length <= 1) return all[0] ?? ''
  if (all.length > maxNamed) return `${all.slice(0, maxNamed).join(', ')} and ${all.length - maxNamed} more`
  return `${all.slice(0, -1).join(', ')}${and}${all.at(-1)}`
}

function shortened(text: string, most = maxTitle): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
