import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../pipeline/testing/fake-clock.ts'
import { trimPod } from './api-pod.ts'
import { Association, attributeKey, connectionKey } from './association.ts'
import { type PodInit, servedPod } from './cluster.fixture.ts'
import { ClusterCache } from './cluster-cache.ts'
import { rulesOf } from './rules.fixture.ts'

function cacheWith(sources: readonly string[] = []) {
  const rules = rulesOf({
    metadata: ['k8s.pod.name', 'container.id', 'k8s.cluster.uid', 'k8s.deployment.uid'],
    labels: [{ key: 'team', tag_name: 'team' }],
  })
  const clock = new FakeClock()
  const association = new Association(sources.map((name) => ({ sources: [{ from: 'resource_attribute', name }] })))
  const cache = new ClusterCache({ rules, association, isExcluded: () => false, clock, graceMs: 60_000 })
  const api = (init: PodInit) => trimPod(servedPod(init), rules)
  return {
    cache,
    put: (init: PodInit) => cache.putPod(api(init)),
    remove: (init: PodInit) => cache.removePod(api(init)),
    later: async () => {
      await clock.advance(60_000)
      cache.sweep()
    },
  }
}
const nameAt = (cache: ClusterCache, key: string) => cache.pod(key)?.name

test('a pod is filed under uid and both forms of its address', () => {
  const { cache, put } = cacheWith()
  put({ name: 'a', ip: '1.1.1.1' })
  assert.equal(cache.size, 3)
  for (const key of [
    attributeKey('k8s.pod.uid', 'uid-a'),
    connectionKey('1.1.1.1'),
    attributeKey('k8s.pod.ip', '1.1.1.1'),
  ])
    assert.equal(nameAt(cache, key), 'a')
})

test('a late word of an older pod does not take an address back', () => {
  const { cache, put } = cacheWith()
  put({ name: 'new', ip: '1.1.1.1', started: '2026-04-07T11:00:00Z' })
  put({ name: 'old', ip: '1.1.1.1', started: '2026-04-07T10:00:00Z' })
  assert.equal(nameAt(cache, connectionKey('1.1.1.1')), 'new')
  put({ name: 'newer', ip: '1.1.1.1', started: '2026-04-07T11:00:00Z' })
  assert.equal(nameAt(cache, connectionKey('1.1.1.1')), 'newer')
})

test('identifiers that a pod has lost are forgotten after the grace period', async () => {
  const { cache, put, later } = cacheWith(['team'])
  put({ name: 'a', ip: '1.1.1.1', labels: { team: 'x' } })
  put({ name: 'a', ip: '2.2.2.2', labels: { team: 'y' } })
  assert.equal(nameAt(cache, attributeKey('team', 'x')), 'a')
  await later()
  assert.equal(nameAt(cache, attributeKey('team', 'x')), undefined)
  assert.equal(nameAt(cache, connectionKey('1.1.1.1')), undefined)
  assert.equal(nameAt(cache, attributeKey('team', 'y')), 'a')
  assert.equal(cache.size, 4)
})

test('an identifier that comes back before the end of the grace period stays', async () => {
  const { cache, put, later } = cacheWith(['team'])
  for (const team of ['x', 'y', 'x']) put({ name: 'a', labels: { team } })
  await later()
  assert.equal(nameAt(cache, attributeKey('team', 'x')), 'a')
  assert.equal(nameAt(cache, attributeKey('team', 'y')), undefined)
})

test('a pod that is deleted without its address is forgotten under it too', async () => {
  const { cache, put, remove, later } = cacheWith()
  put({ name: 'a', ip: '1.1.1.1' })
  remove({ name: 'a', ip: '' })
  assert.equal(cache.size, 3)
  await later()
  assert.equal(cache.size, 0)
})

test('what was taken over by another pod is not forgotten with the first', async () => {
  const { cache, put, remove, later } = cacheWith()
  put({ name: 'a', ip: '1.1.1.1', started: '2026-04-07T10:00:00Z' })
  remove({ name: 'a', ip: '1.1.1.1' })
  put({ name: 'b', ip: '1.1.1.1', started: '2026-04-07T11:00:00Z' })
  await later()
  assert.equal(nameAt(cache, connectionKey('1.1.1.1')), 'b')
  assert.equal(nameAt(cache, attributeKey('k8s.pod.uid', 'uid-a')), undefined)
})

test('a pod on the network of its host is filed under its uid only', () => {
  const { cache, put } = cacheWith()
  put({ name: 'a', hostNetwork: true })
  assert.equal(cache.size, 1)
})

test('an owner that is heard of later is known at the next word of the pod', () => {
  const { cache, put } = cacheWith()
  const init: PodInit = { name: 'a', owner: ['ReplicaSet', 'web-1', 'rs'] }
  const uid = () => cache.pod(attributeKey('k8s.pod.uid', 'uid-a'))?.deploymentUid
  put(init)
  assert.equal(uid(), '')
  cache.putThing('replicaset', { name: 'web-1', uid: 'rs', attributes: new Map(), ownerName: 'web', ownerUid: 'd' })
  put(init)
  assert.equal(uid(), 'd')
  cache.removeThing('replicaset', { name: 'web-1', uid: 'rs', attributes: new Map(), ownerName: '', ownerUid: '' })
  assert.equal(cache.replicaSet('rs'), undefined)
})
