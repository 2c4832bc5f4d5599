import type { JournalSize } from '../../pipeline/capability/storage.ts'
import type { Clock } from '../../pipeline/component.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import type { Meter } from '../../pipeline/telemetry/meter.ts'
import type { JournalEvents } from './journal.ts'

const writeLogIntervalMs = 10_000

/** What goes wrong on the disk, as metrics and log lines. */
export function newEvents({ logger, meter, clock }: { logger: Logger; meter: Meter; clock: Clock }): JournalEvents {
  const tornTails = meter.counter('vigil_storage_torn_tails', 'Files whose end was half written, and was cut off.')
  const lostRecords = meter.counter(
    'vigil_storage_lost_records',
    'Records whose bytes on disk were not what was written.',
  )
  const writeFailures = meter.counter('vigil_storage_write_failures', 'Writes that the file system refused.')
  let nextLogMs = 0
  return {
    tornTail(file) {
      tornTails.add(1)
      logger.warn('The end of a file was half written, as after a crash, and was cut off.', { file })
    },
    damaged(file: string, { records, items, bytes }: JournalSize) {
      lostRecords.add(records)
      logger.error('A file could not be read completely; it is set aside as *.corrupt when the rest of it is sent.', {
        file,
        lost_records: records,
        lost_items: items,
        lost_bytes: bytes,
      })
    },
    writeFailed(error) {
      writeFailures.add(1)
      const nowMs = clock.nowMs()
      if (nowMs < nextLogMs) return
      nextLogMs = nowMs + writeLogIntervalMs
      logger.error('Writing to the storage failed; senders are refused until there is room.', { error: error.message })
    },
    failed(what, error) {
      logger.warn(`Could not ${what}.`, { error })
    },
  }
}
