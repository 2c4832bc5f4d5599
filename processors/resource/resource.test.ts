import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'attributes: [{key: team, value: payments, action: upsert}]')
await describeUpstream(factory, import.meta.dirname)
