import { type AllReads, joinReads, type Reads } from '../data/origin.ts'
import { followers, type Plan, type PlannedNode } from './plan.ts'

/** Which nodes use an extension, by its key. */
export type Users = ReadonlyMap<string, ReadonlySet<string>>

/**
 * What is read of the origin of batches by this node and by all that its batches may reach, through connectors too: by what they declare, and
 * by what the extensions declare that they use.
 */
export function readsOf(key: string, plan: Plan, users: Users): AllReads {
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

/** Who names which extension in the settings: of a plan whose nodes have not started. */
export function namedIn({ extensions, nodes }: Plan): Users {
  const users = extensions.map(({ key, component: { id } }) => {
    const naming = [...extensions, ...nodes].filter(({ component }) => isNamed(id.text, component.redacted))
    return [key, new Set(naming.map((node) => node.key))] as const
  })
  return new Map(users)
}

function isNamed(id: string, settings: unknown): boolean {
  if (typeof settings !== 'object' || settings === null) return settings === id
  return Object.values(settings).some((value) => isNamed(id, value))
}

function declared({ component }: PlannedNode): Reads {
  return component.factory.reads?.(component.value) ?? {}
}
