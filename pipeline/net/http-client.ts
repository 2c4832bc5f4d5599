/** HTTP/1.1 out: keep-alive, TLS, proxies, redirects, bounded answers. One per component; nothing is shared. */
import http from 'node:http'
import https from 'node:https'
import type tls from 'node:tls'
import type { Clock } from '../component.ts'
import { noOrigin } from '../data/batch.ts'
import type { Origin } from '../data/telemetry.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type ClientDoor, dress } from './client-door.ts'
import { CookieJar } from './cookie-jar.ts'
import type { HttpClientSettings } from './http-client-keys.ts'
import { type Environment, type ProxyOf, proxiesOf } from './proxy.ts'
import { clientTls } from './tls.ts'
import { reloadClientTls } from './tls-reload.ts'

export interface HttpRequest {
  readonly url: URL
  /** Of a unix socket, where the server is; the host of the URL is only a name then. */
  readonly socketPath?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Written one after another, without a copy. */
  readonly chunks: readonly Uint8Array[]
  readonly signal: AbortSignal
  /** Of the batch that is sent, for `auth` and `middlewares`. */
  readonly origin?: Origin
}
export interface HttpAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  /** The first `maxAnswerBytes` of it. */
  readonly body: Uint8Array
  /** Where the answer came from, after redirects. */
  readonly url: URL
}

export interface HttpClientParts {
  /** Of `auth` and `middlewares`. */
  readonly door?: ClientDoor | undefined
  /** For `tls::reload_interval`; without them certificates are read once. */
  readonly clock?: Clock
  readonly logger?: Logger
  /** Where HTTP_PROXY and its kin are. Default: that of this process. */
  readonly env?: Environment
}

const maxAnswerBytes = 64 * 1024
/** As Go's client. */
const maxRedirects = 10

interface Agents {
  readonly http: http.Agent
  readonly https: https.Agent
}

export class HttpClient {
  readonly #settings: HttpClientSettings
  readonly #door: ClientDoor | undefined
  readonly #proxyOf: ProxyOf
  readonly #direct: Agents
  /** By proxy; there are two at most. */
  readonly #proxied = new Map<string, Agents>()
  readonly #stopReload: () => void
  readonly #cookies: CookieJar | undefined
  #tls: https.AgentOptions

  /** Throws when certificates cannot be read, or when the environment names no usable proxy. */
  constructor(settings: HttpClientSettings, { door, clock, logger, env = process.env }: HttpClientParts = {}) {
    this.#settings = settings
    this.#door = door
    this.#cookies = settings.cookies && new CookieJar()
    this.#tls = { ...clientTls(settings.tls) }
    this.#direct = this.#agents()
    const configured = settings.proxy_url === '' ? undefined : new URL(settings.proxy_url)
    this.#proxyOf = configured === undefined ? proxiesOf(env) : () => configured
    this.#stopReload =
      clock === undefined || logger === undefined
        ? () => {}
        : reloadClientTls(settings.tls, clock, logger, (options) => this.#reload(options))
  }

  /** Rejects when there is no answer; any status is an answer. */
  async post(request: HttpRequest): Promise<HttpAnswer> {
    let url = request.url
    for (let redirects = 0; ; redirects++) {
      const isSameHost = url.origin === request.url.origin
      const socketPath = isSameHost ? request.socketPath : undefined
      const answer = await this.#postOnce({ ...request, url, socketPath }, isSameHost)
      const next = redirectOf(answer)
      if (next === undefined) return answer
      if (redirects === maxRedirects) throw new Error(`stopped after ${maxRedirects} redirects`)
      url = next
    }
  }

  close(): void {
    this.#stopReload()
    for (const agents of [this.#direct, ...this.#proxied.values()]) {
      agents.http.destroy()
      agents.https.destroy()
    }
  }

  async #postOnce(request: HttpRequest, isSameHost: boolean): Promise<HttpAnswer> {
    const headers = await this.#headersOf(request, isSameHost)
    try {
      return await this.#send(request, headers)
    } catch (error) {
      // The server closed an idle connection just as we took it; Go's client sends again at once, too.
      if (error instanceof StaleConnection) return this.#send(request, headers)
      throw error
    }
  }

  /** Configured headers and credentials are not for the host that somebody redirects us to. */
  async #headersOf(request: HttpRequest, isSameHost: boolean): Promise<Record<string, string>> {
    const length = String(lengthOf(request.chunks))
    const all: Record<string, string> = { ...request.headers }
    const cookies = this.#cookies?.header(request.url, Date.now())
    if (cookies !== undefined) all['cookie'] = cookies
    if (!isSameHost) return { ...all, 'content-length': length }
    for (const [name, value] of this.#settings.headers) all[name.toLowerCase()] = value
    if (this.#door === undefined) return { ...all, 'content-length': length }
    const dressed = new Map(Object.entries(all))
    await dress(this.#door, dressed, request.origin ?? noOrigin)
    return { ...Object.fromEntries(dressed), 'content-length': length }
  }

  #send({ url, socketPath, chunks, signal }: HttpRequest, headers: Record<string, string>): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const isHttps = url.protocol === 'https:'
      const agents = socketPath === undefined ? this.#agentsFor(url) : this.#direct
      const outgoing = (isHttps ? https : http).request(url, {
        method: 'POST',
        headers,
        agent: isHttps ? agents.https : agents.http,
        signal,
        ...(socketPath === undefined ? {} : { socketPath }),
      })
      outgoing.on('response', (incoming) => {
        this.#cookies?.store(url, incoming.headers['set-cookie'] ?? [], Date.now())
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

  /** Connections that are open stay as they are; those that are opened from now on use the new certificates. */
  #reload(options: tls.ConnectionOptions): void {
    this.#tls = options
    for (const { https: agent } of [this.#direct, ...this.#proxied.values()]) Object.assign(agent.options, options)
  }

  #agentsFor(url: URL): Agents {
    const proxy = this.#proxyOf(url)?.href
    if (proxy === undefined) return this.#direct
    let agents = this.#proxied.get(proxy)
    if (agents === undefined) {
      agents = this.#agents(proxy)
      this.#proxied.set(proxy, agents)
    }
    return agents
  }

  #agents(proxy?: string): Agents {
    const options = agentOptions(this.#settings, proxy)
    return { http: new http.Agent(options), https: new https.Agent({ ...options, ...this.#tls }) }
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

function agentOptions(settings: HttpClientSettings, proxy: string | undefined): http.AgentOptions {
  const { keepalive, disable_keep_alives, max_conns_per_host } = settings
  const keepAlive = keepalive !== undefined && disable_keep_alives !== true
  const idleMs = settings.idle_conn_timeout ?? keepalive?.idle_conn_timeout ?? 0
  const idleTotal = settings.max_idle_conns ?? keepalive?.max_idle_conns ?? 0
  const idlePerHost = settings.max_idle_conns_per_host ?? keepalive?.max_idle_conns_per_host ?? 0
  return {
    keepAlive,
    maxSockets: max_conns_per_host > 0 ? max_conns_per_host : Number.POSITIVE_INFINITY,
    maxFreeSockets: idlePerHost || idleTotal || 256,
    ...(keepAlive && idleMs > 0 ? { timeout: idleMs } : {}),
    ...(proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  return length
}
