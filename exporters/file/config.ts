import { z } from 'zod'
import { componentId, duration, optional } from '../../pipeline/config/fields.ts'

/** One text for all three, as upstream has it. */
const rotationBounds = 'rotation max_megabytes, max_days and max_backups must not be negative'

const rotation = z
  .strictObject({
    max_megabytes: z.int().default(100).describe('Size at which the file is rotated; 0 means 100.'),
    max_days: z
      .int()
      .default(0)
      .describe('Days for which rotated files are kept, by the time in their names; 0 = no limit.'),
    max_backups: z.int().default(100).describe('Rotated files that are kept; 0 = all.'),
    localtime: z.boolean().default(false).describe('Local time instead of UTC in the names of rotated files.'),
  })
  .describe('Rotation by size; on where the key is present. Then the file is always appended to.')

const groupBy = z
  .strictObject({
    enabled: z.boolean().default(false).describe('A file for each value of a resource attribute.'),
    resource_attribute: z
      .string()
      .default('fileexporter.path_segment')
      .describe('The attribute whose value takes the place of * in `path`.'),
    max_open_files: z
      .int()
      .default(100)
      .describe('Files that are open at once; the least recently used one is closed.'),
  })
  .prefault({})
  .describe('A file for each value of a resource attribute; `path` then has one *.')

/** Keys, defaults and texts are those of upstream's file exporter. */
export const config = z
  .strictObject({
    path: z.string().default('').describe('The file to write to; required.'),
    append: z.boolean().default(false).describe('Appends to what the file has; otherwise it is emptied at start.'),
    rotation: optional(rotation, 'on').describe('Rotation by size; on where the key is present.'),
    format: z.string().default('json').describe('json (a request a line) or proto (length-prefixed requests).'),
    encoding: componentId().optional().describe('Not in this build: there are no encoding extensions.'),
    compression: z.string().default('').describe('zstd compresses each batch on its own; empty = none.'),
    compression_params: z
      .strictObject({ level: z.int().default(0).describe('Read and not used, as upstream does by default.') })
      .prefault({})
      .describe('Read and not used: zstd runs at its default level, as upstream does by default.'),
    flush_interval: duration()
      .default(1_000)
      .describe('Kept for compatibility: each batch is written before it is accepted, so nothing waits for a flush.'),
    group_by: groupBy,
    create_directory: z.boolean().default(false).describe("Creates the file's directory at start."),
    directory_permissions: z.string().default('').describe('Octal mode of created directories; 0755 where not set.'),
  })
  .superRefine((value, context) => {
    for (const [message, ...path] of problemsOf(value)) context.addIssue({ code: 'custom', message, path })
    if (value.encoding !== undefined) {
      const message =
        'encoding extensions are not in this build; remove the key and use `format: json` or `format: proto`'
      context.addIssue({ code: 'custom', path: ['encoding'], message })
    }
  })

export type FileConfig = z.output<typeof config>
export type Rotation = NonNullable<FileConfig['rotation']>

interface Checked {
  readonly path: string
  readonly append: boolean
  readonly rotation?: z.output<typeof rotation> | undefined
  readonly format: string
  readonly compression: string
  readonly flush_interval: number
  readonly group_by: z.output<typeof groupBy>
  readonly create_directory: boolean
  readonly directory_permissions: string
}

/** In upstream's order and words. A path where the text does not begin with its key. */
function* problemsOf(value: Checked): Generator<readonly [message: string, ...path: string[]]> {
  const { path, rotation: rotated, group_by: group } = value
  if (path === '') yield ['path must be non-empty']
  if (value.append && rotated) yield ['append and rotation enabled at the same time is not supported']
  const negative = (['max_megabytes', 'max_days', 'max_backups'] as const).find((key) => (rotated?.[key] ?? 0) < 0)
  if (negative !== undefined) yield [rotationBounds, 'rotation', negative]
  if (value.format !== 'json' && value.format !== 'proto') yield ['format type is not supported']
  if (value.compression !== '' && value.compression !== 'zstd') yield ['compression is not supported']
  if (value.flush_interval < 0) yield ['flush_interval must be larger than zero']
  if (group.enabled) {
    if (path.split('*').length !== 2) yield ['path must contain exactly one * when group_by is enabled']
    else if (path.startsWith('*')) yield ['path must not start with * when group_by is enabled']
    if (group.resource_attribute === '')
      yield ['resource_attribute must not be empty when group_by is enabled', 'group_by', 'resource_attribute']
    if (group.max_open_files <= 0)
      yield ['max_open_files must be positive when group_by is enabled', 'group_by', 'max_open_files']
  }
  if (!value.create_directory) {
    if (value.directory_permissions !== '') yield ['directory_permissions requires create_directory to be true']
  } else if (value.directory_permissions !== '') {
    if (!/^[+-]?[0-7]+$/.test(value.directory_permissions)) {
      yield ['directory_permissions value must be a valid octal representation']
    } else if (directoryMode(value.directory_permissions) > 0o777 || value.directory_permissions.startsWith('-')) {
      yield ['directory_permissions contain invalid bits for file access']
    }
  }
}

export function directoryMode(permissions: string): number {
  return permissions === '' ? 0o755 : Number.parseInt(permissions, 8)
}
