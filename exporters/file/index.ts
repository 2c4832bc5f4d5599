/** Writes telemetry to files: a request a line as JSON, or length-prefixed protobuf. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Context, defineExporter, Rejected } from '../../pipeline/component.ts'
import { fromChunks } from '../../pipeline/data/batch.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { config, directoryMode, type FileConfig } from './config.ts'
import { type FileSettings, FileWriter, refusalOf } from './file-writer.ts'
import { framing, messagesOf } from './frame.ts'
import { OpenFiles } from './open-files.ts'
import { countItems, segmentPath, splitBySegment } from './segments.ts'

/** Either one file or one a segment. */
interface Target {
  open(): Promise<void>
  write(batch: Batch): Promise<void>
  close(): Promise<void>
}

export default defineExporter({
  type: 'file',
  config,
  signals: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  sending: { queue: false, retry: false, timeoutMs: 0 },
  create(settings, context) {
    const target = settings.group_by.enabled ? manyFiles(settings, context) : oneFile(settings, context)
    const write = (batch: Batch) => target.write(batch)
    return {
      start: () => target.open(),
      shutdown: () => target.close(),
      traces: write,
      metrics: write,
      logs: write,
      profiles: write,
    }
  },
})

function fileSettings(settings: FileConfig, { clock, logger }: Context): Omit<FileSettings, 'path'> {
  const { append, rotation } = settings
  return { append, rotation, clock, warn: (message, fields) => logger.warn(message, fields) }
}

function oneFile(settings: FileConfig, context: Context): Target {
  const { path } = settings
  const frame = framing(settings)
  const writer = new FileWriter({ ...fileSettings(settings, context), path })
  return {
    async open() {
      if (settings.create_directory) {
        await mkdir(dirname(path), { recursive: true, mode: directoryMode(settings.directory_permissions) })
      }
      await writer.open()
    },
    async write({ signal, chunks }) {
      for (const message of messagesOf(signal, chunks)) await writer.write(await frame(signal, message))
    },
    close: () => writer.close(),
  }
}

function manyFiles(settings: FileConfig, context: Context): Target {
  const { resource_attribute: attribute, max_open_files: limit } = settings.group_by
  const frame = framing(settings)
  const files = new OpenFiles(fileSettings(settings, context), limit, directoryMode(settings.directory_permissions))
  return {
    open: async () => {},
    async write({ signal, chunks, origin }) {
      const { bySegment, without } = splitBySegment(signal, chunks, attribute)
      if (without > 0) context.dropped(without, `no text in resource attribute ${attribute}`, 'lost')
      const failures: Rejected[] = []
      const failed: Uint8Array[] = []
      for (const [segment, parts] of bySegment) {
        const path = segmentPath(settings.path, segment)
        const messages: (readonly Uint8Array[])[] = []
        for (const message of messagesOf(signal, parts)) messages.push(await frame(signal, message))
        try {
          await files.write(path, messages)
        } catch (cause) {
          failures.push(cause instanceof Rejected ? cause : refusalOf(path, cause))
          failed.push(...parts)
        }
      }
      const failure = worst(failures)
      if (failure === undefined) return
      const counts = failed.map((chunk) => countItems(signal, chunk))
      const remaining = fromChunks(signal, failed, counts, origin)
      throw new Rejected(failure.message, { retryable: failure.retryable, remaining, cause: failure })
    },
    close: () => files.close(),
  }
}

/** One that may be tried again, if there is one: the others would be lost for its sake, not it for theirs. */
function worst(failures: readonly Rejected[]): Rejected | undefined {
  return failures.find(({ retryable }) => retryable) ?? failures[0]
}
