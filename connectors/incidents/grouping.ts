/**
 * Which alarms are one incident. A pure function of the alarms and the call graph: in whatever order alarms came, the answer is the same.
 *
 * Union of neighbours after Chen et al., "Towards intelligent incident management" (2020) and others, with one difference: what two suspects have in common above them does
 * not make them one, or every fault would be one with every other at the users' door.
 */
import { type Alarm, isOn } from './alarm.ts'
import type { CallGraph } from './call-graph.ts'
import { arePinnedApart, explain, type Pair, pairsOf, rootOf } from './explain.ts'
import { between, byOnset, inOrder, type Spot, spotsOf } from './spot.ts'
import { Union } from './union.ts'

/** Seconds, where nothing else is said. */
export interface Limits {
  readonly joinWithin: number
  readonly joinWithinHop: number
  readonly maxHops: number
  readonly sameCauseWithin: number
  readonly commonCauseShare: number
  readonly resolveAfter: number
}

export interface Group {
  /** Most likely cause first. */
  readonly alarms: readonly Alarm[]
  /** Alarms that look like a second cause that has nothing to do with the first. */
  readonly separable: readonly Alarm[]
}
export interface Place {
  readonly role: Alarm['role']
  readonly explainedBy: string | undefined
}
export interface Grouping {
  readonly groups: readonly Group[]
  readonly places: ReadonlyMap<Alarm, Place>
}

/** What went wrong in the same trace may be found this long after. */
const sameTraceWithin = 600
/** A share of fewer services is chance. */
const minCommon = 5
const minuteSeconds = 60

export function groupsOf(
  alarms: readonly Alarm[],
  graph: CallGraph | undefined,
  limits: Limits,
  now: number,
): Grouping {
  const sourceOf = ({ entity, place, entityId }: Alarm) =>
    (entity.kind === 'edge' ? graph?.sourceOf(entityId) : undefined) ?? place
  const attached = alarms.filter(({ isAttached }) => isAttached).sort(byOnset)
  const spots = spotsOf(
    alarms.filter(({ isAttached }) => !isAttached),
    limits.joinWithin,
    sourceOf,
  )
  const pairs = pairsOf(spots, graph, limits, now)
  explain(spots, pairs)
  // Pages that nothing explains yet are causes of their own as far as anybody knows.
  const alone: Alarm[] = []
  const joined: (readonly [Alarm, Spot])[] = []
  const byPlace = Map.groupBy(spots, ({ place }) => place)
  for (const alarm of attached) {
    const spot = spotFor(alarm, byPlace, graph, limits)
    if (spot === undefined) alone.push(alarm)
    else joined.push([alarm, spot])
  }
  const pages = spotsOf(alone, limits.joinWithin, sourceOf)
  const all = [...spots, ...pages]
  const union = new Union(all)
  for (const spot of spots) if (spot.explainer !== undefined) union.join(spot.explainer, spot)
  joinCauses(pairs, union, limits)
  joinSamePlace(spots, union, limits)
  joinSamePlace(pages, union, limits)
  for (const { caller, callee } of pairsOf(pages, graph, limits, now)) union.join(callee, caller)
  joinTold(all, union)
  joinCommonCause(spots, graph, union, limits)
  joinWeak(spots, pairs, union)

  const places = new Map<Alarm, Place>()
  const groups = new Map<Spot, { spots: Spot[]; attached: Alarm[] }>()
  for (const spot of all) {
    const root = union.find(spot)
    const group = groups.get(root) ?? { spots: [], attached: [] }
    groups.set(root, group)
    group.spots.push(spot)
    for (const alarm of spot.alarms) places.set(alarm, placeIn(spot, alarm))
  }
  for (const [alarm, spot] of joined) {
    groups.get(union.find(spot))!.attached.push(alarm)
    places.set(alarm, { role: 'attached', explainedBy: undefined })
  }
  return { groups: [...groups.values()].map((group) => ordered(group, graph)), places }
}

function placeIn(spot: Spot, { isAttached }: Alarm): Place {
  if (isAttached) return { role: 'attached', explainedBy: undefined }
  if (spot.explainer === undefined) return { role: 'suspect', explainedBy: undefined }
  return { role: 'symptom', explainedBy: strongest(spot.explainer).id }
}

