import { z } from 'zod'
import { byteSize, duration } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    wait_duration: duration().default(1_000).describe('A trace goes on this long after its first span arrived.'),
    num_traces: z.int().default(1_000_000).describe('How many traces may wait; for one more, the oldest is dropped.'),
    max_bytes: byteSize()
      .default(256 * 1024 * 1024)
      .describe('How much may wait; when there is more, the oldest traces go on early.'),
    discard_orphans: z.boolean().default(false).describe('Drops a trace that has no root span when its time comes.'),
    num_workers: z.int().default(1).describe('Upstream has so many threads; here it changes nothing.'),
    store_on_disk: z.boolean().default(false).describe('Refused, as by upstream.'),
    emit_strategy: z.string().default('trace').describe('`trace`.'),
  })
  .superRefine(({ emit_strategy, num_traces, store_on_disk }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (emit_strategy === 'service') problem('emit_strategy "service" is not supported; use "trace"')
    else if (emit_strategy !== 'trace')
      problem(`unknown emit_strategy ${JSON.stringify(emit_strategy)}: valid values are "trace" and "service"`)
    if (num_traces < 1) problem('num_traces must be greater than 0')
    if (store_on_disk) problem("option 'disk storage' not supported in this release (store_on_disk)")
  })
export type Config = z.output<typeof config>
