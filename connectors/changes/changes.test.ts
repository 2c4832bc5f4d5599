import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newLogs, newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { type Change, readChange } from '../../pipeline/vocabulary/change.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'

describeContract(factory, '')
describeContract(factory, 'settle: 0s\nversion_gone: 1m')

const minute = 60_000

async function open(yaml = '', before?: Uint8Array) {
  const { instance, context, handle } = build(factory, yaml, {
    signals: ['traces', 'metrics', 'logs'],
    outputs: ['logs'],
  })
  if (before !== undefined) await instance.restore?.(before)
  await instance.start?.()
  const now = () => context.clock.nowUnixNano()
  return {
    instance,
    context,
    now,
    hear: (batch: Batch) => handle(batch),
    wait: (ms: number) => context.clock.advance(ms),
    /** A span of a pod of this version, that began a second ago. */
    span: async (version: string, service = 'order', more: Readonly<Record<string, Value>> = {}) => {
      const startUnixNano = now() - 1_000_000_000n
      await handle(
        newTraces()
          .resource({ 'service.name': service, 'service.version': version, ...more })
          .span({ startUnixNano, endUnixNano: startUnixNano + 5n })
          .build(),
      )
    },
    told: (): Change[] =>
      context.recorded.emitted.flatMap(({ batch }) =>
        batch.signal === 'logs' ? Array.from(batch).flatMap((record) => readChange(record) ?? []) : [],
      ),
  }
}

const brief = ({ kind, source, from = '', to = '', entity }: Change) =>
  `${source} ${kind} of ${entityLabel(entity)} ${from} > ${to}`

/** As the receiver k8s_events writes it. */
function event(kind: string, name: string, reason: string, message: string, timeUnixNano: bigint, uid = reason) {
  return newLogs()
    .resource({ 'k8s.cluster.name': 'eu', 'k8s.object.kind': kind, 'k8s.object.name': name })
    .scope('github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8seventsreceiver')
    .record({
      timeUnixNano,
      severityText: 'Normal',
      body: message,
      attributes: { 'k8s.event.reason': reason, 'k8s.namespace.name': 'shop', 'k8s.event.uid': uid },
    })
    .build()
}

test('the versions there are when a service is first heard of are no changes; one that comes later is a deploy', async () => {
  const { span, wait, told, now } = await open()
  await span('1.0.0')
  await wait(minute)
  await span('1.1.0')
  await wait(20 * minute)
  assert.deepEqual(told(), [])
  const began = now() - 1_000_000_000n
  await span('2.0.0')
  assert.deepEqual(told().map(brief), ['version deploy of order 1.1.0 > 2.0.0'])
  assert.equal(told()[0]?.time, String(began), 'it was then that something of it was seen first')
  assert.equal(told()[0]?.text, 'order 2.0.0 runs, before it was 1.1.0')
})

test('a rolling update and a canary beside what runs are one change each, however long they take', async () => {
  const { span, wait, told } = await open()
  await span('1')
  await wait(30 * minute)
  for (let i = 0; i < 200; i++) {
    await span('1')
    await span('2')
    await wait(minute)
  }
  assert.deepEqual(told().map(brief), ['version deploy of order 1 > 2'])
})

test('a version that comes back while another runs is a rollback; a service that slept comes back as it was', async () => {
  const { span, wait, told } = await open()
  await span('1')
  await wait(10 * minute)
  await span('2')
  for (let i = 0; i < 30; i++) {
    await wait(minute)
    await span('2')
  }
  await span('1')
  assert.deepEqual(told().map(brief), ['version deploy of order 1 > 2', 'version rollback of order 2 > 1'])
  assert.match(told()[1]?.text ?? '', /^order is back at 1, it was 2$/)
  await wait(600 * minute)
  await span('1')
  await wait(minute)
  assert.equal(told().length, 2)
})

test('services of another environment or name have versions of their own, and metrics and logs tell as spans do', async () => {
  const { span, wait, told, hear, now } = await open()
  await span('1', 'order', { 'deployment.environment.name': 'staging' })
  await span('1', 'order', { 'deployment.environment.name': 'production' })
  await span('7', 'ads')
  await wait(10 * minute)
  await span('2', 'order', { 'deployment.environment.name': 'staging' })
  await hear(
    newMetrics()
      .resource({ 'service.name': 'ads', 'service.version': '8' })
      .gauge('m', [{ value: 1, timeUnixNano: now() }])
      .build(),
  )
  await wait(10 * minute)
  await hear(
    newLogs()
      .resource({ 'service.name': 'ads', 'service.version': '9' })
      .record({ timeUnixNano: now(), body: 'started' })
      .build(),
  )
  assert.deepEqual(
    told().map((one) => `${brief(one)} ${one.entity.environment}`.trim()),
    ['version deploy of order 1 > 2 staging', 'version deploy of ads 7 > 8', 'version deploy of ads 8 > 9'],
  )
})

