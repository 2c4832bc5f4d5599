import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { processMemory } from '../../pipeline/telemetry/process-memory.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { config } from './config.ts'
import factory, { createFactory } from './index.ts'

const mib = 1024 * 1024

/** Memory that a test fills. `afterGc` is what a collection leaves. */
class FilledMemory {
  used = 0
  afterGc: number | undefined
  collections = 0
  usedBytes = () => this.used * mib
  totalBytes = () => 1000 * mib
  collect = async () => {
    this.collections++
    this.used = this.afterGc ?? this.used
  }
}

const twoRecords = () => newLogs().resource({}).record({ body: 'a' }).record({ body: 'b' }).build()

async function start(yaml: string) {
  const memory = new FilledMemory()
  const built = build(createFactory(memory), yaml)
  const { instance, context } = built
  const handle = (batch: Batch) => built.handle(batch)
  await instance.start?.()
  const messages = () => context.recorded.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)
  /** To `used` MiB, until after the next check. */
  const fill = async (used: number) => {
    memory.used = used
    await context.clock.advance(1_000)
  }
  const isRefused = () =>
    handle(twoRecords()).then(
      () => false,
      (error: unknown) => error instanceof Rejected && error.message === 'data refused due to high memory usage',
    )
  return { memory, instance, context, handle, messages, fill, isRefused }
}

// Soft limit 80, hard limit 100.
const limits = 'check_interval: 1s\nlimit_mib: 100'

describeContract(factory, 'check_interval: 1s\nlimit_mib: 100000')

