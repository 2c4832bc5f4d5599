/** CPU a point and memory a stream: `node --expose-gc processors/interval/interval.bench.ts`. */
import { benchStreams } from '../../pipeline/testing/stream-bench.ts'
import factory from './index.ts'

await benchStreams(factory, 'interval: 1h', { temporality: 'cumulative', isStarted: true })
