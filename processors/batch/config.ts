import { z } from 'zod'
import { byteSize, duration, list } from '../../pipeline/config/fields.ts'

/** More than upstream's 32 bits hold means what it says: there, it wraps around. */
const size = z.number().min(0).transform(Math.trunc)

export const config = z
  .strictObject({
    timeout: duration()
      .default(200)
      .describe('A batch is sent this long after its first item, whatever its size; 0 = at once.'),
    send_batch_size: size.default(8192).describe('A batch is sent when it has this many items; 0 = at once.'),
    send_batch_max_size: size.default(0).describe('Larger batches are split; 0 = never.'),
    metadata_keys: list(z.string())
      .default([])
      .describe('Client metadata by which batches are kept apart; needs `include_metadata` at the receiver.'),
    metadata_cardinality_limit: size
      .default(1000)
      .describe('How many combinations of that metadata there may be; more are refused; 0 = no limit.'),
    max_bytes: byteSize()
      .default(64 * 1024 * 1024)
      .describe('What may be held at once, waiting or refused downstream; when it is reached, senders wait.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    const { send_batch_size, send_batch_max_size, metadata_keys, timeout, max_bytes } = settings
    if (send_batch_max_size > 0 && send_batch_max_size < send_batch_size) {
      problem('send_batch_max_size must be greater or equal to send_batch_size')
    }
    const lower = metadata_keys.map((key) => key.toLowerCase())
    const twice = lower.find((key, at) => lower.indexOf(key) !== at)
    if (twice !== undefined) problem(`duplicate entry in metadata_keys: ${JSON.stringify(twice)} (case-insensitive)`)
    if (timeout < 0) problem('timeout must be greater or equal to 0')
    if (max_bytes <= 0) problem('max_bytes must be greater than 0')
  })
export type Config = z.output<typeof config>
