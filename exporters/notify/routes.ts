/** Who is told what. */
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import type { Config, Route } from './config.ts'

/** What routes ask of an incident; of a diagnosis without its incident only the entity is known. */
export interface Routed {
  readonly entity: Entity
  readonly owner?: string | undefined
  readonly priority?: string
  readonly wakes?: boolean
  readonly blind?: boolean
}

/** Names of channels, none twice; empty = nobody. */
export function channelsFor(event: Routed, { routes, channels }: Config): readonly string[] {
  if (routes.length === 0) return Object.keys(channels)
  const found = new Set<string>()
  for (const route of routes) {
    if (!fits(route, event)) continue
    for (const name of route.channels) found.add(name)
    if (!route.continue) break
  }
  return [...found]
}

function fits(route: Route, { entity, owner = '', priority, wakes, blind }: Routed): boolean {
  const service = entity.service === '' ? entity.name : entity.service
  return (
    isAny(route.owner, owner) &&
    isAny(route.priority, priority) &&
    isAny(route.service, service) &&
    isAny(route.environment, entity.environment) &&
    (route.wakes === undefined || route.wakes === wakes) &&
    (route.blind === undefined || route.blind === blind)
  )
}

function isAny(wanted: readonly string[] | undefined, is: string | undefined): boolean {
  return wanted === undefined || (is !== undefined && wanted.includes(is))
}
