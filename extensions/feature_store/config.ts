import { z } from 'zod'
import { byteSize, componentId, duration } from '../../pipeline/config/fields.ts'

const hour = 3_600_000

export const config = z
  .strictObject({
    store: componentId()
      .optional()
      .describe('A state store extension that keeps everything over restarts; without it, it is kept in memory only.'),
    memory_limit: byteSize()
      .default(256 * 1024 * 1024)
      .describe('What all of it may take; the oldest history leaves memory first, then new entities are refused.'),
    max_entities: z.int().min(1).max(1_000_000).default(50_000).describe('More are refused, and counted.'),
    max_events: z.int().min(1).max(1_000_000).default(10_000).describe('Events in memory; the oldest make room.'),
    keep_10s: duration()
      .default(3 * hour)
      .describe('How long rows of 10 s are kept: windows of one minute, scores, edges.'),
    keep_1m: duration()
      .default(48 * hour)
      .describe('How long rows of a minute are kept: the same, and windows of 5 and 15 minutes.'),
    keep_5m: duration()
      .default(14 * 24 * hour)
      .describe('How long rows of 5 minutes are kept: windows of 5 minutes and longer; events too.'),
    edge_ttl: duration().default(hour).describe('An edge without a request for so long is not in the graph any more.'),
    max_open: duration()
      .default(24 * hour)
      .describe('An alarm that nothing was heard of for so long counts as closed.'),
    commit_interval: duration().default(10_000).describe('How often what came is stored: what a crash can lose.'),
  })
  .superRefine((settings, context) => {
    const problem = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
    const { keep_10s, keep_1m, keep_5m, memory_limit } = settings
    if (keep_10s < hour / 2) problem('keep_10s', 'keep_10s must be at least 30m')
    if (keep_1m < keep_10s) problem('keep_1m', 'keep_1m must not be shorter than keep_10s')
    if (keep_5m < keep_1m) problem('keep_5m', 'keep_5m must not be shorter than keep_1m')
    if (memory_limit < 256 * 1024) problem('memory_limit', 'memory_limit must be at least 256KiB')
    for (const key of ['edge_ttl', 'max_open'] as const)
      if (settings[key] <= 0) problem(key, `${key} must be greater than 0`)
    if (settings.commit_interval < 100) problem('commit_interval', 'commit_interval must be at least 100ms')
  })
export type Config = z.output<typeof config>
