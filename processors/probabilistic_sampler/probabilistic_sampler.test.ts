import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'sampling_percentage: 50')
await describeUpstream(factory, import.meta.dirname)
