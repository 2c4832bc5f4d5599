/** The one module that the tests of a plugin import. */
export { newLogs, newMetrics, newTraces } from '../data/builders.ts'
export { type Built, build } from './build.ts'
export { type TestContext, type TestContextOptions, testContext } from './context.ts'
export { describeContract } from './contract.ts'
export { startEngine, type TestEngine } from './engine.ts'
export { FakeClock } from './fake-clock.ts'
export { memorySink, memorySource } from './memory.ts'
