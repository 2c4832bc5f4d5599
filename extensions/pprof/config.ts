import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'

export const config = z.strictObject({
  endpoint: z
    .string()
    .default('localhost:1777')
    .refine((text) => text !== '', { error: '"endpoint" is required when using the "pprof" extension' })
    .describe('Where to listen: host:port'),
  dialer: z
    .strictObject({ timeout: duration().default(0).describe('Without effect: nothing is dialled') })
    .prefault({})
    .describe("Part of upstream's address, without effect"),
  block_profile_fraction: z.int().default(0).describe('Without effect: Node has no block profile'),
  mutex_profile_fraction: z.int().default(0).describe('Without effect: Node has no mutex profile'),
  save_to_file: z
    .string()
    .default('')
    .describe('File for a CPU profile from start to shutdown, in the pprof format; empty = none'),
})
