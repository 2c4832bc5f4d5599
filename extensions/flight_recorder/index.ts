/** Keeps the last minutes of telemetry in a ring on disk. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type FlightRecorder, flightRecorder, recording } from '../../pipeline/capability/flight-recorder.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { lockDirectory } from '../../pipeline/directory-lock.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { config } from './config.ts'
import { read, readThrough } from './read.ts'
import { Recorder } from './recorder.ts'
import { Ring } from './ring.ts'
import { observe } from './telemetry.ts'

/** How long a start waits for another process to leave the folder. */
const lockTimeoutMs = 1_000

export default defineExtension({
  type: 'flight_recorder',
  config,
  signals: { extension: 'alpha' },
  create(settings, context) {
    const { directory, create_directory, max_bytes, max_age, slow_statements: slow } = settings
    const { clock, logger } = context
    const folders = { main: join(directory, 'all'), slow: join(directory, 'slow') }
    const main = new Ring({ folder: folders.main, maxBytes: max_bytes, maxAgeMs: max_age }, clock)
    const statements = new Ring({ folder: folders.slow, maxBytes: slow.max_bytes, maxAgeMs: slow.max_age }, clock)
    const slowNanos = slow.threshold > 0 ? slow.threshold * 1e6 : Number.POSITIVE_INFINITY
    const recorder = new Recorder({ bufferBytes: settings.buffer_bytes, slowNanos }, context, main, statements)
    let stopTimer: (() => void) | undefined
    let unlock: (() => void) | undefined
    /** What waits is part of every answer. */
    const ready = async (ring: Ring) => {
      await Promise.all([recorder.flush(), ring.whenRecovered()])
      await recorder.flush()
      return ring
    }
    const offer: FlightRecorder = {
      traces: async (query) => read(await ready(main), 'traces', query, clock),
      tracesThrough: async (query) => readThrough(await ready(main), query, clock),
      logs: async (query) => read(await ready(main), 'logs', query, clock),
      metrics: async (query) => read(await ready(main), 'metrics', query, clock),
      slowStatements: async (query) => read(await ready(statements), 'traces', query, clock),
    }
    const openRing = async (ring: Ring, folder: string) => {
      await mkdir(folder, { recursive: true, mode: 0o750 })
      await ring.open()
      // Not waited for: what comes is recorded meanwhile.
      void ring.whenRecovered().then(() => tell(ring, folder))
    }
    const tell = ({ tornBytes, unreadable }: Ring, folder: string) => {
      if (tornBytes > 0)
        logger.warn('The end of what was recorded before was half written, and was cut off.', {
          folder,
          bytes: tornBytes,
        })
      if (unreadable !== undefined)
        logger.error('Some of what was recorded before cannot be read.', { folder, error: errorMessage(unreadable) })
    }
    return {
      provides: new Map<Capability<unknown>, unknown>([
        [flightRecorder, offer],
        [recording, recorder],
      ]),
      async start() {
        if (create_directory) await mkdir(directory, { recursive: true, mode: 0o750 })
        unlock = lockDirectory(directory, lockTimeoutMs)
        await openRing(main, folders.main)
        await openRing(statements, folders.slow)
        recorder.open()
        observe(context.meter, recorder, main, statements)
        stopTimer = clock.every(settings.flush_interval, async () => {
          await recorder.flush()
          await main.expire()
          await statements.expire()
        })
      },
      async shutdown() {
        stopTimer?.()
        stopTimer = undefined
        await recorder.close()
        await main.close()
        await statements.close()
        unlock?.()
        unlock = undefined
      },
    }
  },
})
