import { type AllReads, joinReads, type Reads } from '../data/origin.ts'
import { followers, type Plan, type PlannedNode } from './plan.ts'

/**
 * What is read of the origin of batches by this node and by all that its batches may reach, through connectors too: by what they declare, and
 * by what the extensions declare that they use. `users`: the nodes that use an extension, by its key.
 */
export function readsOf(key: string, plan: Plan, users: ReadonlyMap<string, ReadonlySet<string>>): AllReads {
  const nodes = new Map([...plan.extensions, ...plan.nodes].map((node) => [node.key, node]))
  const seen = new Set<string>()
  const found: Reads[] = []
  const visit = (at: string): void => {
    if (seen.has(at)) return
    seen.add(at)
    const node = nodes.get(at)
    if (node !== undefined) found.push(declared(node))
    for (const [extension, its] of users) if (its.has(at)) visit(extension)
    for (const next of followers(at, plan.pipelines)) visit(next)
  }
  visit(key)
  return joinReads(found)
}

function declared({ component }: PlannedNode): Reads {
  return component.factory.reads?.(component.value) ?? {}
}
