import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ServerMiddleware, serverMiddleware } from '../../pipeline/capability/middleware.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory, { createFactory } from './index.ts'

const mib = 1024 * 1024

describeContract(factory, 'check_interval: 1s\nlimit_mib: 100000')

test('above the soft limit requests are refused with the time to come back, until memory falls', async () => {
  let used = 0
  const memory = { usedBytes: () => used * mib, totalBytes: () => 1000 * mib, collect: async () => {} }
  const { instance, context } = build(createFactory(memory), 'check_interval: 2s\nlimit_mib: 100')
  await instance.start?.()
  const middleware = instance.provides?.get(serverMiddleware) as ServerMiddleware
  const admit = () => void middleware.admit({ protocol: 'grpc', path: '/x', peer: '', header: () => undefined })
  await context.clock.advance(2_000)
  admit()
  used = 90
  await context.clock.advance(2_000)
  assert.throws(admit, {
    name: 'StatusError',
    status: { code: 8, message: 'data refused due to high memory usage', retryDelayMs: 2_000 },
  })
  assert.equal(context.recorded.sums.get('vigil_memory_limiter_refused_requests{protocol="grpc"}'), 1)
  used = 10
  await context.clock.advance(2_000)
  admit()
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})
