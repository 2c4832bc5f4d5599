import { defineProcessor } from '../../pipeline/component.ts'
import type { Batches } from '../../pipeline/data/telemetry.ts'
import type { Meter } from '../../pipeline/telemetry/meter.ts'
import { config } from './config.ts'
import { regroup } from './regroup.ts'

export default defineProcessor({
  type: 'group_by_attrs',
  aliases: ['groupbyattrs'],
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta' },
  placement: 'each',
  create(settings, { meter, logger }) {
    const keys = [...new Set(settings.keys)].filter((key) => key !== '')
    for (const key of new Set(settings.keys.filter((key, at) => key !== '' && settings.keys.indexOf(key) !== at)))
      logger.warn('A grouping key is there twice; once is enough.', { key })
    const counted = <S extends keyof typeof nouns>(signal: S) => {
      const tally = newTally(meter, signal)
      return (batch: Batches[S]) => {
        if (batch.count === 0) return batch
        const done = regroup(signal, batch, keys)
        tally(done.groups, done.moved, batch.count - done.moved)
        return done.batch
      }
    }
    return { traces: counted('traces'), metrics: counted('metrics'), logs: counted('logs') }
  },
})

const nouns = { traces: 'spans', metrics: 'metrics', logs: 'logs' } as const
/** Go's, which upstream leaves as they are. */
const bounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000]

function newTally(meter: Meter, signal: keyof typeof nouns) {
  const noun = nouns[signal]
  const one = noun.slice(0, -1)
  const name = (rest: string) => `otelcol_processor_groupbyattrs_${rest}`
  const grouped = meter.counter(name(`num_grouped_${noun}`), `Number of ${noun} that had attributes grouped`)
  const others = meter.counter(
    name(`num_non_grouped_${noun}`),
    `Number of ${noun} that did not have attributes grouped`,
  )
  const groups = meter.histogram(name(`${one}_groups`), bounds, `Distribution of groups extracted for ${noun}`)
  return (count: number, moved: number, rest: number) => {
    groups.record(count)
    if (moved > 0) grouped.add(moved)
    if (rest > 0) others.add(rest)
  }
}
