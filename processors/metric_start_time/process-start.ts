/** Of `start_time_metric`: when the process began whose metrics a batch holds, as one of its metrics tells it. */
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { isDouble } from '../../pipeline/data/value.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'

const usualName = 'process_start_time_seconds'

/** `fallbackUnixNano`, in whole seconds, where no metric tells it. */
export function processStart(pattern: string, fallbackUnixNano: bigint): (batch: Metrics) => bigint {
  const regex = pattern === '' ? undefined : new Regex(pattern)
  const isIt = regex === undefined ? (name: string) => name === usualName : (name: string) => regex.test(name)
  const fallback = fallbackUnixNano - (fallbackUnixNano % 1_000_000_000n)
  return (batch) => {
    let last: unknown
    for (const point of batch) {
      const { metric } = point
      if (metric === last) continue
      last = metric
      if (!isIt(metric.name)) continue
      // Only the first metric that matches is asked, and of it the first point.
      const { value } = point
      const seconds = value === undefined ? Number.NaN : isDouble(value) ? value.double : Number(value)
      return Number.isFinite(seconds) ? nanosOf(seconds) : fallback
    }
    return fallback
  }
}

/** Whole seconds apart from the rest, as upstream: a double has no nanoseconds of today. */
function nanosOf(seconds: number): bigint {
  const whole = Math.trunc(seconds)
  return BigInt.asUintN(64, BigInt(whole) * 1_000_000_000n + BigInt(Math.trunc((seconds - whole) * 1e9)))
}
