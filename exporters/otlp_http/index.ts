import { type Attempt, defineExporter } from '../../pipeline/component.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { compress } from '../../pipeline/net/compression.ts'
import { HttpClient } from '../../pipeline/net/http-client.ts'
import { userAgent } from '../../pipeline/net/user-agent.ts'
import { judge, unreachable } from './answer.ts'
import { type Config, config, signalUrl } from './config.ts'

export default defineExporter({
  type: 'otlp_http',
  aliases: ['otlphttp'],
  config,
  signals: { traces: 'stable', metrics: 'stable', logs: 'stable', profiles: 'alpha' },
  placement: 'each',
  sending: { queue: true, retry: true, timeoutMs: 30_000 },
  create(settings, context) {
    const urls = urlsOf(settings, context.signals)
    const coding = settings.compression === 'none' ? '' : settings.compression
    const headers: Record<string, string> = {
      'content-type': settings.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
      'user-agent': userAgent(context.engine.build),
      ...(coding === '' ? {} : { 'content-encoding': coding }),
    }
    let client: HttpClient | undefined

    const send = async (batch: Batch, attempt: Attempt) => {
      const url = urls.get(batch.signal)
      if (client === undefined || url === undefined) throw new Error('the exporter was not started')
      const plain = settings.encoding === 'json' ? [Buffer.from(writeJson(batch))] : batch.chunks
      const chunks = coding === '' ? plain : [await compress(coding, plain, settings.compression_params.level)]
      const answer = await client.post({ url, headers, chunks, signal: attempt.signal }).catch((error: unknown) => {
        throw unreachable(error)
      })
      judge(context, batch.signal, answer)
    }
    return {
      traces: send,
      metrics: send,
      logs: send,
      profiles: send,
      async start() {
        refuseExtensions(settings)
        client = new HttpClient(settings)
      },
      async shutdown() {
        client?.close()
      },
    }
  },
})

/** Once, at create, so that a missing endpoint is an error before anything starts. */
function urlsOf(settings: Config, signals: ReadonlySet<Signal>): ReadonlyMap<Signal, URL> {
  const urls = new Map<Signal, URL>()
  for (const signal of signals) {
    const url = signalUrl(settings, signal)
    if (url === undefined) throw new Error(`either endpoint or ${signal}_endpoint must be specified`)
    urls.set(signal, url)
  }
  return urls
}

/** The extensions that these keys name do not exist yet; going on without credentials would be worse than an error. */
function refuseExtensions({ auth, middlewares }: Config): void {
  if (auth)
    throw new Error(`failed to resolve authenticator ${JSON.stringify(auth.authenticator)}: authenticator not found`)
  const [first] = middlewares
  if (first) throw new Error(`failed to resolve middleware ${JSON.stringify(first.id)}: middleware not found`)
}
