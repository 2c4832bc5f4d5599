/** HTTP/1.1 out: keep-alive, TLS, proxies, redirects, bounded answers. One per component; nothing is shared. */
import http from 'node:http'
import https from 'node:https'
import type { HttpClientSettings } from './http-client-keys.ts'
import { clientTls } from './tls.ts'

export interface HttpRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Written one after another, without a copy. */
  readonly chunks: readonly Uint8Array[]
  readonly signal: AbortSignal
}
export interface HttpAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  /** The first `maxAnswerBytes` of it. */
  readonly body: Uint8Array
  /** Where the answer came from, after redirects. */
  readonly url: URL
}

const maxAnswerBytes = 64 * 1024
/** As Go's client. */
const maxRedirects = 10

export class HttpClient {
  readonly #http: http.Agent
  readonly #https: https.Agent
  readonly #headers: readonly (readonly [string, string])[]

  /** Throws when certificates cannot be read. */
  constructor(settings: HttpClientSettings) {
    const options = agentOptions(settings)
    this.#http = new http.Agent(options)
    this.#https = new https.Agent({ ...options, ...clientTls(settings.tls) })
    this.#headers = settings.headers
  }

  /** Rejects when there is no answer; any status is an answer. */
  async post(request: HttpRequest): Promise<HttpAnswer> {
    let url = request.url
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#postOnce({ ...request, url }, url.host === request.url.host)
      const next = redirectOf(answer)
      if (next === undefined) return answer
      if (redirects === maxRedirects) throw new Error(`stopped after ${maxRedirects} redirects`)
      url = next
    }
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #postOnce(request: HttpRequest, isSameHost: boolean): Promise<HttpAnswer> {
    try {
      return await this.#send(request, isSameHost)
    } catch (error) {
      // The server closed an idle connection just as we took it; Go's client sends again at once, too.
      if (error instanceof StaleConnection) return this.#send(request, isSameHost)
      throw error
    }
  }

  #send({ url, headers, chunks, signal }: HttpRequest, isSameHost: boolean): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const isHttps = url.protocol === 'https:'
      const all: Record<string, string> = { ...headers, 'content-length': String(lengthOf(chunks)) }
      // Configured headers may be credentials: they are not for the host that somebody redirects us to.
      if (isSameHost) for (const [name, value] of this.#headers) all[name.toLowerCase()] = value
      const outgoing = (isHttps ? https : http).request(url, {
        method: 'POST',
        headers: all,
        agent: isHttps ? this.#https : this.#http,
        signal,
      })
      outgoing.on('response', (incoming) => {
        readAnswer(incoming).then((body) => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body, url })
        }, reject)
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        reject(isStale && !signal.aborted ? new StaleConnection(error.message, { cause: error }) : error)
      })
      outgoing.cork()
      for (const chunk of chunks) outgoing.write(chunk)
      outgoing.uncork()
      outgoing.end()
    })
  }
}

class StaleConnection extends Error {}

/** For messages: without the password. */
export function redacted(url: URL): string {
  if (url.password === '') return url.href
  const copy = new URL(url)
  copy.password = 'xxxxx'
  return copy.href
}

/** 307 and 308 repeat the request. Go's client turns the others into a GET without a body, whose 200 would look like success. */
function redirectOf({ status, headers, url }: HttpAnswer): URL | undefined {
  if ((status !== 307 && status !== 308) || headers.location === undefined) return undefined
  if (!URL.canParse(headers.location, url)) return undefined
  const next = new URL(headers.location, url)
  return /^https?:$/.test(next.protocol) ? next : undefined
}

async function readAnswer(incoming: http.IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of incoming as AsyncIterable<Buffer>) {
    parts.push(part)
    length += part.length
    // Leaving the loop closes the connection: what would follow is not worth reading.
    if (length >= maxAnswerBytes) break
  }
  return Buffer.concat(parts, Math.min(length, maxAnswerBytes))
}

function agentOptions(settings: HttpClientSettings): http.AgentOptions {
  const { keepalive, disable_keep_alives, max_conns_per_host, proxy_url } = settings
  const keepAlive = keepalive !== undefined && disable_keep_alives !== true
  const idleMs = settings.idle_conn_timeout ?? keepalive?.idle_conn_timeout ?? 0
  const idleTotal = settings.max_idle_conns ?? keepalive?.max_idle_conns ?? 0
  const idlePerHost = settings.max_idle_conns_per_host ?? keepalive?.max_idle_conns_per_host ?? 0
  return {
    keepAlive,
    maxSockets: max_conns_per_host || Number.POSITIVE_INFINITY,
    maxFreeSockets: idlePerHost || idleTotal || 256,
    ...(keepAlive && idleMs > 0 ? { timeout: idleMs } : {}),
    proxyEnv: proxy_url === '' ? process.env : { HTTP_PROXY: proxy_url, HTTPS_PROXY: proxy_url },
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  return length
}
