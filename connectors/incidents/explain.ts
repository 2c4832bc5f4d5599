/** Which spot breaks which: along the call graph, from what is called to who calls. */
import type { CallGraph } from './call-graph.ts'
import type { Limits } from './grouping.ts'
import { between, inOrder, type Spot } from './spot.ts'

/** Two spots that calls connect, within the time that trouble takes. */
export interface Pair {
  readonly caller: Spot
  readonly callee: Spot
  readonly hops: number
  readonly apart: number
  /** The callee breaks the caller. */
  readonly isExplained: boolean
}

/** Onsets are not known better than this, however sure they are. */
const maxTolerance = 60

export function pairsOf(spots: readonly Spot[], graph: CallGraph | undefined, limits: Limits, now: number): Pair[] {
  if (graph === undefined) return []
  const byPlace = Map.groupBy(spots, ({ place }) => place)
  const pairs: Pair[] = []
  for (const caller of spots)
    for (const [place, hops] of graph.callees(caller.place, limits.maxHops))
      for (const callee of byPlace.get(place) ?? []) {
        const apart = between(caller, callee)
        if (apart > limits.joinWithin + hops * limits.joinWithinHop || arePinnedApart(caller, callee)) continue
        pairs.push({ caller, callee, hops, apart, isExplained: breaks(callee, caller, limits, now) })
      }
  return pairs
}

export function arePinnedApart(a: Spot, b: Spot): boolean {
  return a.pin !== undefined && b.pin !== undefined && a.pin !== b.pin
}

/** Whether what is called breaks who calls it: it was first and looks no less like a cause, or it looks more like one. */
function breaks(callee: Spot, caller: Spot, { resolveAfter }: Limits, now: number): boolean {
  if (callee.isWeak) return false
  // What has long been well again explains nothing that goes on.
  if (!callee.isOn && caller.isOn && callee.until + resolveAfter < now) return false
  const tolerance = Math.min(maxTolerance, callee.uncertainty + caller.uncertainty)
  if (callee.strength > caller.strength) return true
  return callee.strength === caller.strength && callee.onset <= caller.onset + tolerance
}

/** More or less traffic comes from who calls. */
function makesTraffic({ caller, callee }: Pair): boolean {
  return callee.isWeak && callee.strength === 0 && callee.severity <= caller.severity && caller.onset < callee.onset
}

/** Sets `explainer` of those that have one, the nearest, and never in a circle. */
export function explain(spots: readonly Spot[], pairs: readonly Pair[]): void {
  const best = new Map<Spot, { readonly by: Spot; readonly pair: Pair }>()
  const offer = (spot: Spot, by: Spot, pair: Pair) => {
    const known = best.get(spot)
    if (known === undefined || isNearer(spot, { by, pair }, known)) best.set(spot, { by, pair })
  }
  for (const pair of pairs) {
    if (pair.isExplained) offer(pair.caller, pair.callee, pair)
    else if (makesTraffic(pair)) offer(pair.callee, pair.caller, pair)
  }
  for (const [spot, { by }] of best) spot.explainer = by
  for (const spot of spots) breakCircle(spot)
  for (const spot of spots) for (let by = spot.explainer; by !== undefined; by = by.explainer) by.explains++
}

type Offer = { readonly by: Spot; readonly pair: Pair }

function isNearer(spot: Spot, one: Offer, other: Offer): boolean {
  const difference =
    one.pair.hops - other.pair.hops ||
    Math.abs(one.by.onset - spot.onset) - Math.abs(other.by.onset - spot.onset) ||
    other.by.strength - one.by.strength ||
    inOrder(one.by, other.by)
  return difference < 0
}

/** Services that call each other in a circle: the strongest of them, and of equals the first, is not explained by another of them. */
function breakCircle(start: Spot): void {
  const seen = new Set<Spot>()
  let at: Spot | undefined = start
  while (at !== undefined && !seen.has(at)) {
    seen.add(at)
    at = at.explainer
  }
  if (at === undefined) return
  let root = at
  for (let one = at.explainer!; one !== at; one = one.explainer!)
    if (one.strength > root.strength || (one.strength === root.strength && inOrder(one, root) < 0)) root = one
  root.explainer = undefined
}

export function rootOf(spot: Spot): Spot {
  let root = spot
  while (root.explainer !== undefined) root = root.explainer
  return root
}
