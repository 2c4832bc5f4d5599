import { z } from 'zod'
import { formatDuration } from '../../pipeline/config/duration.ts'
import { duration } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    max_stale: duration().default(300_000).describe('A stream is forgotten when it had no point for this long.'),
    max_streams: z
      .int()
      .default(1_000_000)
      .describe('How many streams are remembered; the points of further ones are dropped and counted.'),
  })
  .superRefine(({ max_stale, max_streams }, context) => {
    const problem = (message: string, key: string) => context.addIssue({ code: 'custom', message, path: [key] })
    if (max_stale <= 0) problem(`max_stale must be a positive duration (got ${formatDuration(max_stale)})`, 'max_stale')
    if (max_streams < 0) problem(`max_streams must be a positive number (got ${max_streams})`, 'max_streams')
  })
