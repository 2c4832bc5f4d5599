import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTraces } from '../../pipeline/data/builders.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'keys: [host.name]')
await describeUpstream(factory, import.meta.dirname)

test('what was grouped and what was not is counted', async () => {
  const { handle, context } = build(factory, 'keys: [host, host, ""]')
  const builder = newTraces().resource({ 'service.name': 'shop' })
  for (const host of ['a', 'b', 'a']) builder.span({ name: 's', attributes: { host } })
  await handle(builder.span({ name: 's' }).build())
  const name = 'otelcol_processor_groupbyattrs_'
  const { sums, lines } = context.recorded
  assert.deepEqual([sums.get(`${name}num_grouped_spans`), sums.get(`${name}num_non_grouped_spans`)], [3, 1])
  assert.equal(sums.get(`${name}span_groups`), 1)
  assert.deepEqual(lines[0]?.fields, { key: 'host' })
})
