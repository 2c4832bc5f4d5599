/** The entities that a span is of, and calls: named as `trace_features` names them. */
import type { In, Resource, Span } from '../data/telemetry.ts'
import { asText } from '../data/value.ts'
import { type Entity, entityId, instanceName, resourceNode, resourceService, versionName } from './entity.ts'
import { addressName, databaseName, isCache, operationName, queryName } from './span-names.ts'
import { type SpanText, spanTexts } from './span-texts.ts'

/** Of a resource, by `entityId`; empty where it does not say. */
export interface ResourceEntities {
  readonly service: string
  readonly version: string
  readonly instance: string
  readonly node: string
  readonly of: Entity | undefined
}

export function resourceEntities({ attributes }: Pick<Resource, 'attributes'>): ResourceEntities {
  const of = resourceService(attributes)
  const node = resourceNode(attributes)
  const part = (kind: 'version' | 'instance', name: string) =>
    of === undefined || name === '' ? '' : entityId({ ...of, kind, service: of.name, name })
  return {
    of,
    service: of === undefined ? '' : entityId(of),
    version: part('version', versionName(attributes)),
    instance: part('instance', instanceName(attributes)),
    node: node === undefined ? '' : entityId(node),
  }
}

/** What a span of a client or producer uses, the whole before its part: a database and its query, a cache, a queue, or somebody by an address. */
export function calledEntities(span: Pick<Span & In, 'attributes' | 'kind'>, of: Entity): readonly Entity[] {
  const text = (name: SpanText) => {
    for (const key of spanTexts[name]) {
      const value = span.attributes.get(key)
      if (value !== undefined) return asText(value)
    }
    return ''
  }
  const outside = { ...of, namespace: '', service: '' }
  const system = text('system')
  const [address, port] = [text('address'), text('port')]
  if (system !== '') {
    const isOfCache = isCache(system)
    const reached = address === '' ? '' : addressName(address, port, system)
    const name = databaseName(reached, isOfCache ? '' : text('namespace'), text('peerService'), system)
    const store = { ...outside, kind: isOfCache ? 'cache' : 'database', name } as const
    const query = isOfCache
      ? ''
      : queryName(text('summary'), text('statement'), text('dbOperation'), text('collection'), system)
    return query === '' ? [store] : [store, { ...outside, kind: 'query', name: `${name} ${query}` }]
  }
  const destination = text('destination')
  if (destination !== '') return [{ ...outside, kind: 'queue', name: destination }]
  const peer = text('peerService') || (address === '' ? '' : addressName(address, port, ''))
  return peer === '' ? [] : [{ ...outside, kind: 'external', name: peer }]
}

/** The operation of a span that a request comes in by. */
export function spanOperation(span: Pick<Span & In, 'attributes' | 'name'>, of: Entity): Entity {
  const text = (name: SpanText) => {
    const key = spanTexts[name].find((one) => span.attributes.has(one))
    return key === undefined ? '' : asText(span.attributes.get(key) ?? '')
  }
  const name = operationName(span.name, text('method'), text('route')) || 'unnamed'
  return { ...of, kind: 'operation', service: of.name, name }
}
