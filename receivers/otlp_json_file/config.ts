import { z } from 'zod'
import { byteSize, duration, list } from '../../pipeline/config/fields.ts'

const without = z.boolean().default(false).describe('Without effect: the lines carry their own attributes')

export const config = z
  .strictObject({
    include: list(z.string())
      .default([])
      .refine((all) => all.length > 0, {
        error: 'required field `include` is empty; name files, like [/var/log/otel/*.jsonl]',
      })
      .describe('Files to read; `*`, `?`, `[a-z]`, `{a,b}` and `**` as usual'),
    exclude: list(z.string()).default([]).describe('Files not to read, of those that `include` finds'),
    exclude_older_than: duration().default(0).describe('Leave out files that were not written for this long; 0 = none'),
    start_at: z
      .enum(['beginning', 'end'], {
        error: ({ input }) => `invalid start_at location '${String(input)}'; use beginning or end`,
      })
      .default('end')
      .describe('Where to begin in files that are there at the start; later ones are read from their beginning'),
    poll_interval: duration()
      .default(200)
      .refine((ms) => ms > 0, { error: '`poll_interval` must be positive' })
      .describe('Time between two looks at the files'),
    fingerprint_size: byteSize()
      .default(1_000)
      .refine((bytes) => bytes >= 16, { error: '`fingerprint_size` must be at least 16 bytes' })
      .describe('How much of the beginning of a file is its identity'),
    max_log_size: byteSize()
      .default(67_108_864)
      .refine((bytes) => bytes > 0, { error: '`max_log_size` must be positive' })
      .describe('Longest line in bytes; longer ones are skipped and counted'),
    max_concurrent_files: z
      .int()
      .min(2, { error: '`max_concurrent_files` must be greater than 1' })
      .default(1_024)
      .describe('How many files are kept open'),
    force_flush_period: duration()
      .default(500)
      .describe('How long a last line may wait for its end of line; 0 = for ever'),
    delete_after_read: z.boolean().default(false).describe('Remove a file that was read to its end'),
    replay_file: z.boolean().default(false).describe('Read all files anew at every look'),
    storage: z.string().optional().describe('Not in this build: offsets are kept in memory and over reloads'),
    include_file_name: z.boolean().default(true).describe('Without effect: the lines carry their own attributes'),
    include_file_path: without,
    include_file_name_resolved: without,
    include_file_path_resolved: without,
  })
  .superRefine(({ start_at, delete_after_read, replay_file, storage }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (storage !== undefined)
      refuse(
        'storage',
        'offsets cannot be stored in this build; remove the key: they are kept in memory and over reloads',
      )
    if (delete_after_read && start_at === 'end')
      refuse('delete_after_read', "'delete_after_read' cannot be used with 'start_at: end'; add start_at: beginning")
    if (delete_after_read && replay_file)
      refuse('delete_after_read', "'delete_after_read' cannot be used with 'replay_file'; set one of them")
  })

export type Settings = z.output<typeof config>
