/** CPU a point and memory a stream: `node --expose-gc processors/cumulative_to_delta/cumulative_to_delta.bench.ts`. */
import { benchStreams } from '../../pipeline/testing/stream-bench.ts'
import factory from './index.ts'

await benchStreams(factory, 'initial_value: keep', { temporality: 'cumulative', isStarted: true })
