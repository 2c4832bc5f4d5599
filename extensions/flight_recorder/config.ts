import { z } from 'zod'
import { byteSize, duration } from '../../pipeline/config/fields.ts'

const mib = 1024 * 1024

export const config = z
  .strictObject({
    directory: z
      .string()
      .default('/var/lib/vigil/flight_recorder')
      .describe('Where the files are; one process a folder.'),
    create_directory: z.boolean().default(true).describe('Whether a missing folder is made.'),
    max_bytes: byteSize()
      .default(1024 * mib)
      .describe('On disk; the oldest makes room.'),
    max_age: duration().default(900_000).describe('What came so long ago is deleted.'),
    buffer_bytes: byteSize()
      .default(32 * mib)
      .describe('What may wait for the disk in memory; when it is full, the oldest of it is not recorded.'),
    flush_interval: duration()
      .default(1_000)
      .describe('What waits is written this often at least: what a crash can lose.'),
    slow_statements: z
      .strictObject({
        threshold: duration()
          .default(500)
          .describe('Spans with a database query that last so long are kept apart, and longer; 0 = none.'),
        max_bytes: byteSize()
          .default(64 * mib)
          .describe('On disk; the oldest makes room.'),
        max_age: duration()
          .default(24 * 3_600_000)
          .describe('What came so long ago is deleted.'),
      })
      .prefault({})
      .describe('Slow statements.'),
  })
  .superRefine((settings, context) => {
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    const { directory, max_bytes, max_age, buffer_bytes, flush_interval, slow_statements: slow } = settings
    if (directory === '') problem(['directory'], 'directory must name a folder')
    if (max_bytes < 4 * mib) problem(['max_bytes'], 'max_bytes must be at least 4MiB')
    if (slow.max_bytes < mib) problem(['slow_statements', 'max_bytes'], 'max_bytes must be at least 1MiB')
    if (slow.threshold < 0) problem(['slow_statements', 'threshold'], 'threshold must not be negative')
    if (max_age <= 0) problem(['max_age'], 'max_age must be greater than 0')
    if (slow.max_age <= 0) problem(['slow_statements', 'max_age'], 'max_age must be greater than 0')
    if (buffer_bytes < mib) problem(['buffer_bytes'], 'buffer_bytes must be at least 1MiB')
    if (flush_interval < 10) problem(['flush_interval'], 'flush_interval must be at least 10ms')
  })
