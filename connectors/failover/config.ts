import { z } from 'zod'
import { duration, pipelineId } from '../../pipeline/config/fields.ts'
import { queueKey } from '../../pipeline/export/sending.ts'

export const config = z
  .strictObject({
    priority_levels: z
      .array(z.array(pipelineId()))
      .default([])
      .describe(
        'Lists of pipelines, the preferred one first. Data goes to all pipelines of the first level that takes it.',
      ),
    retry_interval: duration()
      .default(600_000)
      .describe('How often the levels above the present one are tried again, with the next batch.'),
    retry_gap: duration().default(0).describe('Deprecated; has no effect, as upstream.'),
    max_retries: z.int().default(0).describe('Deprecated; has no effect, as upstream.'),
    sending_queue: queueKey(true).describe(
      'A queue before the levels, so that what waits is not bound to one of them.',
    ),
  })
  .superRefine(({ priority_levels, retry_interval }, report) => {
    const problem = (key: string, message: string) => report.addIssue({ code: 'custom', path: [key], message })
    if (priority_levels.length === 0) problem('priority_levels', 'No pipelines are defined in the priority list')
    if (retry_interval <= 0) problem('retry_interval', 'Retry interval must be positive')
  })
export type Config = z.output<typeof config>
