import { statSync } from 'node:fs'
import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'

const defaultDirectory = '/var/lib/otelcol/file_storage'
const noEffect = 'Accepted and without effect'

export const config = z
  .strictObject({
    directory: z.string().default(defaultDirectory).describe('Where the files are; one process a directory.'),
    timeout: duration().default(1_000).describe('How long a start waits for another process to leave the directory.'),
    fsync: z
      .boolean()
      .default(false)
      .describe('Whether data is acknowledged only when it is on the disk, not only with the kernel.'),
    create_directory: z.boolean().default(false).describe('Whether a missing directory is made.'),
    directory_permissions: z.string().default('0750').describe('Of a directory that is made, in octal.'),
    recreate: z
      .boolean()
      .default(false)
      .describe(
        'Whether what cannot be opened is renamed to `*.backup` and begun anew, instead of stopping the start.',
      ),
    compaction: z
      .strictObject({
        on_start: z.boolean().default(false).describe(`${noEffect}: what is sent leaves the disk by itself.`),
        on_rebound: z.boolean().default(false).describe(`${noEffect}: what is sent leaves the disk by itself.`),
        directory: z
          .string()
          .default(defaultDirectory)
          .describe(`${noEffect}, but must exist where upstream needs it.`),
        rebound_needed_threshold_mib: z.int().default(100).describe(noEffect),
        rebound_trigger_threshold_mib: z.int().default(10).describe(noEffect),
        max_transaction_size: z.int().default(65_536).describe(noEffect),
        check_interval: duration().default(5_000).describe(noEffect),
        cleanup_on_start: z.boolean().default(false).describe(noEffect),
      })
      .prefault({})
      .describe('Upstream’s database needs it; these files do not.'),
  })
  .superRefine((settings, context) => {
    const message = problemOf(settings)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

type Settings = {
  directory: string
  create_directory: boolean
  directory_permissions: string
  compaction: {
    on_start: boolean
    on_rebound: boolean
    directory: string
    max_transaction_size: number
    check_interval: number
  }
}

/** Upstream reports the first problem only, and in this order. */
function problemOf({ directory, create_directory, directory_permissions, compaction }: Settings): string | undefined {
  const directories = compaction.on_start || compaction.on_rebound ? [directory, compaction.directory] : [directory]
  for (const one of directories) {
    const problem = directoryProblem(one, create_directory)
    if (problem !== undefined) return problem
  }
  if (compaction.max_transaction_size < 0) return 'max transaction size for compaction cannot be less than 0'
  if (compaction.on_rebound && compaction.check_interval <= 0) {
    return 'compaction check interval must be positive when rebound compaction is set'
  }
  if (!create_directory) return undefined
  if (!/^[0-7]+$/.test(directory_permissions)) {
    return 'directory_permissions value must be a valid octal representation'
  }
  if (Number.parseInt(directory_permissions, 8) > 0o777) {
    return 'directory_permissions contain invalid bits for file access'
  }
  return undefined
}

function directoryProblem(directory: string, mayCreate: boolean): string | undefined {
  try {
    return statSync(directory).isDirectory() ? undefined : `${directory} is not a directory`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') return `problem accessing configured directory: ${directory}, err: ${message}`
    return mayCreate
      ? undefined
      : `directory must exist: stat ${directory}: no such file or directory. You can enable the create_directory option to automatically create it`
  }
}