/** Suspects with what they explain: those that explain most come first. */
function ordered({ spots, attached }: { spots: Spot[]; attached: Alarm[] }, graph: CallGraph | undefined): Group {
  const suspects = spots.filter(({ explainer, alarms }) => explainer === undefined && !alarms[0]!.isAttached)
  const symptoms = spots.filter(({ explainer }) => explainer !== undefined)
  const pages = spots.filter(({ alarms }) => alarms[0]!.isAttached).flatMap(({ alarms }) => alarms)
  suspects.sort(
    (a, b) =>
      Number(a.isWeak) - Number(b.isWeak) ||
      b.explains - a.explains ||
      b.strength - a.strength ||
      b.severity - a.severity ||
      inOrder(a, b),
  )
  symptoms.sort((a, b) => b.explains - a.explains || inOrder(a, b))
  const within = ({ alarms }: Spot) => alarms.toSorted(inSpot)
  return {
    alarms: [...suspects.flatMap(within), ...symptoms.flatMap(within), ...[...pages, ...attached].sort(byOnset)],
    separable: secondCause(suspects, symptoms, graph),
  }
}

function inSpot(a: Alarm, b: Alarm): number {
  return Number(a.parentId !== undefined) - Number(b.parentId !== undefined) || b.strength - a.strength || byOnset(a, b)
}

function strongest({ alarms }: Spot): Alarm {
  return alarms.toSorted(inSpot)[0]!
}

/** A suspect above which nobody is whom the first one could have reached. */
function secondCause(suspects: readonly Spot[], symptoms: readonly Spot[], graph: CallGraph | undefined): Alarm[] {
  const [first, ...others] = suspects.filter(({ isWeak }) => !isWeak)
  if (graph === undefined || first === undefined) return []
  const above = new Set([first.place, ...graph.allCallers(first.place).keys()])
  const second = others.filter(
    ({ place }) => !above.has(place) && [...graph.allCallers(place).keys()].every((caller) => !above.has(caller)),
  )
  const roots = new Set(second)
  return [...second, ...symptoms.filter((spot) => roots.has(rootOf(spot)))].flatMap(({ alarms }) => alarms)
}

/** Suspects that calls connect, or that break the same one at the same time. */
function joinCauses(pairs: readonly Pair[], union: Union, { sameCauseWithin }: Limits): void {
  const isNear = (a: Spot, b: Spot) => Math.abs(a.onset - b.onset) <= sameCauseWithin
  for (const { caller, callee, isExplained } of pairs) {
    if (caller.isWeak || callee.isWeak) continue
    if (isExplained) {
      const { explainer } = caller
      if (explainer !== undefined && explainer !== callee && isNear(explainer, callee)) union.join(explainer, callee)
      // It would explain it, were it not in a circle.
      if (explainer === undefined) union.join(caller, callee)
    } else if (caller.explainer === undefined && callee.explainer === undefined) union.join(caller, callee)
    else if (isNear(caller, callee)) union.join(caller, callee)
  }
}

/** One place: what went on when the next began. */
function joinSamePlace(spots: readonly Spot[], union: Union, { joinWithin }: Limits): void {
  for (const of of Map.groupBy(spots, ({ place }) => place).values())
    for (let i = 1; i < of.length; i++) {
      const [before, after] = [of[i - 1]!, of[i]!]
      const wentOn = before.severity > 0 && (before.isOn || before.until >= after.onset)
      if ((wentOn || between(before, after) <= joinWithin) && !arePinnedApart(before, after)) union.join(before, after)
    }
}

/** What is told to belong together: by the alarm itself, or since one trace shows both. */
function joinTold(spots: readonly Spot[], union: Union): void {
  const byEvent = new Map<string, Spot>()
  const byTrace = new Map<string, Spot>()
  for (const spot of spots) for (const { ids } of spot.alarms) for (const id of ids) byEvent.set(id, spot)
  for (const spot of spots)
    for (const { parentId, traceId } of spot.alarms) {
      const parent = parentId === undefined ? undefined : byEvent.get(parentId)
      if (parent !== undefined) union.join(parent, spot)
      if (traceId === undefined) continue
      const other = byTrace.get(traceId)
      if (other !== undefined && between(other, spot) <= sameTraceWithin) union.join(other, spot)
      byTrace.set(traceId, spot)
    }
}

