import { type Attempt, type Context, defineExporter } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { readPartialSuccess, reportPartialSuccess } from '../../pipeline/export/partial-success.ts'
import { OtlpClient } from './client.ts'
import { config } from './config.ts'

export default defineExporter({
  type: 'otlp_grpc',
  aliases: ['otlp'],
  config,
  signals: { traces: 'stable', metrics: 'stable', logs: 'stable', profiles: 'alpha' },
  placement: 'each',
  sending: { queue: true, retry: true, timeoutMs: 5_000 },
  create(settings, context) {
    let client: OtlpClient | undefined
    const send = async (batch: Batch, attempt: Attempt) => {
      if (client === undefined) throw new Error('the exporter was not started')
      report(context, batch, await client.export(batch, attempt))
    }
    return {
      traces: send,
      metrics: send,
      logs: send,
      profiles: send,
      async start() {
        client = new OtlpClient(settings, context)
      },
      async shutdown() {
        client?.close()
      },
    }
  },
})

function report(context: Context, batch: Batch, answer: Uint8Array): void {
  try {
    reportPartialSuccess(context, batch.signal, readPartialSuccess(answer))
  } catch {
    // The server said OK: what it took is safe, whatever it wrote beside it.
    context.logger.warn('The server took the request, but its answer could not be read.')
  }
}
