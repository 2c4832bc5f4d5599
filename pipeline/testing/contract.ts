import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Factory, held } from '../component.ts'
import { schemaOf } from '../config/component-config.ts'
import { ConfigError } from '../config/config.ts'
import { newLogs, newMetrics, newTraces } from '../data/builders.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { build } from './build.ts'
import type { TestContextOptions } from './context.ts'

/** What every component must keep. `yaml` is a config body that is valid and needs nothing outside this process. */
export function describeContract(factory: Factory, yaml: string, options: TestContextOptions = {}): void {
  suite(`contract of ${factory.kind} ${factory.type}`, () => {
    test('a key that does not exist is refused, with its place', () => {
      const withTypo =
        yaml.trim() === '' || yaml.trim() === '{}' ? 'no_such_key: 1' : `${yaml.trimEnd()}\nno_such_key: 1`
      assert.throws(
        () => build(factory, withTypo, options),
        (error) => {
          assert.ok(error instanceof ConfigError)
          const problem = error.problems.find(({ message }) => message.includes('has invalid keys: no_such_key'))
          assert.equal(problem?.position?.line, withTypo.split('\n').length, error.message)
          return true
        },
      )
    })

    test('every option is described', () => {
      assert.deepEqual(undescribed(schemaOf(factory).all, factory.type), [])
    })

    test('an instance that was created and never started can be shut down', async () => {
      await build(factory, yaml, options).instance.shutdown?.(AbortSignal.timeout(1_000))
    })

    test('it starts, stops, and can be stopped twice', async () => {
      const { instance } = build(factory, yaml, options)
      await instance.start?.()
      await instance.shutdown?.(AbortSignal.timeout(5_000))
      await instance.shutdown?.(AbortSignal.timeout(5_000))
    })

    if (factory.kind === 'processor') {
      for (const signal of ['traces', 'metrics', 'logs'] as const) {
        if (factory.stability[signal] === undefined) continue
        test(`every item of ${signal} goes on or is counted as dropped`, () => keepsAll(factory, yaml, options, signal))
      }
    }
  })
}

async function keepsAll(factory: Factory, yaml: string, options: TestContextOptions, signal: Signal): Promise<void> {
  const { instance, context, handle } = build(factory, yaml, options)
  await instance.start?.()
  let items = 0
  let returned = 0
  for (let size = 1; size <= 5; size++) {
    const batch = sample(signal, size)
    items += batch.count
    const out = await handle(batch)
    assert.notEqual(out, undefined, 'a processor returns the batch or `held`')
    if (out !== undefined && out !== held) returned += out.count
  }
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  const emitted = context.recorded.emitted.reduce((sum, { batch }) => sum + batch.count, 0)
  const dropped = context.recorded.drops.reduce((sum, drop) => sum + drop.items, 0)
  assert.equal(returned + emitted + dropped, items)
}

function sample(signal: Signal, size: number): Batch {
  const resource = { 'service.name': 'shop' }
  const numbers = Array.from({ length: size }, (_, i) => i)
  if (signal === 'traces') {
    const builder = newTraces().resource(resource)
    for (const i of numbers)
      builder.span({ name: `span ${i}`, traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' })
    return builder.build()
  }
  if (signal === 'metrics') {
    const builder = newMetrics().resource(resource)
    for (const i of numbers) builder.gauge(`gauge ${i}`, [{ value: i }])
    return builder.build()
  }
  const builder = newLogs().resource(resource)
  for (const i of numbers) builder.record({ body: `record ${i}` })
  return builder.build()
}

interface Described {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Described>>
}

function undescribed(schema: Described, path: string, seen = new Set<Described>()): string[] {
  if (seen.has(schema)) return []
  seen.add(schema)
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const here = `${path}.${name}`
    return [...(property.description ? [] : [here]), ...undescribed(property, here, seen)]
  })
}
