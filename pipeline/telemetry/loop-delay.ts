/** How late the event loop runs its timers: the delay that every request of this process feels. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Meter } from './meter.ts'

const resolutionMs = 10
const windowMs = 60_000
const quantiles = [
  ['0.5', 50],
  ['0.99', 99],
  ['1', 100],
] as const

/** Registers `vigil_event_loop_delay_seconds` by quantile: the worse of the running minute and the one before. The answer stops it. */
export function registerLoopDelay(meter: Meter): () => void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  // It holds the time between two ticks of its timer: the resolution itself is no delay.
  const seconds = (percentile: number) => Math.max(0, histogram.percentile(percentile) / 1e9 - resolutionMs / 1e3)
  const before = new Map<number, number>()
  const turn = setInterval(() => {
    for (const [, percentile] of quantiles) before.set(percentile, seconds(percentile))
    histogram.reset()
  }, windowMs)
  turn.unref()
  histogram.enable()
  for (const [quantile, percentile] of quantiles) {
    const read = () => Math.max(seconds(percentile), before.get(percentile) ?? 0)
    meter.gauge('vigil_event_loop_delay_seconds', read, { quantile }, 'Delay of the event loop in the last minutes')
  }
  return () => {
    clearInterval(turn)
    histogram.disable()
  }
}
