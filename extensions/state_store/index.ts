/** Keeps the state of other components in one SQLite file. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type StateStore, stateStore } from '../../pipeline/capability/state-store.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { SqliteStore } from './sqlite-store.ts'

const logIntervalMs = 10_000

export default defineExtension({
  type: 'state_store',
  config,
  signals: { extension: 'alpha' },
  create({ path, create_directory, max_bytes }, context) {
    const { clock, logger, meter } = context
    const failures = meter.counter(
      'otelcol_extension_state_store_failed_commits',
      'Commits that the file or its disk refused.',
    )
    let nextLogMs = Number.NEGATIVE_INFINITY
    let sqlite: SqliteStore | undefined
    let bytes = 0
    let stopTimer = () => {}
    const offer: StateStore = {
      open(owner, version) {
        if (sqlite === undefined) throw new Error('the state store does not run')
        return sqlite.open(owner, version)
      },
    }
    return {
      provides: new Map([[stateStore as Capability<unknown>, offer]]),
      async start() {
        if (create_directory) mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
        sqlite = await SqliteStore.start({ path, maxBytes: max_bytes }, (error) => {
          failures.add(1, { reason: error.reason })
          if (error.reason === 'damaged') context.status('recoverable', error.message)
          if (clock.nowMs() < nextLogMs) return
          nextLogMs = clock.nowMs() + logIntervalMs
          logger.error('State could not be stored; its owner keeps it and tries again.', { error: error.message })
        })
        const { setAside } = sqlite
        if (setAside !== undefined)
          logger.error('The state file could not be read and was set aside; a new one was begun.', {
            path: setAside.path,
            why: setAside.why,
          })
        meter.gauge('otelcol_extension_state_store_bytes', () => bytes, {}, 'Size of the state file.')
        const measure = async () => {
          bytes = (await sqlite?.bytes().catch(() => bytes)) ?? bytes
        }
        await measure()
        stopTimer = clock.every(60_000, measure)
      },
      async shutdown() {
        stopTimer()
        await sqlite?.close()
        sqlite = undefined
      },
    }
  },
})
