import { fromChunks } from '../../pipeline/data/batch.ts'
import type { Batches, In, Key, Point, Value } from '../../pipeline/data/telemetry.ts'
import { key as prepareKey } from '../../pipeline/data/value.ts'
import { canonical } from './canonical.ts'
import { Groups, type OnWire, type ScopeGroup } from './groups.ts'
import { ComposedMetric } from './metric.ts'

export interface Regrouped<B> {
  readonly batch: B
  readonly groups: number
  /** Items that had one of the attributes. */
  readonly moved: number
}

/** Items with equal values of `keys` under one resource, which has these attributes now. */
export function regroup<S extends 'traces' | 'logs' | 'metrics'>(
  signal: S,
  batch: Batches[S],
  names: readonly string[],
): Regrouped<Batches[S]> {
  const keys = names.map(prepareKey)
  const groups = new Groups()
  const scopes: ScopeGroup[] = []
  let moved = 0
  for (const item of batch as Iterable<Item>) {
    const attributes: [string, Value][] = []
    let movedKey = ''
    for (const key of keys) {
      const value = item.attributes.get(key)
      if (value === undefined) continue
      attributes.push([key.name, value])
      movedKey += `${JSON.stringify(key.name)}:${canonical(value)},`
    }
    if (attributes.length > 0) moved++
    scopes.push(groups.scopeFor(item, attributes, movedKey))
  }
  const cleaned = moved === 0 ? batch : without(batch, keys)
  let at = 0
  for (const item of cleaned as Iterable<Item>) add(scopes[at++]!, item, signal)
  const chunk = groups.write()
  return { batch: fromChunks(signal, [chunk], [at], batch.origin), groups: groups.size, moved }
}

type Item = In & { readonly attributes: Point['attributes'] }

function without<B extends Batches['traces' | 'logs' | 'metrics']>(batch: B, keys: readonly Key[]): B {
  type Edit = (change: (item: { readonly attributes: { delete(key: Key): boolean } }) => void) => B
  return (batch.edit as unknown as Edit).call(batch, ({ attributes }) => {
    for (const key of keys) attributes.delete(key)
  })
}

function add(scope: ScopeGroup, item: Item, signal: 'traces' | 'logs' | 'metrics'): void {
  const message = item as unknown as OnWire
  if (signal !== 'metrics') {
    scope.items.push(message)
    return
  }
  const { metric } = item as unknown as Point
  const key = `${metric.type} ${metric.name}`
  let composed = scope.composed.get(key) as ComposedMetric | undefined
  if (composed === undefined) {
    composed = new ComposedMetric(metric)
    scope.composed.set(key, composed)
    scope.items.push(composed)
  }
  composed.points.push(message)
}
