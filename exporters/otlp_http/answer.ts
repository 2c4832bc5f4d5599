/** What an OTLP/HTTP server's answer means: taken, taken in part, refused for now, or refused for good. */
import { type Context, Rejected } from '../../pipeline/component.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import {
  readPartialSuccess,
  readPartialSuccessJson,
  reportPartialSuccess,
} from '../../pipeline/export/partial-success.ts'
import { rpcRejected } from '../../pipeline/export/rpc-error.ts'
import { type HttpAnswer, redacted } from '../../pipeline/net/http-client.ts'
import { retryAfterMs } from '../../pipeline/net/retry-after.ts'
import { decodeStatus, grpcFromHttp } from '../../pipeline/net/status.ts'

/** Throws `Rejected` when the server did not take the request. */
export function judge(
  context: Pick<Context, 'logger' | 'dropped' | 'clock'>,
  signal: Signal,
  answer: HttpAnswer,
): void {
  const { status } = answer
  if (status >= 200 && status <= 299) {
    reportPartial(context, signal, answer)
    return
  }
  throw rpcRejected(grpcFromHttp(status), describe(answer), {
    retryable: status === 429 || status === 502 || status === 503 || status === 504,
    retryAfterMs: status === 429 || status === 503 ? retryAfterMs(answer.headers, context.clock) : undefined,
  })
}

/** No answer at all: the network may come back. */
export function unreachable(error: unknown): Rejected {
  const message = error instanceof Error ? error.message || error.name : String(error)
  return new Rejected(`failed to make an HTTP request: ${message}`, { retryable: true, cause: error })
}

function reportPartial(
  context: Pick<Context, 'logger' | 'dropped'>,
  signal: Signal,
  { headers, body }: HttpAnswer,
): void {
  if (body.length === 0) return
  try {
    const type = headers['content-type']
    if (type === 'application/x-protobuf') reportPartialSuccess(context, signal, readPartialSuccess(body))
    else if (type === 'application/json') reportPartialSuccess(context, signal, readPartialSuccessJson(signal, body))
  } catch {
    // Upstream drops the batch here, which the server has taken; a retry would send it twice.
    context.logger.warn('The server took the request, but its answer could not be read.')
  }
}

function describe({ status, url, headers, body }: HttpAnswer): string {
  const what = `error exporting items, request to ${redacted(url)} responded with HTTP Status Code ${status}`
  if (status >= 400 && status <= 599) {
    try {
      return `${what}, Message=${decodeStatus(body).message}, Details=[]`
    } catch {
      return what
    }
  }
  if (status < 300 || status > 399 || headers.location === undefined) return what
  return `${what}: set the endpoint to ${headers.location}; only 307 and 308 repeat a POST`
}
