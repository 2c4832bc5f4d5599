/** The keys that the engine adds to an exporter: `sending_queue`, `retry_on_failure` and `timeout`, with upstream's names, defaults and messages. */
import { z } from 'zod'
import type { Sending } from '../component.ts'
import { byteSize, componentId, duration, list, optional } from '../config/fields.ts'

type Sizer = 'requests' | 'items' | 'bytes'

export interface BatchSettings {
  readonly flush_timeout: number
  readonly min_size: number
  readonly max_size: number
  readonly sizer: 'items' | 'bytes'
  readonly partition: { readonly metadata_keys: readonly string[]; readonly cache_size: number }
}
export interface QueueSettings {
  readonly num_consumers: number
  readonly queue_size: number
  readonly sizer: Sizer
  readonly max_bytes: number
  readonly block_on_overflow: boolean
  readonly wait_for_result: boolean
  /** The extension that keeps the queue on disk. */
  readonly storage: string | undefined
  readonly batch: BatchSettings | undefined
}
export interface RetrySettings {
  readonly enabled: boolean
  readonly initial_interval: number
  readonly randomization_factor: number
  readonly multiplier: number
  readonly max_interval: number
  readonly max_elapsed_time: number
}
/** What `sendingKeys` decodes to. A key that the exporter does not have is absent; a queue that is off is undefined. */
export interface SendingSettings {
  readonly sending_queue?: QueueSettings | undefined
  readonly retry_on_failure?: RetrySettings
  /** Milliseconds an attempt may take; 0 = no limit. */
  readonly timeout?: number
}

const sizer = z.enum(['requests', 'items', 'bytes'], {
  error: ({ input }) => `invalid sizer: ${JSON.stringify(input)}`,
})

const partition = z
  .strictObject({
    metadata_keys: list(z.string())
      .default([])
      .describe('Client metadata by which batches are kept apart; needs `include_metadata` at the receiver.'),
    cache_size: z
      .int()
      .default(10_000)
      .describe('How many partitions may hold data at once; one more sends the oldest.'),
    idle_timeout: duration()
      .default(90_000)
      .describe('Kept for compatibility: a partition is forgotten as soon as it is empty.'),
  })
  .superRefine((section, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (section.idle_timeout <= 0) problem(`\`idle_timeout\` must be positive, found ${section.idle_timeout * 1e6}`)
    const twice = firstDuplicate(section.metadata_keys)
    if (twice !== undefined) problem(`duplicate entry in metadata_keys: ${JSON.stringify(twice)} (case-insensitive)`)
    if (section.cache_size <= 0) problem(`\`cache_size\` must be positive, found ${section.cache_size}`)
  })

const batch = z
  .strictObject({
    flush_timeout: duration()
      .default(200)
      .describe('A batch is sent this long after its first item, whatever its size.'),
    min_size: z.int().default(8192).describe('A batch is sent when it has this size.'),
    max_size: z.int().default(0).describe('Larger batches are split; 0 = never.'),
    sizer: sizer
      .optional()
      .describe('Unit of the sizes here: `items` or `bytes`; default that of the queue, else `items`.'),
    partition: partition.prefault({}).describe('What is never merged.'),
  })
  .superRefine((section, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (section.sizer === 'requests') problem('`batch` supports only `items` or `bytes` sizer, found "requests"')
    if (section.flush_timeout <= 0) problem(`\`flush_timeout\` must be positive, found ${section.flush_timeout * 1e6}`)
    if (section.min_size < 0) problem(`\`min_size\` must be non-negative, found ${section.min_size}`)
    if (section.max_size < 0) problem(`\`max_size\` must be non-negative, found ${section.max_size}`)
    if (section.max_size > 0 && section.max_size < section.min_size) {
      problem(`\`max_size\` (${section.max_size}) must be greater or equal to \`min_size\` (${section.min_size})`)
    }
  })

/** Of a queue in memory. On disk `queue_size` alone is the limit, as upstream has it. */
const defaultMemoryBytes = 256 * 1024 * 1024

