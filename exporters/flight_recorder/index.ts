/** Gives telemetry to the extension of the same name, and never holds anybody up. */
import { type Recording, recording } from '../../pipeline/capability/flight-recorder.ts'
import { defineExporter } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { config } from './config.ts'

export default defineExporter({
  type: 'flight_recorder',
  config,
  signals: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
  sending: { queue: false, retry: false, timeoutMs: 0 },
  create({ extension }, context) {
    let recorder: Recording | undefined
    const record = (batch: Batch) => {
      if (recorder === undefined) throw new Error('the flight_recorder exporter does not run')
      recorder.record(batch)
    }
    return {
      async start() {
        try {
          recorder = context.extension(recording, extension)
        } catch (cause) {
          const wanted = extension === undefined ? 'flight_recorder' : `"${extension}"`
          throw new Error(
            `there is no extension ${wanted} to record into: add it to extensions and to service::extensions`,
            { cause },
          )
        }
      },
      traces: record,
      metrics: record,
      logs: record,
    }
  },
})
