import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { newLogs, newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

describeContract(factory, '')

test('each signal goes on as the same batch', async () => {
  const built = build(factory, '')
  const batches = [newTraces().build(), newMetrics().build(), newLogs().resource({}).record({ body: 'a' }).build()]
  for (const batch of batches) await built.handle(batch)
  assert.deepEqual(
    built.context.recorded.emitted.map(({ batch }) => batches.indexOf(batch as (typeof batches)[number])),
    [0, 1, 2],
  )
})

test('what refuses the batch behind it is heard before it', async () => {
  const refusal = new Rejected('full', { retryable: true })
  const accept = () => {
    throw refusal
  }
  const built = build(factory, '', { accept })
  await assert.rejects(built.handle(newLogs().resource({}).record({ body: 'a' }).build()), refusal)
})
