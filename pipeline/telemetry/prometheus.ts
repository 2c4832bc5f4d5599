/** Serves a registry to Prometheus on `/metrics`. */
import { errorMessage } from '../error-message.ts'
import { hostPort } from '../net/listener.ts'
import { answer, answerNotFound, type Listening, servePages } from './http-page.ts'
import type { Registry } from './registry.ts'

/** As promhttp writes it: version 0.0.4 of the text format, dots in names made underscores. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

/** Rejects when the address cannot be bound. */
export async function servePrometheus(
  registry: Pick<Registry, 'prometheusText'>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const endpoint = hostPort(host, port)
  try {
    return await servePages({ endpoint, transport: 'tcp' }, (request, response) => {
      if (request.url?.split('?', 1)[0] !== '/metrics') return answerNotFound(response)
      answer(response, 200, contentType, registry.prometheusText())
    })
  } catch (cause) {
    const why = errorMessage(cause)
    const cure = 'choose another address under service::telemetry::metrics::readers, or set metrics::level to none'
    throw new Error(`binding address ${endpoint} for Prometheus exporter: ${why}; ${cure}`, { cause })
  }
}
