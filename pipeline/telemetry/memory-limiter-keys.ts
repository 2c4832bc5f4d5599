/** The keys of upstream's `internal/memorylimiter`, which the processor and the extension have in common. */
import { z } from 'zod'
import { duration, optional } from '../config/fields.ts'

const uint = () => z.int().min(0).max(4_294_967_295)

export const memoryLimiterKeys = z
  .strictObject({
    check_interval: duration().default(0).describe('Time between two measurements; must be set'),
    limit_mib: uint().default(0).describe('Hard limit in MiB; goes before `limit_percentage`'),
    spike_limit_mib: uint().default(0).describe('Soft limit = hard limit less this; 0 = a fifth of the limit'),
    limit_percentage: uint().default(0).describe('Hard limit in percent of the memory this process may use'),
    spike_limit_percentage: uint().default(0).describe('The same as `spike_limit_mib`, in percent'),
    min_gc_interval_when_soft_limited: duration()
      .default(10_000)
      .describe('Least time between forced collections above the soft limit'),
    min_gc_interval_when_hard_limited: duration()
      .default(0)
      .describe('Least time between forced collections above the hard limit'),
    max_gc_interval_when_soft_limited: duration()
      .default(30_000)
      .describe('The interval doubles up to this while collections free nothing; 0 = it stays'),
    max_gc_interval_when_hard_limited: duration().default(30_000).describe('The same above the hard limit'),
    garbage_collector: optional(z.strictObject({}), 'default-on').describe(
      '`enabled: false` = measure and refuse, never force a collection',
    ),
  })
  .superRefine((limits, context) => {
    const message = problem(limits)
    if (message) context.addIssue({ code: 'custom', message })
  })
export type MemoryLimits = z.output<typeof memoryLimiterKeys>

/** The first thing that is wrong, in upstream's order and words. */
function problem(c: {
  readonly check_interval: number
  readonly limit_mib: number
  readonly spike_limit_mib: number
  readonly limit_percentage: number
  readonly spike_limit_percentage: number
  readonly min_gc_interval_when_soft_limited: number
  readonly min_gc_interval_when_hard_limited: number
  readonly max_gc_interval_when_soft_limited: number
  readonly max_gc_interval_when_hard_limited: number
}): string | undefined {
  const softMin = c.min_gc_interval_when_soft_limited
  const hardMin = c.min_gc_interval_when_hard_limited
  const softMax = c.max_gc_interval_when_soft_limited
  const hardMax = c.max_gc_interval_when_hard_limited
  if (c.check_interval <= 0) return "'check_interval' must be greater than zero"
  if (softMin < hardMin) {
    return "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'"
  }
  if (softMax < 0) return "'max_gc_interval_when_soft_limited' must be non-negative"
  if (hardMax < 0) return "'max_gc_interval_when_hard_limited' must be non-negative"
  if (softMax > 0 && softMax < softMin) {
    return "'max_gc_interval_when_soft_limited' must be greater than or equal to 'min_gc_interval_when_soft_limited' (or 0 to disable)"
  }
  if (hardMax > 0 && hardMax < hardMin) {
    return "'max_gc_interval_when_hard_limited' must be greater than or equal to 'min_gc_interval_when_hard_limited' (or 0 to disable)"
  }
  if (softMax > 0 && hardMax > 0 && softMax < hardMax) {
    return "'max_gc_interval_when_soft_limited' should be larger than or equal to 'max_gc_interval_when_hard_limited' (when both are set)"
  }
  if (c.limit_mib === 0 && c.limit_percentage === 0) {
    return "'limit_mib' or 'limit_percentage' must be greater than zero"
  }
  if (c.limit_percentage > 100 || c.spike_limit_percentage > 100) {
    return "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred"
  }
  if (c.limit_mib > 0 && c.limit_mib <= c.spike_limit_mib) return "'spike_limit_mib' must be smaller than 'limit_mib'"
  if (c.limit_percentage > 0 && c.limit_percentage <= c.spike_limit_percentage) {
    return "'spike_limit_percentage' must be smaller than 'limit_percentage'"
  }
  return undefined
}
