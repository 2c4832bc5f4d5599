/** CORS as rs/cors does it, which upstream uses. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpServerSettings } from './http-server-keys.ts'

/** Sets the headers; true = it was a preflight, and is answered. */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean

const methods: ReadonlySet<string> = new Set(['GET', 'POST', 'HEAD', 'OPTIONS'])
const safeHeaders = ['accept', 'content-type', 'x-requested-with']

/** `undefined` when no origin is allowed: then CORS is off, as upstream. */
export function compileCors(settings: HttpServerSettings['cors']): Cors | undefined {
  if (!settings || settings.allowed_origins.length === 0) return undefined
  const origins = settings.allowed_origins.map((origin) => origin.toLowerCase())
  const takesAll = origins.includes('*')
  const takesOrigin = takesAll ? () => true : originMatcher(origins)
  const headers = settings.allowed_headers.length > 0 ? settings.allowed_headers : safeHeaders
  const takesAllHeaders = headers.includes('*')
  const takenHeaders = new Set(headers.map((name) => name.toLowerCase()))
  const takesHeaders = (requested: string) =>
    takesAllHeaders || requested.split(',').every((name) => takenHeaders.has(name.trim().toLowerCase()))

  return (request, response) => {
    const { origin } = request.headers
    const method = request.headers['access-control-request-method']
    const isPreflight = request.method === 'OPTIONS' && method !== undefined && method !== ''
    const isTaken = origin !== undefined && takesOrigin(origin.toLowerCase())
    if (!isPreflight) {
      response.appendHeader('Vary', 'Origin')
      if (!isTaken || !methods.has(request.method ?? '')) return false
      response.setHeader('Access-Control-Allow-Origin', takesAll ? '*' : origin)
      if (settings.exposed_headers.length > 0)
        response.setHeader('Access-Control-Expose-Headers', settings.exposed_headers.join(', '))
      response.setHeader('Access-Control-Allow-Credentials', 'true')
      return false
    }
    response.appendHeader('Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
    const requested = request.headers['access-control-request-headers']
    if (isTaken && methods.has(method) && (requested === undefined || takesHeaders(requested))) {
      response.setHeader('Access-Control-Allow-Origin', takesAll ? '*' : origin)
      response.setHeader('Access-Control-Allow-Methods', method)
      if (requested) response.setHeader('Access-Control-Allow-Headers', requested)
      response.setHeader('Access-Control-Allow-Credentials', 'true')
      if (settings.max_age > 0) response.setHeader('Access-Control-Max-Age', String(settings.max_age))
    }
    response.writeHead(204).end()
    return true
  }
}

/** The first `*` of an origin stands for anything. */
function originMatcher(origins: readonly string[]): (origin: string) => boolean {
  const exact = new Set(origins.filter((origin) => !origin.includes('*')))
  const patterns = origins
    .filter((origin) => origin.includes('*'))
    .map((origin) => [origin.slice(0, origin.indexOf('*')), origin.slice(origin.indexOf('*') + 1)] as const)
  return (origin) =>
    exact.has(origin) ||
    patterns.some(
      ([prefix, suffix]) =>
        origin.length >= prefix.length + suffix.length && origin.startsWith(prefix) && origin.endsWith(suffix),
    )
}
