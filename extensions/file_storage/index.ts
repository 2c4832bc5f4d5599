/** Keeps queues and state of other components in files, so that they survive the process. */
import { mkdirSync } from 'node:fs'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { storage } from '../../pipeline/capability/storage.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { lockDirectory } from '../../pipeline/directory-lock.ts'
import { config } from './config.ts'
import { FileStorage } from './file-storage.ts'

/** The unit in which what was sent leaves the disk. */
const segmentBytes = 16 * 1024 * 1024
const orphanCheckMs = 1_000

export default defineExtension({
  type: 'file_storage',
  config,
  signals: { extension: 'beta' },
  create(settings, { engine, clock, logger, meter }) {
    const { directory, fsync, recreate } = settings
    const permissions = Number.parseInt(settings.directory_permissions, 8)
    const files = new FileStorage({ directory, fsync, recreate, permissions, segmentBytes, logger, meter, clock })
    let unlock = () => {}
    let stopCheck = () => {}
    const reportOrphans = async () => {
      if (engine.phase !== 'ready') return
      stopCheck()
      for (const { kind, id, name, path, records, items, bytes } of await files.orphans()) {
        logger.warn('A queue on disk belongs to no running component. Configure it again to send it, or delete it.', {
          component: `${kind} ${id}`,
          name,
          path,
          records,
          items,
          bytes,
        })
      }
    }
    return {
      provides: new Map([[storage as Capability<unknown>, files]]),
      async start() {
        if (settings.create_directory) mkdirSync(directory, { recursive: true, mode: permissions })
        unlock = lockDirectory(directory, settings.timeout)
        stopCheck = clock.every(orphanCheckMs, reportOrphans)
      },
      // Who opened a queue closes it; in a reload that is after this.
      async shutdown() {
        stopCheck()
        unlock()
      },
    }
  },
})
