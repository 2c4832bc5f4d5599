import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

describeContract(factory, '')
