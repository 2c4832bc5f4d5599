import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Factory, held, Rejected } from '../component.ts'
import { schemaOf } from '../config/component-config.ts'
import { ConfigError } from '../config/config.ts'
import { newLogs, newMetrics, newTraces } from '../data/builders.ts'
import { readOtlp } from '../data/read-otlp.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { build } from './build.ts'
import type { TestContextOptions } from './context.ts'
import { hostileBatch } from './hostile-batches.ts'

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

    test('state that it saved is taken over, and state that makes no sense stops only itself', () =>
      takesOver(factory, yaml, options))

    if (factory.kind === 'processor' || factory.kind === 'connector') {
      for (const signal of ['traces', 'metrics', 'logs'] as const) {
        if (!takes(factory, signal)) continue
        test(`whatever ${signal} come, they are refused or taken, and what goes on is OTLP`, () =>
          survives(factory, yaml, options, signal))
      }
    }
    if (factory.kind === 'processor') {
      for (const signal of ['traces', 'metrics', 'logs'] as const) {
        if (factory.stability[signal] === undefined) continue
        test(`every item of ${signal} goes on or is counted as dropped`, () =>
          keepsAll(factory, yaml, options, signal, false))
        test(`every item of ${signal} goes on or is counted as dropped, over a reload`, () =>
          keepsAll(factory, yaml, options, signal, true))
      }
    }
  })
}

async function takesOver(factory: Factory, yaml: string, options: TestContextOptions): Promise<void> {
  const { instance } = build(factory, yaml, options)
  assert.equal(instance.save === undefined, instance.restore === undefined, 'save and restore come together')
  if (instance.save === undefined) return
  await instance.start?.()
  const state = await instance.save()
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  const next = build(factory, yaml, options).instance
  await next.restore?.(state)
  await next.start?.()
  await next.shutdown?.(AbortSignal.timeout(5_000))
  await assert.rejects(async () => build(factory, yaml, options).instance.restore?.(new Uint8Array([1, 2, 3])))
}

function takes({ stability }: Factory, signal: Signal): boolean {
  return Object.keys(stability).some((pair) => pair === signal || pair.startsWith(`${signal} to `))
}

async function survives(
  factory: Factory,
  yaml: string,
  options: TestContextOptions,
  signal: 'traces' | 'metrics' | 'logs',
): Promise<void> {
  const { instance, context, handle } = build(factory, yaml, options)
  await instance.start?.()
  const random = pseudorandom(7)
  const out: Batch[] = []
  for (let round = 0; round < hostileRounds; round++) {
    const batch = hostileBatch(signal, random)
    const before = Buffer.concat(batch.chunks)
    try {
      const answer = await handle(batch)
      if (answer !== undefined && answer !== held) out.push(answer)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
    }
    assert.ok(before.equals(Buffer.concat(batch.chunks)), 'a batch that is shared was written to')
  }
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  out.push(...context.recorded.emitted.map(({ batch }) => batch))
  for (const { signal: of, chunks, count } of out)
    assert.equal(readOtlp(of, Buffer.concat(chunks), 'proto', { metadata: new Map() }).count, count)
}

const hostileRounds = 40

/** The same in each run (Numerical Recipes' generator). */
function pseudorandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function keepsAll(
  factory: Factory,
  yaml: string,
  options: TestContextOptions,
  signal: Signal,
  isReloaded: boolean,
): Promise<void> {
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
  const state = isReloaded ? await instance.save?.() : undefined
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  const contexts = [context]
  if (state !== undefined) {
    const next = build(factory, yaml, options)
    await next.instance.restore?.(state)
    await next.instance.start?.()
    await next.instance.shutdown?.(AbortSignal.timeout(5_000))
    contexts.push(next.context)
  }
  let [emitted, dropped] = [0, 0]
  for (const { recorded } of contexts) {
    for (const { batch } of recorded.emitted) emitted += batch.count
    for (const drop of recorded.drops) dropped += drop.items
  }
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
