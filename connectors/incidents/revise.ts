/** The event that says all there is of an incident now. */
import type { CatalogEntry } from '../../pipeline/capability/service-catalog.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { eventId, schemaVersion, severities } from '../../pipeline/vocabulary/event.ts'
import type { Incident, Member } from '../../pipeline/vocabulary/incident.ts'
import type { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import type { Affected } from './affected.ts'
import { type Alarm, isOn, nanoText } from './alarm.ts'
import { type Case, isOver, type Reason, type Said } from './case.ts'
import type { NearChange } from './changes.ts'
import { priorityOf } from './priority.ts'
import { textOf, titleOf } from './words.ts'

export interface World {
  readonly now: number
  readonly observedUnixNano: bigint
  readonly local: LocalTime
  lookup(entity: Entity): CatalogEntry
  affected(members: readonly Alarm[]): readonly Affected[]
  changes(of: Case): readonly NearChange[]
}

const maxMembers = 256
const maxChanges = 16
const maxText = 1_000

export function incidentOf(of: Case, reason: Reason, said: Said, world: World): Incident {
  const { members, id, state } = of
  const first = members[0]!
  const entry = catalogOf(members, world)
  const title = titleOf(of)
  const affected = of.isBlind ? [] : world.affected(members)
  const since = members.reduce((least, alarm) => Math.min(least, alarm.since), Number.POSITIVE_INFINITY)
  const foreign = foreignOf(members)
  const { tier, contacts, slos, owner = foreign.owner, runbook = foreign.runbook } = entry
  const wakes = said.wakes && !isOver(of)
  const changes = world.changes(of).slice(0, maxChanges)
  const traceId = members.find((alarm) => alarm.traceId !== undefined)?.traceId
  return {
    schema: schemaVersion,
    id: eventId('vigil.incident', id, String(of.revision)),
    parent_id: first.id,
    incident_id: id,
    incident_revision: of.revision,
    entity: first.entity,
    time: nanoText(since),
    observed_time: String(world.observedUnixNano),
    severity: severities[3 - said.severity]!,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    text: textOf(of, title, owner, world.local, world.now),
    state,
    reason,
    title,
    priority: priorityOf({
      severity: said.severity,
      wakes: said.wakes,
      isBlind: of.isBlind,
      isInMaintenance: said.maintenance !== undefined,
      tier,
      affected,
    }),
    wakes,
    blind: of.isBlind,
    flapping: said.isFlapping,
    opened: nanoText(of.opened),
    ...(of.resolved === undefined ? {} : { resolved: nanoText(of.resolved) }),
    until: nanoText(world.now),
    members: members.slice(0, maxMembers).map(memberOf),
    left_out: Math.max(0, members.length - maxMembers),
    alarms: of.departed + members.reduce((sum, { times }) => sum + times, 0),
    affected: affected.slice(0, 32),
    ...(owner === undefined ? {} : { owner }),
    ...(tier === undefined ? {} : { tier }),
    ...(runbook === undefined ? {} : { runbook }),
    ...(foreign.url === undefined ? {} : { url: foreign.url }),
    ...(contacts === undefined ? {} : { contacts: { ...contacts } }),
    ...(slos === undefined ? {} : { slos: slos.slice(0, 32) }),
    ...(of.assignee === undefined ? {} : { assignee: of.assignee }),
    ...(of.by === undefined || reason !== 'person' ? {} : { by: of.by }),
    ...(of.note === undefined ? {} : { note: of.note }),
    ...(state === 'snoozed' && of.snoozedUntil !== undefined ? { snoozed_until: nanoText(of.snoozedUntil) } : {}),
    ...(of.mergedInto === undefined ? {} : { merged_into: of.mergedInto }),
    ...(of.splitFrom === undefined ? {} : { split_from: of.splitFrom }),
    ...(changes.length === 0 ? {} : { changes }),
    ...(of.separable.length === 0 ? {} : { separable: of.separable.slice(0, maxMembers).map((alarm) => alarm.id) }),
    ...(said.maintenance === undefined ? {} : { maintenance: said.maintenance }),
  }
}

/** What other systems say, the most likely cause's first. */
function foreignOf(members: readonly Alarm[]): { readonly [key in 'owner' | 'runbook' | 'url']: string | undefined } {
  const first = (key: 'owner' | 'runbook' | 'url') => {
    for (const { foreign } of members) if (foreign?.[key] !== undefined) return foreign[key]
    return undefined
  }
  return { owner: first('owner'), runbook: first('runbook'), url: first('url') }
}

/** Of the most likely cause; what it does not say, of where users feel it. */
function catalogOf(members: readonly Alarm[], world: World): CatalogEntry {
  const cause = world.lookup(members[0]!.entity)
  const felt = members.filter(({ role }) => role === 'attached').map(({ entity }) => world.lookup(entity))
  const slos = [
    ...new Set([cause, ...felt].flatMap((entry) => entry.slos ?? []).concat(members.flatMap(({ slo }) => slo ?? []))),
  ]
  const tiers = [cause, ...felt].flatMap(({ tier }) => tier ?? [])
  const other = felt.find(({ owner }) => owner !== undefined) ?? {}
  const whose = cause.owner === undefined ? other : cause
  return {
    ...(whose.owner === undefined ? {} : { owner: whose.owner }),
    ...(whose.contacts === undefined ? {} : { contacts: whose.contacts }),
    ...((cause.runbook ?? whose.runbook) === undefined ? {} : { runbook: (cause.runbook ?? whose.runbook)! }),
    ...(slos.length === 0 ? {} : { slos }),
    ...(tiers.length === 0 ? {} : { tier: Math.min(...tiers) as 1 | 2 | 3 | 4 }),
  }
}

function memberOf(alarm: Alarm): Member {
  const { id, entity, type, severity, since, until, role, explainedBy, times, text } = alarm
  return {
    event_id: id,
    entity,
    type,
    severity,
    since: nanoText(since),
    ...(until === undefined || isOn(alarm) ? {} : { until: nanoText(until) }),
    role,
    ...(explainedBy === undefined ? {} : { explained_by: explainedBy }),
    times: Math.max(1, times),
    text: text.slice(0, maxText),
  }
}