const queue = z
  .strictObject({
    num_consumers: z.int().default(10).describe('Exports that may run at once.'),
    queue_size: z
      .int()
      .default(1_000)
      .describe('What the queue and the running exports hold at most, in units of `sizer`.'),
    sizer: sizer.optional().describe('Unit of `queue_size`: `requests` (default), `items` or `bytes`.'),
    max_bytes: byteSize()
      .optional()
      .describe(
        'What the queue may hold, beside `queue_size`; 0 = no such limit. Default: 256MiB in memory, 0 with `storage`.',
      ),
    block_on_overflow: z.boolean().default(false).describe('A full queue lets the sender wait instead of refusing it.'),
    wait_for_result: z
      .boolean()
      .default(false)
      .describe('The sender hears the result of the export, not of the enqueue.'),
    storage: componentId().optional().describe('A storage extension, for a queue on disk that survives the process.'),
    batch: optional(batch, 'on').describe('Merges requests before the export.'),
  })
  .superRefine((section, context) => {
    const problem = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if (section.num_consumers <= 0) problem('`num_consumers` must be positive')
    if (section.queue_size <= 0) problem('`queue_size` must be positive')
    if (section.storage !== undefined && section.wait_for_result) {
      problem('`wait_for_result` is not supported with a persistent queue configured with `storage`')
    }
    const unit = section.sizer ?? 'requests'
    if (
      section.batch &&
      batchSizer(section.batch.sizer, unit) === unit &&
      section.batch.min_size > section.queue_size
    ) {
      problem('`min_size` must be less than or equal to `queue_size`')
    }
  })
  .transform((section): QueueSettings => {
    const unit = section.sizer ?? 'requests'
    return {
      num_consumers: section.num_consumers,
      queue_size: section.queue_size,
      sizer: unit,
      max_bytes: section.max_bytes ?? (section.storage === undefined ? defaultMemoryBytes : 0),
      block_on_overflow: section.block_on_overflow,
      wait_for_result: section.wait_for_result,
      storage: section.storage,
      batch: section.batch && { ...section.batch, sizer: batchSizer(section.batch.sizer, unit) },
    }
  })

const retry = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether a retryable failure is retried.'),
    initial_interval: duration().default(5_000).describe('The wait before the first retry.'),
    randomization_factor: z.number().default(0.5).describe('Each wait is drawn from plus or minus this share of it.'),
    multiplier: z.number().default(1.5).describe('By how much the wait grows.'),
    max_interval: duration().default(30_000).describe('The longest wait.'),
    max_elapsed_time: duration()
      .default(300_000)
      .describe('When to give up, counted from the first attempt; 0 = never.'),
  })
  .superRefine((section, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (section.max_elapsed_time > 0 && section.max_elapsed_time < section.initial_interval) {
      problem("'max_elapsed_time' must not be less than 'initial_interval'")
    } else if (section.max_elapsed_time > 0 && section.max_elapsed_time < section.max_interval) {
      problem("'max_elapsed_time' must not be less than 'max_interval'")
    }
    for (const key of [
      'initial_interval',
      'max_elapsed_time',
      'max_interval',
      'multiplier',
      'randomization_factor',
    ] as const) {
      if (section[key] < 0) problem(`${key} value must be greater than or equal to 0`)
    }
    if (section.randomization_factor > 1) problem('randomization_factor value must be less than or equal to 1')
  })

/** The keys that an exporter with this `sending` has. */
export function sendingKeys(sending: Sending): z.ZodObject {
  return z.object({
    ...(sending.queue ? { sending_queue: queueKey(sending.queue) } : {}),
    ...(sending.retry ? { retry_on_failure: retry.prefault({}).describe('What happens when an export fails.') } : {}),
    ...(sending.timeoutMs > 0 ? { timeout: timeoutKey(sending) } : {}),
  })
}

/** The key `sending_queue`; also of connectors that have a queue. */
export function queueKey(kind: true | 'off-by-default') {
  return kind === true
    ? optional(queue, 'default-on').describe('The queue before the export.')
    : optional(queue, 'on').describe('The queue before the export; off where the key is absent.')
}

function timeoutKey({ timeoutMs, takesNegativeTimeout }: Sending) {
  return duration()
    .transform((ms) => (takesNegativeTimeout ? Math.max(0, ms) : ms))
    .refine((ms) => ms >= 0, { error: 'timeout value must be greater than or equal to 0' })
    .meta({ 'x-kind': 'duration' })
    .default(timeoutMs)
    .describe('How long one attempt may take; 0 = no limit.')
}

/** The batch counts in the queue's unit unless it names its own; requests cannot be split, so then in items. */
function batchSizer(own: Sizer | undefined, queueUnit: Sizer): 'items' | 'bytes' {
  const unit = own ?? queueUnit
  return unit === 'bytes' ? 'bytes' : 'items'
}

function firstDuplicate(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const name of names) {
    const lower = name.toLowerCase()
    if (seen.has(lower)) return lower
    seen.add(lower)
  }
  return undefined
}
