/** Which incident a group of alarms is: an incident stays with the alarm that it is known by; where two meet, the one that was opened first goes on. */
import type { Alarm } from './alarm.ts'
import type { Book } from './book.ts'
import { type Case, isOver } from './case.ts'
import type { Group } from './grouping.ts'

export function assign(groups: readonly Group[], closedToOthers: ReadonlySet<string>, book: Book): void {
  const groupOf = new Map<Alarm, Group>()
  for (const group of groups) for (const alarm of group.alarms) groupOf.set(alarm, group)
  const before = new Map<Alarm, string>()
  for (const alarm of groupOf.keys()) if (alarm.incident !== undefined) before.set(alarm, alarm.incident)
  const members = Map.groupBy(before.keys(), (alarm) => before.get(alarm)!)
  const cases = new Map<Group, Case[]>()
  for (const of of book.cases.values()) {
    if (isOver(of) || closedToOthers.has(of.id)) continue
    const group = homeOf(of, members.get(of.id) ?? [], groupOf, book)
    // All that it had is gone: it says so with what it last had.
    if (group === undefined) continue
    const known = cases.get(group)
    if (known === undefined) cases.set(group, [of])
    else known.push(of)
  }
  for (const group of groups) {
    const of = incidentFor(group, cases.get(group) ?? [], before, book)
    if (of === undefined) continue
    for (const alarm of group.alarms) alarm.incident = of.id
    const isShared =
      of.members.length > 0 && group.alarms.some(({ pinnedTo }) => pinnedTo === of.id) && !cases.has(group)
    of.members = isShared ? [...of.members, ...group.alarms] : group.alarms
    of.separable = group.separable
    for (const { heard } of group.alarms) of.heard = Math.max(of.heard, heard)
  }
}

function homeOf(
  of: Case,
  members: readonly Alarm[],
  groupOf: ReadonlyMap<Alarm, Group>,
  book: Book,
): Group | undefined {
  const pinned = members.find(({ pinnedTo }) => pinnedTo === of.id)
  const anchor = pinned ?? book.live.find(of.anchor)
  const known = anchor === undefined || anchor.incident !== of.id ? undefined : groupOf.get(anchor)
  if (known !== undefined) return known
  // The one by which it was known is no more: where most of it is.
  const counts = new Map<Group, number>()
  for (const alarm of members) {
    const group = groupOf.get(alarm)
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + 1)
  }
  let best: Group | undefined
  for (const [group, count] of counts) if (best === undefined || count > counts.get(best)!) best = group
  return best
}

function incidentFor(
  group: Group,
  cases: readonly Case[],
  before: ReadonlyMap<Alarm, string>,
  book: Book,
): Case | undefined {
  const pin = group.alarms.find(({ pinnedTo }) => pinnedTo !== undefined)?.pinnedTo
  const isFirst = (a: Case, b: Case) =>
    Number(b.id === pin) - Number(a.id === pin) ||
    Number(b.revision >= 0) - Number(a.revision >= 0) ||
    a.opened - b.opened ||
    (a.id < b.id ? -1 : 1)
  const [first, ...others] = [...cases].sort(isFirst)
  if (first !== undefined) {
    for (const other of others) book.merge(other, first)
    return first
  }
  if (!book.isWorthTelling(group)) {
    for (const alarm of group.alarms) alarm.incident = undefined
    return undefined
  }
  const from = group.alarms
    .map((alarm) => before.get(alarm))
    .find((id) => id !== undefined && (book.cases.get(id)?.revision ?? -1) >= 0)
  return book.openFor(group, from)
}
