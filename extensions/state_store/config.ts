import { z } from 'zod'
import { byteSize } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    path: z.string().default('/var/lib/vigil/state.db').describe('The SQLite file; one process a file.'),
    create_directory: z.boolean().default(true).describe('Whether a missing folder of the file is made.'),
    max_bytes: byteSize()
      .default(2 * 1024 ** 3)
      .describe('How large the file may grow; then its users hear that it is full, and make room or do without.'),
  })
  .superRefine(({ path, max_bytes }, context) => {
    if (path === '') context.addIssue({ code: 'custom', path: ['path'], message: 'path must name a file' })
    if (max_bytes < 256 * 1024)
      context.addIssue({ code: 'custom', path: ['max_bytes'], message: 'max_bytes must be at least 256KiB' })
  })
