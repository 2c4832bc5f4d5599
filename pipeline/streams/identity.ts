/** What tells metric streams apart, as texts that are equal when the streams are. The attributes of a point are the rest: `point.identity`. */
import { identityOf } from '../data/identity.ts'
import type { Metric, Resource, Scope } from '../data/telemetry.ts'

/** By their attributes, and the scope's name and version. */
export function placeId({ resource, scope }: { readonly resource: Resource; readonly scope: Scope }): string {
  return `${identityOf(resource.attributes)}|${sized(scope.name)}${sized(scope.version)}${identityOf(scope.attributes)}|`
}

export function metricId(metric: Pick<Metric, 'name' | 'unit' | 'type' | 'temporality' | 'monotonic'>): string {
  const { name, unit, type, temporality, monotonic } = metric
  return `${sized(name)}${sized(unit)}${type} ${temporality} ${monotonic ? 'y' : 'n'}`
}

function sized(text: string): string {
  return `${text.length}:${text}`
}
