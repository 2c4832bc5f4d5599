/** CPU a point and memory a stream: `node --expose-gc processors/delta_to_cumulative/delta_to_cumulative.bench.ts`. */
import { benchStreams } from '../../pipeline/testing/stream-bench.ts'
import factory from './index.ts'

await benchStreams(factory, 'max_stale: 1h', { temporality: 'delta', isStarted: true })
