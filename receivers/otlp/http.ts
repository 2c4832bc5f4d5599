/** OTLP over HTTP, over an intake: paths, content types, status codes and bodies as upstream's `otlphttp.go`. */
import type { Signal } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { HttpError } from '../../pipeline/net/http-body.ts'
import type { HttpAnswer, HttpHandler, HttpRequest } from '../../pipeline/net/http-server.ts'
import { Code, encodeStatus, grpcFromHttp, httpFromGrpc, type Status, statusToJson } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'
import type { HttpSettings } from './config.ts'
import { type Format, type Intake, originOf } from './intake.ts'
import { checkProfilesVersion } from './profiles-version.ts'

const contentTypes: Readonly<Record<Format, string>> = { proto: 'application/x-protobuf', json: 'application/json' }
const accepted: Readonly<Record<Format, HttpAnswer>> = {
  proto: { status: 200, headers: { 'Content-Type': contentTypes.proto }, body: new Uint8Array(0) },
  json: { status: 200, headers: { 'Content-Type': contentTypes.json }, body: '{"partialSuccess":{}}' },
}
const notFound: HttpAnswer = {
  status: 404,
  headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
  body: '404 page not found\n',
}
const wrongMethod = plain(405, '405 method not allowed, supported: [POST]')
const wrongType = plain(415, '415 unsupported media type, supported: [application/json, application/x-protobuf]')

/** Only the paths of the signals that some pipeline takes: the others are not found, as upstream. */
export function httpHandler(intake: Intake, signals: ReadonlySet<Signal>, settings: HttpSettings): HttpHandler {
  const paths: Readonly<Record<Signal, string>> = {
    traces: settings.traces_url_path,
    metrics: settings.metrics_url_path,
    logs: settings.logs_url_path,
    profiles: '/v1development/profiles',
  }
  const routes = new Map([...signals].map((signal) => [paths[signal], signal]))
  // As Go's mux: a path that ends in a slash stands for all below it, the longest wins.
  const trees = [...routes.keys()].filter((path) => path.endsWith('/')).sort((a, b) => b.length - a.length)
  const route = (path: string) => routes.get(path) ?? routes.get(trees.find((tree) => path.startsWith(tree)) ?? '')

  return {
    async answer(request) {
      const signal = route(request.path)
      if (signal === undefined) return notFound
      if (request.method !== 'POST') return wrongMethod
      const format = formatOf(request)
      if (format === undefined) return wrongType
      try {
        if (signal === 'profiles') checkProfilesVersion(request.headers)
        const body = await request.body()
        const { peer, metadata, auth } = request
        await intake.accept(
          signal,
          body,
          format,
          originOf('http', peer, metadata, auth, request.headers['traceparent']),
        )
        return accepted[format]
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return statusAnswer(httpFromGrpc(error.status.code), error.status, format)
      }
    },
    fail(request, error) {
      const message = errorMessage(error)
      // JSON for whatever is not protobuf, as upstream.
      const format = formatOf(request) ?? 'json'
      if (error instanceof StatusError) return statusAnswer(httpFromGrpc(error.status.code), error.status, format)
      if (!(error instanceof HttpError)) return statusAnswer(500, { code: Code.INTERNAL, message }, format)
      const status = { code: grpcFromHttp(error.status), message }
      return statusAnswer(error.status, error.status === 503 ? { ...status, retryDelayMs: 1_000 } : status, format)
    },
  }
}

function statusAnswer(httpStatus: number, status: Status, format: Format): HttpAnswer {
  const headers: Record<string, string> = { 'Content-Type': contentTypes[format] }
  const mayRetry = httpStatus === 429 || httpStatus === 503
  if (mayRetry && status.retryDelayMs) headers['Retry-After'] = String(Math.ceil(status.retryDelayMs / 1_000))
  return { status: httpStatus, headers, body: format === 'json' ? statusToJson(status) : encodeStatus(status) }
}

function formatOf({ headers }: HttpRequest): Format | undefined {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';', 1)
  const name = mediaType.trim().toLowerCase()
  return name === contentTypes.proto ? 'proto' : name === contentTypes.json ? 'json' : undefined
}

function plain(status: number, body: string): HttpAnswer {
  return { status, headers: { 'Content-Type': 'text/plain' }, body }
}
