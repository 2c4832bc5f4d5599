import type { Graph } from './graph.ts'
import type { Node } from './node.ts'
import type { Plan, PlannedNode } from './plan.ts'

/** What a reload has to do; a node in none of the lists keeps running untouched. */
export interface Changes {
  /** In start order of the new plan: extensions, then exporters to receivers. */
  readonly fresh: readonly { readonly planned: PlannedNode; readonly previous: Node | undefined }[]
  /** In shutdown order of the old plan. */
  readonly removed: readonly Node[]
  readonly kept: number
}

export function diffPlans(graph: Graph, plan: Plan): Changes {
  const inStartOrder = [...plan.extensions, ...plan.nodes.toReversed()]
  const changed = new Set(
    inStartOrder.filter((planned) => !isSame(graph.nodes.get(planned.key), planned)).map(({ key }) => key),
  )
  const keys = new Set(inStartOrder.map(({ key }) => key))
  const removed = [...graph.plan.nodes, ...graph.plan.extensions.toReversed()]
    .filter(({ key }) => !keys.has(key))
    .map(({ key }) => graph.node(key))
  // Who uses an extension holds what it offered: it starts again with the new one.
  let before: number
  do {
    before = changed.size
    for (const [extension, users] of graph.users) {
      if (changed.has(extension) || !keys.has(extension)) {
        for (const user of users) if (keys.has(user)) changed.add(user)
      }
    }
    // An extension may use another one, and have users of its own.
  } while (changed.size > before)
  const fresh = inStartOrder
    .filter(({ key }) => changed.has(key))
    .map((planned) => ({ planned, previous: graph.nodes.get(planned.key) }))
  return { fresh, removed, kept: keys.size - fresh.length }
}

function isSame(node: Node | undefined, planned: PlannedNode): boolean {
  if (node === undefined) return false
  const before = node.planned
  return (
    before.component.factory === planned.component.factory &&
    before.component.fingerprint === planned.component.fingerprint &&
    sameSet(before.signals, planned.signals) &&
    sameSet(before.outputs, planned.outputs) &&
    (planned.component.factory.kind !== 'connector' || sameSet(feedIds(before), feedIds(planned)))
  )
}

function feedIds({ feeds }: PlannedNode): ReadonlySet<string> {
  return new Set(feeds.map(({ id }) => id))
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one))
}
