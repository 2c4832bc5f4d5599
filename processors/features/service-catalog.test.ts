import assert from 'node:assert/strict'
import { test } from 'node:test'
import serviceCatalogFactory from '../../extensions/service_catalog/index.ts'
import { type ServiceCatalog, serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { build } from '../../pipeline/testing/build.ts'
import { resourceService } from '../../pipeline/vocabulary/entity.ts'
import { metrics, tick } from './features.fixture.ts'
import factory from './index.ts'

test('what resources of metrics say of a service is known to the catalogue, of metrics without a feature too', async () => {
  const extension = build(serviceCatalogFactory, '', { kind: 'extension' })
  await extension.instance.start?.()
  const catalog = extension.instance.provides!.get(serviceCatalog) as ServiceCatalog
  const { instance, handle } = build(factory, 'service_catalog: service_catalog', {
    capabilities: new Map([[serviceCatalog, catalog]]),
  })
  await instance.start?.()
  const told = { 'service.name': 'shop', team: 'payments', 'service.tier': '1' }
  await handle(metrics((to) => to.resource(told).gauge('anything', [{ value: 1, timeUnixNano: tick(1) }])))
  assert.deepEqual(catalog.lookup(resourceService(new Map([['service.name', 'shop']]))!), {
    owner: 'payments',
    tier: 1,
  })
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  await extension.instance.shutdown?.(AbortSignal.timeout(5_000))
})

test('a catalogue that is not there is told of at the start, with the cure', async () => {
  const { instance } = build(factory, 'service_catalog: nobody')
  await assert.rejects(
    async () => instance.start?.(),
    /no service catalog "nobody": add service_catalog to extensions and to service::extensions/,
  )
})
