/** Accepts everything and passes nothing on: upstream's connector for tests of the graph. */
import { type ConnectorPair, defineConnector, type Stability } from '../../pipeline/component.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { config } from './config.ts'

const all: readonly Signal[] = ['traces', 'metrics', 'logs', 'profiles']
const pairs = all.flatMap((from) => all.map((to): [ConnectorPair, Stability] => [`${from} to ${to}`, 'development']))

export default defineConnector({
  type: 'nop',
  config,
  signals: Object.fromEntries(pairs) as { [P in ConnectorPair]?: Stability },
  placement: 'each',
  create(_config, context) {
    const drop = (batch: Batch): void => context.dropped(batch.count, 'nop connector', 'intended')
    return { traces: drop, metrics: drop, logs: drop, profiles: drop }
  },
})