test('a rollout that Kubernetes tells of and the version that is then seen are one event, of the service whose pods they are', async () => {
  const { span, wait, told, hear, now } = await open()
  const pods = { 'k8s.cluster.name': 'eu', 'k8s.namespace.name': 'shop', 'k8s.deployment.name': 'order-v2' }
  await span('2.14.0', 'order', pods)
  await wait(30 * minute)
  const at = now()
  const scaled = (message: string, uid: string) =>
    event('Deployment', 'order-v2', 'ScalingReplicaSet', message, at, uid)
  await hear(scaled('Scaled up replica set order-v2-7c9 from 0 to 1', 'a'))
  await hear(scaled('Scaled up replica set order-v2-7c9 from 0 to 1', 'a'))
  await wait(20_000)
  await span('2.15.0', 'order', pods)
  await hear(scaled('Scaled down replica set order-v2-5b1 from 3 to 2', 'b'))
  await hear(scaled('Scaled up replica set order-v2-7c9 from 1 to 2', 'c'))
  await hear(scaled('Scaled down replica set order-v2-5b1 from 1 to 0', 'd'))
  assert.deepEqual(told().map(brief), ['kubernetes deploy of order  > ', 'version deploy of order 2.14.0 > 2.15.0'])
  const [first, second] = told()
  assert.equal(second?.id, first?.id)
  assert.equal(second?.time, first?.time)
  assert.equal(first?.time, String(at))
  assert.deepEqual([first?.state, second?.state], ['started', 'finished'])
})

test('scaling, a rollback and what is done to nodes are told; pods that come, go and crash are no changes', async () => {
  const { told, hear, now } = await open()
  const at = now()
  for (const [kind, name, reason, message] of [
    ['Deployment', 'cart', 'ScalingReplicaSet', 'Scaled up replica set cart-77 from 2 to 5'],
    [
      'HorizontalPodAutoscaler',
      'ads',
      'SuccessfulRescale',
      'New size: 4; reason: cpu resource utilization above target',
    ],
    ['Deployment', 'pay', 'DeploymentRollback', 'Rolled back deployment "pay" to revision 3'],
    ['Node', 'node-1', 'NodeNotSchedulable', 'Node node-1 status is now: NodeNotSchedulable'],
    ['Node', 'node-2', 'NodeNotReady', 'Node node-2 status is now: NodeNotReady'],
    ['Pod', 'cart-77-x', 'BackOff', 'Back-off restarting failed container'],
    ['Pod', 'cart-77-y', 'Scheduled', 'Successfully assigned shop/cart-77-y to node-1'],
    ['ReplicaSet', 'cart-77', 'SuccessfulCreate', 'Created pod: cart-77-y'],
  ] as const)
    await hear(event(kind, name, reason, message, at))
  // As k8sobjects writes what a watch says.
  await hear(
    newLogs()
      .resource({ 'k8s.namespace.name': 'shop' })
      .record({
        timeUnixNano: at,
        body: {
          type: 'ADDED',
          object: {
            kind: 'Event',
            reason: 'ScalingReplicaSet',
            note: 'Scaled down replica set web-1 from 5 to 3',
            regarding: { kind: 'Deployment', name: 'web', namespace: 'shop' },
            metadata: { uid: 'u1' },
          },
        },
      })
      .build(),
  )
  assert.deepEqual(told().map(brief), [
    'kubernetes scaling of cart 2 replicas > 5 replicas',
    'kubernetes scaling of ads  > 4 replicas',
    'kubernetes rollback of pay  > revision 3',
    'kubernetes infrastructure of node node-1  > NodeNotSchedulable',
    'kubernetes scaling of web 5 replicas > 3 replicas',
  ])
})

test('what is no event, and events that say nonsense, are left alone', async () => {
  const { told, hear, now } = await open()
  const at = now()
  await hear(event('Deployment', '', 'ScalingReplicaSet', '', at))
  await hear(event('Deployment', 'x', 'ScalingReplicaSet', 'Scaled sideways', at))
  await hear(event('HorizontalPodAutoscaler', 'x', 'SuccessfulRescale', 'New size: many', at))
  const odd: Value[] = [null, 7, 'text', ['a'], { kind: 'Event' }, { object: { kind: 'Event', regarding: 3 } }]
  for (const body of odd) await hear(newLogs().resource({}).record({ timeUnixNano: at, body }).build())
  assert.deepEqual(told(), [])
})

test('a successor goes on with the versions there are, and tells what was not taken', async () => {
  const first = await open()
  await first.span('1')
  await first.wait(10 * minute)
  const state = await first.instance.save?.()
  const { span, wait, told } = await open('', state)
  await wait(10 * minute)
  await span('1')
  await span('2')
  assert.deepEqual(told().map(brief), ['version deploy of order 1 > 2'])
})

test('for one service more than there may be those that were silent longest are forgotten, and counted', async () => {
  const { span, wait, context, told } = await open('{ max_services: 3 }')
  for (const name of ['a', 'b', 'c', 'd']) {
    await span('1', name)
    await wait(minute)
  }
  const read = (rest: string) => context.recorded.gauges.get(`otelcol_connector_changes_${rest}`)?.()
  assert.equal(read('services'), 3)
  assert.equal(read('forgotten_services'), 1)
  await wait(10 * minute)
  await span('2', 'd')
  await span('2', 'a')
  assert.deepEqual(told().map(brief), ['version deploy of d 1 > 2'])
})