/** Nearly everything at once has one cause, whatever it is: a network, a node pool, a name server. */
function joinCommonCause(
  spots: readonly Spot[],
  graph: CallGraph | undefined,
  union: Union,
  { commonCauseShare }: Limits,
): void {
  const needed = Math.max(minCommon, commonCauseShare * (graph?.services ?? Number.POSITIVE_INFINITY))
  const services = spots.filter(({ place, severity }) => severity > 0 && place.startsWith('service:'))
  const counts = new Map<string, number>()
  for (let from = 0, to = 0; to < services.length; to++) {
    const { place, onset } = services[to]!
    counts.set(place, (counts.get(place) ?? 0) + 1)
    for (; onset - services[from]!.onset > minuteSeconds; from++) {
      const left = services[from]!.place
      const count = counts.get(left)! - 1
      if (count === 0) counts.delete(left)
      else counts.set(left, count)
    }
    if (counts.size < needed) continue
    for (let i = from; i < to; i++) union.join(services[i]!, services[to]!)
  }
}

/** What is only odd goes with its nearest neighbour, and so connects nothing that is not connected. */
function joinWeak(spots: readonly Spot[], pairs: readonly Pair[], union: Union): void {
  const nearest = new Map<Spot, { readonly pair: Pair; readonly other: Spot }>()
  for (const pair of pairs)
    for (const [spot, other] of [
      [pair.caller, pair.callee],
      [pair.callee, pair.caller],
    ] as const) {
      if (!spot.isWeak || spot.explainer !== undefined) continue
      const known = nearest.get(spot)
      const difference =
        known === undefined
          ? -1
          : pair.hops - known.pair.hops || pair.apart - known.pair.apart || inOrder(other, known.other)
      if (difference < 0) nearest.set(spot, { pair, other })
    }
  const sizes = new Map<Spot, number>()
  for (const spot of spots) sizes.set(union.find(spot), (sizes.get(union.find(spot)) ?? 0) + 1)
  const alone = new Set(spots.filter((spot) => spot.isWeak && sizes.get(union.find(spot)) === 1))
  for (const spot of spots) {
    const found = nearest.get(spot)
    if (found !== undefined && alone.has(spot)) union.join(found.other, spot)
  }
}

/** What a burn or a page most likely comes of: something that is broken there, below it, or close above it. */
function spotFor(
  alarm: Alarm,
  byPlace: ReadonlyMap<string, readonly Spot[]>,
  graph: CallGraph | undefined,
  { joinWithin, joinWithinHop, maxHops }: Limits,
): Spot | undefined {
  let best: Spot | undefined
  let bestKey: readonly number[] = []
  const look = (place: string, hops: number) => {
    for (const spot of byPlace.get(place) ?? []) {
      const reach = joinWithin + hops * joinWithinHop
      const isInTime = spot.onset <= alarm.last + reach && (spot.isOn || spot.until >= alarm.since - reach)
      const isPinnedApart = alarm.pinnedTo !== undefined && alarm.pinnedTo !== spot.pin
      if (!isInTime || isPinnedApart) continue
      const key = [Number(spot.isWeak), hops, Math.abs(spot.onset - alarm.since)]
      if (best === undefined || isLess(key, bestKey)) [best, bestKey] = [spot, key]
    }
  }
  look(alarm.place, 0)
  if (graph === undefined) return best
  for (const [place, hops] of graph.allCallees(alarm.place)) look(place, hops)
  for (const [place, hops] of graph.callers(alarm.place, maxHops)) look(place, hops)
  return best
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [i, one] of a.entries()) if (one !== b[i]) return one < b[i]!
  return false
}

/** Lost telemetry: what was lost together is one. */
export function blindGroups(alarms: readonly Alarm[], { joinWithin }: Limits): Group[] {
  const groups: Alarm[][] = []
  let until = Number.NEGATIVE_INFINITY
  for (const alarm of alarms.toSorted(byOnset)) {
    if (groups.length === 0 || alarm.since > until + joinWithin) groups.push([])
    groups.at(-1)!.push(alarm)
    until = Math.max(until, alarm.last, isOn(alarm) ? alarm.since + joinWithin : 0)
  }
  return groups.map((of) => ({ alarms: of, separable: [] }))
}
