/** CPU a point and memory a stream: `node --expose-gc processors/metric_start_time/metric_start_time.bench.ts`. */
import { benchStreams } from '../../pipeline/testing/stream-bench.ts'
import factory from './index.ts'

await benchStreams(factory, 'gc_interval: 1h', { temporality: 'cumulative', isStarted: false })
