import assert from 'node:assert/strict'
import { mkdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ServiceCatalog, serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { testFolder, writeAnew } from '../../pipeline/testing/test-folder.ts'
import type { Entity, EntityKind } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'

describeContract(factory, 'services: { shop: { owner: sales } }')

const root = testFolder('catalog')
let folders = 0

/** An extension over files of these names. */
async function open(files: Readonly<Record<string, string>>, yaml = '') {
  const folder = join(root, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeAnew(join(folder, name), text)
  const { instance, context } = build(factory, `files: [${folder}]\n${yaml}`, { kind: 'extension' })
  await instance.start?.()
  const catalog = instance.provides!.get(serviceCatalog) as ServiceCatalog
  return {
    folder,
    context,
    instance,
    catalog,
    of: (name: string, environment = 'production') => catalog.lookup(entity('service', name, '', environment)),
    problems: () => context.recorded.gauges.get('otelcol_extension_service_catalog_problems')!(),
    change: async (name: string, text: string) => {
      writeAnew(join(folder, name), text)
      const seen = context.recorded.lines.length
      await context.clock.advance(10_000)
      while (context.recorded.lines.length === seen) await new Promise(setImmediate)
      await new Promise(setImmediate)
    },
  }
}

function entity(kind: EntityKind, name: string, service = '', environment = 'production'): Entity {
  return { kind, name, service, environment, cluster: 'eu', namespace: 'shop' }
}

const own = `
services:
  checkout:
    owner: payments
    tier: 1
    runbook: https://wiki/checkout
    contacts: { slack: "#checkout" }
    slos: [checkout-availability]
    aliases: [checkout-api]
    environments:
      staging: { tier: 4 }
entities:
  - { kind: database, name: paydb, owner: dba, tier: T2 }
teams:
  payments: { contacts: { slack: "#payments", email: payments@example.com } }
`

test('the short format: owner, tier, runbook, contacts of the service and then of its team, SLOs, other names', async () => {
  const { of, catalog, problems } = await open({ 'a.yaml': own })
  const checkout = {
    owner: 'payments',
    tier: 1,
    runbook: 'https://wiki/checkout',
    contacts: { slack: '#checkout', email: 'payments@example.com' },
    slos: ['checkout-availability'],
    aliases: ['checkout-api'],
  }
  assert.deepEqual(of('checkout'), checkout)
  assert.deepEqual(of('Checkout-API'), checkout)
  assert.equal(of('checkout', 'staging').tier, 4)
  assert.equal(of('checkout', 'staging').owner, 'payments')
  assert.deepEqual(of('unknown'), {})
  assert.deepEqual(catalog.lookup(entity('database', 'paydb')), { owner: 'dba', tier: 2 })
  assert.equal(problems(), 0)
})

test('what is part of a service has what its service has', async () => {
  const { catalog } = await open({ 'a.yaml': own })
  for (const one of [
    entity('operation', 'POST /orders', 'checkout'),
    entity('instance', 'checkout-7f9', 'checkout'),
    entity('pool', 'paydb', 'checkout'),
    entity('edge', 'checkout -> payment'),
  ])
    assert.equal(catalog.lookup(one).owner, 'payments', one.kind)
  assert.deepEqual(catalog.lookup(entity('node', 'n1')), {})
})

const backstage = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  title: Checkout API
  description: Takes the orders.
  annotations: { opentelemetry.io/service-name: checkout-svc, pagerduty.com/service-id: P123 }
  labels: { tier: tier-2 }
  links: [{ url: https://wiki/rb, title: Runbook for checkout }]
spec: { type: service, lifecycle: production, owner: group:default/payments }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: payments, annotations: { slack.com/channel: "#pay" } }
spec: { type: team, profile: { email: pay@example.com }, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: { name: paydb }
spec: { type: database, owner: user:jane }
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: { name: ignored }
spec: { owner: payments }
`

test('Backstage: components, resources and the groups that own them', async () => {
  const { of, catalog, problems } = await open({ 'catalog-info.yaml': backstage })
  const expected = {
    owner: 'payments',
    tier: 2,
    lifecycle: 'production',
    description: 'Takes the orders.',
    runbook: 'https://wiki/rb',
    contacts: { email: 'pay@example.com', slack: '#pay', pagerduty: 'P123' },
    aliases: ['checkout', 'Checkout API'],
  }
  assert.deepEqual(of('checkout-svc'), expected)
  assert.deepEqual(of('checkout'), expected)
  assert.equal(catalog.lookup(entity('database', 'paydb')).owner, 'jane')
  assert.equal(problems(), 0)
})

test('the config goes before the short format, that before Backstage, and all before what telemetry says', async () => {
  const { of, catalog } = await open(
    {
      'a-backstage.yaml': backstage.replace('checkout-svc', 'checkout'),
      'b.yaml': 'services: { checkout: { tier: 3, description: from the file } }',
    },
    'services: { checkout: { description: from the config } }',
  )
  catalog.observe(entity('service', 'checkout'), {
    'k8s.pod.label.team': 'someone else',
    'service.slack': '#observed',
    'service.opsgenie': 'ops',
  })
  const { owner, tier, description, lifecycle, contacts } = of('checkout')
  assert.deepEqual(
    { owner, tier, description, lifecycle, contacts },
    {
      owner: 'payments',
      tier: 3,
      description: 'from the config',
      lifecycle: 'production',
      contacts: { email: 'pay@example.com', slack: '#observed', pagerduty: 'P123', opsgenie: 'ops' },
    },
  )
})

test('resource attributes, labels and annotations, of this service in this place only', async () => {
  const { of, catalog } = await open({}, 'attributes: { owner: [squad] }')
  catalog.observe(entity('instance', 'cart-1', 'cart'), {
    'k8s.deployment.annotations.squad': 'growth',
    'k8s.pod.labels.tier': '2',
    runbook: 'https://wiki/cart',
    team: 'not asked for',
  })
  assert.deepEqual(of('cart'), { owner: 'growth', tier: 2, runbook: 'https://wiki/cart' })
  assert.deepEqual(of('cart', 'staging'), {})
  // What it says later goes before, and what it no longer says stays.
  catalog.observe(entity('service', 'cart'), { squad: 'retail' })
  assert.deepEqual(of('cart'), { owner: 'retail', tier: 2, runbook: 'https://wiki/cart' })
})

test('services that telemetry told of are bounded: the longest unseen is forgotten, and counted', async () => {
  const { of, catalog, context } = await open({}, 'max_services: 2')
  for (const name of ['a', 'b', 'a', 'c']) catalog.observe(entity('service', name), { owner: `of ${name}` })
  assert.deepEqual([of('a').owner, of('b').owner, of('c').owner], ['of a', undefined, 'of c'])
  assert.equal(context.recorded.gauges.get('otelcol_extension_service_catalog_forgotten_services')!(), 1)
})

test('entries that are wrong are left out alone, each told with its place', async () => {
  const { of, context, folder } = await open({
    'a.yaml': 'services:\n  good: { owner: a }\n  bad:\n    owner: b\n    tier: 7\n  typo: { ownr: c }\nteam: {}\n',
    'b.yaml':
      'kind: Component\nmetadata: { name: x }\nspec: { type: service }\n---\nkind: Component\nmetadata: { name: y }\nspec: { owner: z }\n',
    'c.yaml': 'services: {',
    'd.yaml': '- 1\n',
    'e.yaml': 'kind: Componnt\n',
  })
  assert.deepEqual([of('good').owner, of('bad'), of('typo'), of('y').owner], ['a', {}, {}, 'z'])
  const { fields } = context.recorded.lines.find(({ level }) => level === 'warn')!
  const told = (fields['problems'] as string[]).map((one) => one.replace(`${folder}/`, ''))
  const expected = [
    /^c\.yaml:\d+:\d+ not valid YAML/,
    /^a\.yaml:5:5 services\.bad\.tier: tier is 1 .* got 7/,
    /^a\.yaml:6:11 services\.typo\.ownr: has invalid keys: ownr/,
    /^a\.yaml:7:1 has invalid keys: team; did you mean "teams"/,
    /^d\.yaml:1:1: write a map/,
    /^b\.yaml:3:1 Component\.spec\.owner: is required/,
    /^e\.yaml:1:1 kind: Componnt is not known/,
  ]
  assert.equal(told.length, expected.length, told.join('\n'))
  for (const [i, pattern] of expected.entries()) assert.match(told[i]!, pattern)
  assert.deepEqual(context.recorded.states.at(-1)?.state, 'recoverable')
})

test('files that change are read again; a broken one keeps what it said, a deleted one says nothing', async () => {
  const { of, change, folder, problems, context } = await open({
    'a.yaml': own,
    'b.yaml': 'services: { cart: { owner: growth } }',
  })
  await change('a.yaml', own.replace('owner: payments', 'owner: billing'))
  assert.equal(of('checkout').owner, 'billing')
  await change('a.yaml', 'services: {')
  assert.deepEqual([of('checkout').owner, problems()], ['billing', 1])
  unlinkSync(join(folder, 'a.yaml'))
  await change('b.yaml', 'services: { cart: { owner: retail } }')
  assert.deepEqual([of('checkout'), of('cart').owner, problems()], [{}, 'retail', 0])
  assert.equal(context.recorded.states.at(-1)?.state, 'ok')
})

test('a file that is not there is told, and stops nothing', async () => {
  const { instance, context } = build(factory, 'files: [/nonexistent/catalog.yaml]\nservices: { a: { owner: b } }')
  await instance.start?.()
  assert.match(
    String(context.recorded.lines[0]!.fields['problems']),
    /\/nonexistent\/catalog.yaml: cannot be read: ENOENT/,
  )
  const catalog = instance.provides!.get(serviceCatalog) as ServiceCatalog
  assert.equal(catalog.lookup(entity('service', 'a')).owner, 'b')
})

for (const [yaml, words] of [
  ['services: { a: { tier: 9 } }', 'tier is 1 (users notice at once) to 4 (nobody is woken), got 9'],
  ['services: { a: { owners: x } }', 'has invalid keys: owners'],
  ['file_interval: -1s', 'file_interval must not be negative'],
] as const)
  test(`refused: ${yaml}`, () =>
    assert.throws(
      () => build(factory, yaml),
      (error) => error instanceof Error && error.message.includes(words),
    ))
