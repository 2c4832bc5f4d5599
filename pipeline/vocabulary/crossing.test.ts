import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTraces } from '../data/builders.ts'
import { crosses } from './crossing.ts'
import type { Entity, EntityKind } from './entity.ts'

function entity(kind: EntityKind, name: string, service = ''): Entity {
  return { kind, cluster: '', environment: '', namespace: '', service, name }
}
function isCrossed(of: Entity, service: string, attributes: Record<string, string>): boolean {
  const traces = newTraces().resource({ 'service.name': service }).span({ name: 'a', attributes }).build()
  const [span] = traces
  return crosses(of).matches(span!)
}

test('a service is crossed by its items, a part by those of its service, an edge by those of its source', () => {
  for (const of of [
    entity('service', 'order'),
    entity('operation', 'GET /', 'order'),
    entity('edge', 'order -> payment'),
  ]) {
    assert.equal(isCrossed(of, 'order', {}), true)
    assert.equal(isCrossed(of, 'payment', {}), false)
  }
})

test('what sends nothing itself is crossed by the spans that name it, and by no others', () => {
  const address = { 'server.address': 'db-1' }
  const orders = { ...address, 'db.namespace': 'orders' }
  const cases: readonly (readonly [EntityKind, string, Record<string, string>, boolean])[] = [
    ['database', 'db-1', address, true],
    ['database', 'db-1:5432', address, true],
    ['database', 'db-12', address, false],
    ['database', 'db-1:5432/orders', orders, true],
    ['database', 'db-1/orders', { ...address, 'db.namespace': 'users' }, false],
    ['database', 'db-1/orders', { 'server.address': 'db-2', 'db.namespace': 'orders' }, false],
    ['database', 'db-1/orders', { 'db.name': 'orders' }, true],
    ['database', 'orders', { 'db.namespace': 'orders' }, true],
    ['query', 'db-1/orders SELECT * FROM orders/x', orders, true],
    ['query', 'db-1 SELECT a / b', address, true],
    ['query', 'db-1/users SELECT 1', orders, false],
    ['queue', 'invoices', { 'messaging.destination.name': 'invoices' }, true],
    ['external', 'api.example.com', { 'server.address': 'api.example.com' }, true],
    ['external', 'all sources', address, false],
  ]
  for (const [kind, name, attributes, expected] of cases)
    assert.equal(
      isCrossed(entity(kind, name), 'order', attributes),
      expected,
      `${kind} ${name} ${JSON.stringify(attributes)}`,
    )
})
