import { defineProcessor } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { chosenBy, convert } from './convert.ts'
import { Tally } from './tally.ts'
import { Tracker } from './tracker.ts'

export default defineProcessor({
  type: 'cumulative_to_delta',
  aliases: ['cumulativetodelta'],
  config,
  signals: { metrics: 'beta' },
  placement: { by: 'series' },
  create(settings, context) {
    const { clock, meter } = context
    const tracker = new Tracker(settings, clock.nowUnixNano())
    const tally = new Tally(context)
    const isChosen = chosenBy(settings)
    const { max_staleness: staleMs } = settings
    let stopSweeping = () => {}
    return {
      start: async () => {
        meter.gauge(
          'otelcol_cumulativetodelta_streams_tracked',
          () => tracker.size,
          {},
          'Number of metric streams currently tracked in memory for cumulative-to-delta conversion.',
        )
        if (staleMs <= 0) return
        const staleNanos = BigInt(Math.round(staleMs * 1e6))
        stopSweeping = clock.every(staleMs, () => tracker.forgetBefore(clock.nowUnixNano() - staleNanos))
      },
      metrics(batch) {
        const converted = convert(batch, tracker, isChosen, tally)
        tally.flush()
        return converted
      },
      shutdown: async () => stopSweeping(),
      save: async () => tracker.save(),
      async restore(state) {
        const forgotten = tracker.restore(state)
        if (forgotten > 0)
          context.logger.warn('max_streams is lower than before the reload; some streams begin anew.', { forgotten })
      },
    }
  },
})
