import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newLogs } from '../../pipeline/data/builders.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

describeContract(factory, '')

test('everything is accepted', async () => {
  const built = build(factory, '')
  await built.handle(newLogs().resource({}).record({ body: 'a' }).build())
  assert.deepEqual(built.context.recorded.drops, [])
})
