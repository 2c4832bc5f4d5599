import { type Attempt, defineExporter, Rejected } from '../../pipeline/component.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { clientDoor } from '../../pipeline/net/client-door.ts'
import { compress } from '../../pipeline/net/compression.ts'
import { HttpClient } from '../../pipeline/net/http-client.ts'
import { userAgent } from '../../pipeline/net/user-agent.ts'
import { judge, unreachable } from './answer.ts'
import { type Config, config, type Place, signalPlace } from './config.ts'

export default defineExporter({
  type: 'otlp_http',
  aliases: ['otlphttp'],
  config,
  signals: { traces: 'stable', metrics: 'stable', logs: 'stable', profiles: 'alpha' },
  placement: 'each',
  sending: { queue: true, retry: true, timeoutMs: 30_000, takesNegativeTimeout: true },
  create(settings, context) {
    const places = placesOf(settings, context.signals)
    const coding = settings.compression === 'none' ? '' : settings.compression
    const headers: Record<string, string> = {
      'content-type': settings.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
      'user-agent': userAgent(context.engine.build),
      ...(coding === '' ? {} : { 'content-encoding': coding }),
    }
    let client: HttpClient | undefined

    const send = async (batch: Batch, attempt: Attempt) => {
      const place = places.get(batch.signal)
      if (client === undefined || place === undefined) throw new Error('the exporter was not started')
      const plain = settings.encoding === 'json' ? [Buffer.from(writeJson(batch))] : batch.chunks
      const chunks = coding === '' ? plain : [await compress(coding, plain, settings.compression_params.level)]
      const answer = await client
        .post({
          ...place,
          headers: withTrace(headers, attempt.traceparent),
          chunks,
          signal: attempt.signal,
          origin: batch.origin,
        })
        .catch((error: unknown) => {
          throw error instanceof Rejected ? error : unreachable(error)
        })
      judge(context, batch.signal, answer)
    }
    return {
      traces: send,
      metrics: send,
      logs: send,
      profiles: send,
      async start() {
        const { clock, logger } = context
        client = new HttpClient(settings, { door: clientDoor(context, settings, 'http'), clock, logger })
      },
      async shutdown() {
        client?.close()
      },
    }
  },
})

function withTrace(headers: Record<string, string>, traceparent: string | undefined): Record<string, string> {
  return traceparent === undefined ? headers : { ...headers, traceparent }
}

/** Once, at create, so that a missing endpoint is an error before anything starts. */
function placesOf(settings: Config, signals: ReadonlySet<Signal>): ReadonlyMap<Signal, Place> {
  const places = new Map<Signal, Place>()
  for (const signal of signals) {
    const place = signalPlace(settings, signal)
    if (place === undefined) throw new Error(`either endpoint or ${signal}_endpoint must be specified`)
    places.set(signal, place)
  }
  return places
}
