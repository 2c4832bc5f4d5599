import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTraces } from '../../pipeline/data/builders.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'sampling_percentage: 50')
await describeUpstream(factory, import.meta.dirname)

describeRefusals(factory, [
  ['sampling_percentage: -15.3', 'sampling rate is negative: -15.300000%'],
  ['sampling_percentage: .inf', 'expected number, got Infinity'],
  ['sampling_percentage: .nan', 'expected number, got NaN'],
  ['sampling_percentage: 1e-20', 'sampling rate is too small: 1e-20%'],
  ['{sampling_percentage: 50, sampling_precision: 15}', 'sampling precision is too great, should be <= 14: 15'],
  ['{sampling_percentage: 50, sampling_precision: 0}', 'invalid sampling precision: 0'],
  ['attribute_source: rubbish', 'invalid attribute source: rubbish. Expected: traceID or record'],
  ['mode: magic', 'unsupported sampler mode "magic"'],
  ['hash_seed: -1', 'must be at least 0'],
])

test('what is not kept is counted, by policy, and counts as dropped on purpose', async () => {
  const { handle, context } = build(factory, 'sampling_percentage: 0')
  const builder = newTraces()
  builder.span({ name: 'a', traceId: '0af7651916cd43dd8448eb211c80319c', attributes: { 'sampling.priority': 1 } })
  await handle(builder.span({ name: 'b', traceId: '0af7651916cd43dd8448eb211c80319c' }).build())
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'not_sampled', intent: 'intended' }])
  const name = 'otelcol_processor_probabilistic_sampler_count_spans_processed'
  assert.equal(context.recorded.sums.get(`${name}{policy="sampling_priority",sampled="true"}`), 1)
  assert.equal(context.recorded.sums.get(`${name}{policy="sampling_priority",sampled="false"}`), 1)
})