suite('memory_limiter', () => {
  test('below the soft limit everything passes, as the same batch', async () => {
    const { fill, handle, context } = await start(limits)
    await fill(79)
    const batch = twoRecords()
    assert.equal(await handle(batch), batch)
    assert.equal(context.recorded.sums.get('otelcol_processor_memory_limiter_accepted_log_records'), 2)
  })

  test('above the soft limit data is refused, retryably and counted, until memory falls', async () => {
    const { fill, handle, isRefused, context, messages } = await start(limits)
    await fill(80)
    await assert.rejects(handle(twoRecords()), { retryable: true })
    assert.equal(context.recorded.sums.get('otelcol_processor_memory_limiter_refused_log_records'), 2)
    await fill(79)
    assert.equal(await isRefused(), false)
    assert.deepEqual(context.recorded.states, [
      { state: 'recoverable', message: 'data refused due to high memory usage' },
      { state: 'ok', message: undefined },
    ])
    assert.deepEqual(messages(), [
      'Memory limiter configured',
      'Memory usage is above soft limit. Refusing data.',
      'Memory usage back within limits. Resuming normal operation.',
    ])
  })

  test('above the soft limit a collection is forced at most every 10 s', async () => {
    const { fill, memory } = await start(limits)
    for (let second = 1; second <= 10; second++) await fill(90)
    assert.equal(memory.collections, 0)
    await fill(90)
    assert.equal(memory.collections, 1)
  })

  test('above the hard limit a collection is forced at once, and what it frees keeps data flowing', async () => {
    const { fill, memory, isRefused, messages } = await start(limits)
    memory.afterGc = 50
    await fill(100)
    assert.deepEqual([memory.collections, await isRefused()], [1, false])
    assert.deepEqual(messages(), [
      'Memory limiter configured',
      'Memory usage is above hard limit. Forcing a GC.',
      'Memory usage after GC.',
    ])
  })

  test('collections that free nothing become rarer, up to the maximum, and frequent again once memory fell', async () => {
    const { fill, memory, context } = await start(limits)
    const times: number[] = []
    for (let second = 1; second <= 100; second++) {
      const before = memory.collections
      await fill(120)
      if (memory.collections > before) times.push(second)
    }
    // 0.95 s doubles to 1.9, 3.8, 7.6, 15.2, 30, 30.
    assert.deepEqual(times, [1, 3, 7, 15, 31, 62, 93])
    assert.ok(
      context.recorded.lines.some(({ message }) => message.startsWith('Forced GC did not reclaim enough memory.')),
    )
    await fill(10)
    await fill(120)
    await fill(120)
    assert.equal(memory.collections, times.length + 1)
  })

  test('max_gc_interval 0 keeps the interval', async () => {
    const { fill, memory } = await start(`${limits}\nmax_gc_interval_when_hard_limited: 0s`)
    for (let second = 1; second <= 5; second++) await fill(120)
    assert.equal(memory.collections, 5)
  })

  test('with garbage_collector off it refuses and never collects', async () => {
    const { fill, memory, isRefused } = await start(`${limits}\ngarbage_collector: { enabled: false }`)
    await fill(120)
    assert.deepEqual([memory.collections, await isRefused()], [0, true])
  })

  test('percentages are of the memory of the container; a limit in MiB goes before them', async () => {
    const cases: [yaml: string, limit: number, spike: number][] = [
      ['check_interval: 1s\nlimit_percentage: 50', 500, 100],
      ['check_interval: 1s\nlimit_percentage: 50\nspike_limit_percentage: 25', 500, 250],
      ['check_interval: 1s\nlimit_percentage: 50\nlimit_mib: 100\nspike_limit_mib: 30', 100, 30],
    ]
    for (const [yaml, limit_mib, spike_limit_mib] of cases) {
      const { context } = await start(yaml)
      const line = context.recorded.lines.find(({ message }) => message === 'Memory limiter configured')
      assert.deepEqual(line?.fields, { limit_mib, spike_limit_mib, check_interval: 1 })
    }
  })

  test('all pipelines of one id share one limiter, which outlives any of them', async () => {
    const memory = new FilledMemory()
    const shared = createFactory(memory)
    const settings = config.parse(parse(limits))
    const { engine } = testContext()
    const contexts = ['traces', 'logs'].map((pipeline) => ({
      ...testContext({ id: 'memory_limiter', pipeline }),
      engine,
    }))
    const [first, second] = contexts.map((context) => shared.create(settings, context))
    for (const instance of [first, second]) await instance?.start?.()
    const configured = contexts.flatMap(({ recorded }) => recorded.lines.map(({ message }) => message))
    assert.deepEqual(configured, ['Memory limiter configured'])
    memory.used = 120
    await contexts[0]?.clock.advance(1_000)
    assert.equal(memory.collections, 1)
    assert.deepEqual(contexts.map(({ recorded }) => recorded.states[0]?.state), ['recoverable', 'recoverable']) // biome-ignore format: one thing
    await first?.shutdown?.(AbortSignal.timeout(1_000))
    memory.used = 10
    await contexts[1]?.clock.advance(1_000)
    assert.equal(contexts[1]?.recorded.states[1]?.state, 'ok')
    await second?.shutdown?.(AbortSignal.timeout(1_000))
    assert.equal(contexts[1]?.clock.pendingTimers, 0)
  })

  test("mistakes are told in upstream's words", () => {
    const problem = (yaml: string) => {
      try {
        build(factory, yaml)
        return 'accepted'
      } catch (error) {
        assert.ok(error instanceof ConfigError)
        return error.problems.map(({ message }) => message).join()
      }
    }
    const cases: [yaml: string, message: string][] = [
      ['', "'check_interval' must be greater than zero"],
      ['check_interval: 1s', "'limit_mib' or 'limit_percentage' must be greater than zero"],
      [`${limits}\nspike_limit_mib: 100`, "'spike_limit_mib' must be smaller than 'limit_mib'"],
      [
        'check_interval: 1s\nlimit_percentage: 101',
        "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
      ],
      [
        'check_interval: 1s\nlimit_percentage: 50\nspike_limit_percentage: 60',
        "'spike_limit_percentage' must be smaller than 'limit_percentage'",
      ],
      [
        `${limits}\nmin_gc_interval_when_soft_limited: 1s\nmin_gc_interval_when_hard_limited: 2s`,
        "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
      ],
      [
        `${limits}\nmax_gc_interval_when_soft_limited: 1s`,
        "'max_gc_interval_when_soft_limited' must be greater than or equal to 'min_gc_interval_when_soft_limited' (or 0 to disable)",
      ],
      [
        `${limits}\nmax_gc_interval_when_hard_limited: 60s`,
        "'max_gc_interval_when_soft_limited' should be larger than or equal to 'max_gc_interval_when_hard_limited' (when both are set)",
      ],
    ]
    for (const [yaml, message] of cases) assert.equal(problem(yaml), message)
  })

  test('the memory of this process is measured with its buffers, and a collection frees what nobody holds', async () => {
    const before = processMemory.usedBytes()
    let buffers: Buffer[] = Array.from({ length: 50 }, () => Buffer.alloc(mib, 1))
    const full = processMemory.usedBytes()
    assert.ok(full - before > 45 * mib, `${full - before}`)
    assert.equal(buffers.length, 50)
    buffers = []
    await processMemory.collect()
    assert.ok(processMemory.usedBytes() < before + 10 * mib, `${processMemory.usedBytes() - before} bytes held`)
    assert.ok(processMemory.totalBytes() > 100 * mib && processMemory.totalBytes() < 2 ** 50)
  })
})
