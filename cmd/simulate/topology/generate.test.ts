import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { quiet } from '../scenario/read.ts'
import { prepare } from '../scenario/run.ts'
import { madeYaml } from './command.ts'
import { parseTopology } from './read.ts'
import type { Step, Topology } from './schema.ts'

const examples = join(import.meta.dirname, '../../../examples/topologies')
const sizes = [
  { services: 25, depth: 5, seed: 3, rate: 50 },
  { services: 60, depth: 7, seed: 2, rate: 100 },
  { services: 120, depth: 8, seed: 4, rate: 200 },
] as const

function targets(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => {
    if ('call' in step) return [step.call]
    if ('send' in step) return []
    if ('parallel' in step) return targets(step.parallel)
    return targets('cache' in step ? step.miss : step.steps)
  })
}

function depthOf({ users, services }: Topology): number {
  const depths = new Map<string, number>()
  const of = (target: string): number => {
    const known = depths.get(target)
    if (known !== undefined) return known
    const service = services[target.slice(0, target.indexOf('/'))]
    if (service?.kind !== 'service') return 0
    const { steps } = service.operations[target.slice(target.indexOf('/') + 1)]!
    const depth = 1 + Math.max(0, ...targets(steps).map(of))
    depths.set(target, depth)
    return depth
  }
  return Math.max(...users.operations.map(({ call }) => of(call)))
}

for (const size of sizes) {
  const name = `services-${size.services}`
  test(`examples/topologies/${name}.yaml is what its header says, again and again`, () => {
    assert.equal(madeYaml(size), readFileSync(join(examples, `${name}.yaml`), 'utf8'))
  })

  test(`${name} has so many services with an agent, is as deep as was asked for, and has what real systems have`, () => {
    const made = parseTopology(madeYaml(size), name)
    const of = (kind: string) => Object.values(made.services).filter((one) => one.kind === kind)
    assert.equal(of('service').length, size.services)
    assert.equal(depthOf(made), size.depth + 1)
    for (const kind of ['database', 'cache', 'queue', 'external']) assert.ok(of(kind).length > 0, kind)
    const text = madeYaml(size)
    for (const part of [
      'backoff: 0ms',
      'backoff: 50ms',
      'autoscale',
      'hidden: true',
      'optional: true',
      'repeat: ',
      'parallel:',
    ])
      assert.ok(text.includes(part), part)
  })

  test(`every service of ${name} gets requests, and none has to refuse any`, () => {
    const topology = parseTopology(madeYaml({ ...size, rate: 40 }), name)
    const scenario = { ...quiet, observation: { ...quiet.observation, sampling: 0, scrape: 3_600_000 } }
    const { world } = prepare({ topology, scenario, seed: 1, startMs: Date.UTC(2026, 10, 21, 10), send: () => {} })
    world.runUntil(20_000)
    for (const { name: service, instances, spec } of world.services.values()) {
      if (spec.kind !== 'service') continue
      const served = instances.flatMap(({ durations }) => durations.all)
      assert.ok(served.reduce((sum, { histogram }) => sum + histogram.count, 0) > 0, `${service} has nothing to do`)
      assert.equal(
        instances.reduce((sum, { refused }) => sum + refused, 0),
        0,
        service,
      )
    }
  })
}

test('the same size and seed give the same topology, another seed gives another', () => {
  const size = { services: 40, depth: 6, seed: 9, rate: 60 }
  assert.equal(madeYaml(size), madeYaml(size))
  assert.notEqual(madeYaml(size), madeYaml({ ...size, seed: 10 }))
})

test('every size, depth and seed gives a topology that can be read', () => {
  for (const services of [8, 13, 47, 99]) {
    for (const [depth, seed] of [
      [2, 1],
      [5, 2],
      [8, 3],
    ] as const) {
      if (depth >= services) continue
      parseTopology(madeYaml({ services, depth, seed, rate: 30 }), `${services} ${depth}`)
    }
  }
})
