import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Attributes, Value } from '../../pipeline/data/telemetry.ts'
import { Association, attributeKey, connectionKey, senderOf } from './association.ts'
import type { Pod } from './pod.ts'

const attributesOf = (values: Record<string, Value>): Attributes => {
  const [span] = newTraces().resource(values).span({ name: 'x' }).build()
  assert.ok(span)
  return span.resource.attributes
}
const by = (...sources: { from: string; name?: string }[]) => ({
  sources: sources.map(({ from, name = '' }) => ({ from, name })),
})
const attribute = (name: string) => ({ from: 'resource_attribute', name })
const connection = { from: 'connection' }
const emptyContainers = { byName: new Map(), byId: new Map() }
const podWith = (fields: Partial<Pod>): Pod => ({
  name: '',
  namespace: '',
  uid: '',
  ip: '',
  startedMs: undefined,
  hostNetwork: false,
  nodeName: '',
  isIgnored: false,
  deploymentUid: '',
  replicaSetUid: '',
  statefulSetUid: '',
  daemonSetUid: '',
  jobUid: '',
  cronJobUid: '',
  attributes: new Map(),
  containers: emptyContainers,
  ...fields,
})

test('without rules, by the address: k8s.pod.ip, ip, the sender, a host.name that is one', () => {
  const association = new Association([])
  const cases: readonly (readonly [Record<string, Value>, string, string])[] = [
    [{ 'k8s.pod.ip': '1.1.1.1', ip: '2.2.2.2', 'host.name': '3.3.3.3' }, '4.4.4.4', '1.1.1.1'],
    [{ ip: '2.2.2.2', 'host.name': '3.3.3.3' }, '4.4.4.4', '2.2.2.2'],
    [{ 'host.name': '3.3.3.3' }, '4.4.4.4', '4.4.4.4'],
    [{ 'host.name': '3.3.3.3' }, '', '3.3.3.3'],
    [{ 'host.name': '2001:db8::1' }, '', '2001:db8::1'],
    [{ 'host.name': 'my-host' }, '', ''],
    [{ 'k8s.pod.ip': 5 }, '', ''],
    [{}, '', ''],
  ]
  for (const [values, sender, address] of cases) {
    const { key, connection: from, sources } = association.identify(attributesOf(values), sender)
    assert.equal(key, address === '' ? '' : connectionKey(address))
    assert.deepEqual([from, sources], address === '' ? ['', ''] : [address, 'connection'])
  }
})

test('the first rule whose sources are all there is right', () => {
  const association = new Association([
    by(attribute('k8s.pod.uid')),
    by(attribute('k8s.namespace.name'), attribute('k8s.pod.name')),
    by(attribute('host.name')),
    by(connection),
  ])
  const identify = (values: Record<string, Value>, sender = '') =>
    association.identify(attributesOf(values), sender).sources
  assert.equal(identify({ 'k8s.pod.uid': 'u', 'k8s.pod.name': 'p' }), 'resource_attribute/k8s.pod.uid')
  const pair = 'resource_attribute/k8s.namespace.name+resource_attribute/k8s.pod.name'
  assert.equal(identify({ 'k8s.pod.name': 'p', 'k8s.namespace.name': 'n' }), pair)
  assert.equal(identify({ 'k8s.pod.name': 'p', 'host.name': '1.2.3.4' }), 'resource_attribute/host.name')
  assert.equal(identify({ 'host.name': 'no-address' }, '9.9.9.9'), 'connection')
  assert.equal(identify({ 'k8s.pod.name': 'p' }), '')
})

test('a pod is found under every rule, and by uid and address without one', () => {
  const rules = [
    by(attribute('container.id'), connection),
    by(attribute('k8s.namespace.name'), attribute('k8s.pod.name')),
    by(attribute('team')),
    by(attribute('missing')),
  ]
  const association = new Association(rules)
  const byId = new Map([
    ['id1', {}],
    ['id2', {}],
  ]) as unknown as Pod['containers']['byId']
  const pod = podWith({
    uid: 'u',
    ip: '1.1.1.1',
    name: 'p',
    namespace: 'n',
    attributes: new Map([['team', 'core']]),
    containers: { byName: new Map(), byId },
  })
  const found = (values: Record<string, Value>, sender = '') => {
    const { key } = association.identify(attributesOf(values), sender)
    return association.keysOf(pod).includes(key)
  }
  assert.equal(association.keysOf(pod).length, 2 + 1 + 1 + 3)
  assert.ok(found({ 'container.id': 'id2' }, '1.1.1.1'))
  assert.ok(!found({ 'container.id': 'id3' }, '1.1.1.1'))
  assert.ok(found({ 'k8s.namespace.name': 'n', 'k8s.pod.name': 'p' }))
  assert.ok(found({ team: 'core' }))
  for (const key of [attributeKey('k8s.pod.uid', 'u'), connectionKey('1.1.1.1'), attributeKey('k8s.pod.ip', '1.1.1.1')])
    assert.ok(association.keysOf(pod).includes(key))
})

test('a pod on the network of its host is not found by address', () => {
  const association = new Association([by(connection)])
  assert.deepEqual(association.keysOf(podWith({ uid: 'u', ip: '1.1.1.1', hostNetwork: true })), [
    attributeKey('k8s.pod.uid', 'u'),
  ])
})

test('parts of an identifier cannot run into each other', () => {
  const association = new Association([by(attribute('a'), attribute('b'))])
  const key = (a: string, b: string) => association.identify(attributesOf({ a, b }), '').key
  assert.notEqual(key('x', 'yz'), key('xy', 'z'))
})

test('the address of the sender is without port, brackets and the IPv6 form of IPv4', () => {
  const cases = [
    ['10.1.2.3:4711', '10.1.2.3'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['[::ffff:10.1.2.3]:4711', '10.1.2.3'],
    ['::ffff:10.1.2.3:4711', '10.1.2.3'],
    ['10.1.2.3', '10.1.2.3'],
    [undefined, ''],
  ] as const
  for (const [address, sender] of cases) assert.equal(senderOf(address), sender)
})
