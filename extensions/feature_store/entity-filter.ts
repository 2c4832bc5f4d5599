import type { EntityFilter, KnownEntity } from '../../pipeline/capability/feature-store.ts'
import type { EntityHistory } from './entity-history.ts'
import type { EntityHistories } from './history.ts'

/** In the order in which they became known. */
export function entitiesOf(histories: EntityHistories, filter: EntityFilter): readonly KnownEntity[] {
  const known: KnownEntity[] = []
  for (const history of histories.byId.values()) {
    if (!matches(history, filter)) continue
    known.push({
      id: history.id,
      entity: history.entity,
      firstSeenUnixNano: nanos(history.firstSeconds),
      lastSeenUnixNano: nanos(history.lastSeconds),
      columns: Array.from(history.columnNumbers, (number) => histories.columns.at(number)!.text),
    })
  }
  return known
}

function matches({ entity, firstSeconds, lastSeconds }: EntityHistory, filter: EntityFilter): boolean {
  const { kinds, service, namespace, environment, cluster, seenSinceUnixNano, asOfUnixNano } = filter
  if (kinds !== undefined && !kinds.includes(entity.kind)) return false
  if (service !== undefined && (entity.kind === 'service' ? entity.name : entity.service) !== service) return false
  if (namespace !== undefined && entity.namespace !== namespace) return false
  if (environment !== undefined && entity.environment !== environment) return false
  if (cluster !== undefined && entity.cluster !== cluster) return false
  if (seenSinceUnixNano !== undefined && nanos(lastSeconds) < seenSinceUnixNano) return false
  return asOfUnixNano === undefined || nanos(firstSeconds) <= asOfUnixNano
}

function nanos(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1_000)) * 1_000_000n
}
