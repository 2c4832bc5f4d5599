import assert from 'node:assert/strict'
import { test } from 'node:test'
import serviceCatalogFactory from '../../extensions/service_catalog/index.ts'
import { type ServiceCatalog, serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { build } from '../../pipeline/testing/build.ts'
import { resourceService } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'
import { batchOf, type Span } from './spans.fixture.ts'

/** Trace features beside a real catalogue. */
async function open(yaml = '') {
  const extension = build(serviceCatalogFactory, yaml, { kind: 'extension' })
  await extension.instance.start?.()
  const catalog = extension.instance.provides!.get(serviceCatalog) as ServiceCatalog
  let told = 0
  const counted: ServiceCatalog = {
    lookup: (entity) => catalog.lookup(entity),
    observe: (entity, attributes) => {
      told++
      catalog.observe(entity, attributes)
    },
  }
  const { instance, context, handle } = build(factory, 'service_catalog: service_catalog', {
    kind: 'connector',
    capabilities: new Map([[serviceCatalog, counted]]),
  })
  await instance.start?.()
  return {
    told: () => told,
    clock: context.clock,
    sendAll: (spans: readonly Span[]) => handle(batchOf(spans)),
    send: (resource: Readonly<Record<string, string>>, service = 'shop') =>
      handle(batchOf([{ id: 1, service, resource }])),
    of: (service: string) => catalog.lookup(resourceService(new Map([['service.name', service]]))!),
    end: async () => {
      await instance.shutdown?.(AbortSignal.timeout(5_000))
      await extension.instance.shutdown?.(AbortSignal.timeout(5_000))
    },
  }
}

test('what a resource says of its service is known to the catalogue: owner, tier and runbook', async () => {
  const { send, of, end } = await open()
  await send({ 'k8s.deployment.label.team': 'payments', 'service.tier': '1', 'service.runbook': 'https://wiki/shop' })
  assert.deepEqual(of('shop'), { owner: 'payments', tier: 1, runbook: 'https://wiki/shop' })
  await end()
})

test('a resource is told of once, another one of the same service at once, and each again after ten minutes', async () => {
  const { send, of, told, clock, end } = await open()
  for (let i = 0; i < 5; i++) await send({ team: 'payments' })
  assert.equal(told(), 1)
  await send({ team: 'sales' })
  assert.deepEqual([told(), of('shop').owner], [2, 'sales'])
  await clock.advance(600_000)
  await send({ team: 'sales' })
  assert.equal(told(), 3)
  await end()
})

test('ten thousand and more resources are told of, and no more of them are kept in mind', async () => {
  const { sendAll, send, of, told, end } = await open('max_services: 100')
  await sendAll(
    Array.from({ length: 10_050 }, (_, i) => ({ id: 1, service: `service ${i}`, resource: { team: `team ${i}` } })),
  )
  assert.equal(told(), 10_050)
  assert.deepEqual([of('service 10049').owner, of('service 0').owner], ['team 10049', undefined])
  await send({ team: 'team 0' }, 'service 0')
  assert.equal(of('service 0').owner, 'team 0')
  await end()
})

test('a catalogue that is not there is told of at the start, with the cure', async () => {
  const { instance } = build(factory, 'service_catalog: nobody', { kind: 'connector' })
  await assert.rejects(
    async () => instance.start?.(),
    /no service catalog "nobody": add service_catalog to extensions and to service::extensions/,
  )
})
