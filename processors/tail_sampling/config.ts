import { z } from 'zod'
import { byteSize, componentId, duration } from '../../pipeline/config/fields.ts'
import { checkPolicies } from './policies/check.ts'
import { policy } from './policies-config.ts'

export const config = z
  .strictObject({
    decision_wait: duration().default(30_000).describe('A trace is decided this long after its first span arrived.'),
    decision_wait_after_root_received: duration()
      .default(0)
      .describe('Or this long after its root span arrived, if that is sooner; 0 = it makes no difference.'),
    num_traces: z.int().min(0).default(50_000).describe('Traces in memory, the decided ones included.'),
    max_bytes: byteSize()
      .default(512 * 1024 * 1024)
      .describe('Memory for traces; when it is full, the oldest are decided early. 0 = no limit.'),
    block_on_overflow: z
      .boolean()
      .default(false)
      .describe('When num_traces or max_bytes is reached, senders wait; otherwise the oldest trace makes room.'),
    expected_new_traces_per_sec: z.int().min(0).default(0).describe('Changes nothing here; a size hint upstream.'),
    policies: z.array(policy).default([]).describe('What is kept: a trace that one of them keeps and none drops.'),
    decision_cache: z
      .strictObject({
        sampled_cache_size: z.int().default(0).describe('Ids of kept traces to remember, for late spans; 0 = none.'),
        non_sampled_cache_size: z.int().default(0).describe('The same for traces that were not kept.'),
      })
      .prefault({})
      .describe('Decisions that outlive their trace.'),
    sample_on_first_match: z.boolean().default(false).describe('Asks no further policy once one keeps the trace.'),
    sampling_strategy: z
      .string()
      .default('trace-complete')
      .describe('`trace-complete`, or `span-ingest`: each batch is judged by itself, at once.'),
    drop_pending_traces_on_shutdown: z
      .boolean()
      .default(false)
      .describe('Drops undecided traces at shutdown; otherwise they are decided with what is there.'),
    maximum_trace_size_bytes: z.int().min(0).default(0).describe('A larger trace is dropped at once; 0 = no limit.'),
    num_shards: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .default(1)
      .describe('Upstream has so many loops; here it changes nothing.'),
    tail_storage: componentId().optional().describe('Refused: no extension here offers tail storage.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, path: (string | number)[] = []) =>
      context.addIssue({ code: 'custom', message, path })
    const { sampling_strategy, num_shards, tail_storage } = settings
    if (sampling_strategy !== 'trace-complete' && sampling_strategy !== 'span-ingest')
      problem(
        `invalid sampling_strategy ${JSON.stringify(sampling_strategy)}, expected one of "trace-complete" or "span-ingest"`,
      )
    if (num_shards > maxShards) problem(`num_shards (${num_shards}) must not exceed ${maxShards}`)
    if (tail_storage !== undefined)
      problem(
        num_shards > 1
          ? 'num_shards greater than 1 is not supported with tail_storage'
          : 'tail_storage is not supported: no extension offers it; leave it out, spans are held in memory up to max_bytes',
      )
    for (const { path, message } of checkPolicies(settings.policies, sampling_strategy)) problem(message, path)
  })
export type Config = z.output<typeof config>

const maxShards = 256
