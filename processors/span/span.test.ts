import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'status: {code: Ok}')
await describeUpstream(factory, import.meta.dirname)

describeRefusals(factory, [
  ['{}', 'either "from_attributes" or "to_attributes" must be specified in "name:"'],
  ['name: {to_attributes: {rules: []}}', 'either "from_attributes" or "to_attributes" must be specified in "name:"'],
  ['status: {code: ok}', '"status" must have specified "code" as "Ok" or "Error" or "Unset"'],
  ['status: {code: Ok, description: x}', '"description" can be specified only for "code" "Error"'],
  ['name: {to_attributes: {rules: ["\\\\"]}}', 'invalid regexp pattern'],
  ['{status: {code: Ok}, include: {match_type: strict}}', 'field must be specified'],
])

test('a group inside another, or that took no part, is an attribute and changes no name (upstream panics)', async () => {
  const { handle } = build(factory, 'name: {to_attributes: {rules: ["^(?P<a>x(?P<b>y)?(?P<c>z))(?P<d>w)?"]}}')
  const output = (await handle(newTraces().span({ name: 'xz!' }).build())) as Traces
  const [span] = [...output]
  assert.deepEqual(
    [span?.name, ...['a', 'b', 'c', 'd'].map((name) => span?.attributes.get(name))],
    ['{a}!', 'xz', '', 'z', ''],
  )
})
