/** Requests to metadata services: small, bounded, on fresh connections, never through a proxy. */
import http from 'node:http'
import https from 'node:https'
import { boundedText } from '../../pipeline/net/bounded-text.ts'

export interface MetadataRequest {
  readonly method?: 'GET' | 'PUT' | 'HEAD'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
  /** Of a unix socket; the host of the URL is only a name then. */
  readonly socketPath?: string
  readonly tls?: https.RequestOptions
  readonly signal: AbortSignal
}
export interface MetadataAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

export class StatusError extends Error {
  readonly status: number

  constructor(url: string, { status, text }: MetadataAnswer) {
    super(`${url} answered ${status}${text === '' ? '' : `: ${text.slice(0, 200).trim()}`}`)
    this.status = status
  }
}

const maxAnswerBytes = 1024 * 1024
const tooLarge = `the answer is larger than ${maxAnswerBytes} bytes`
const defaultTimeoutMs = 5_000

export class MetadataClient {
  readonly #reach: (url: string) => string

  /** `reach` says where the server of a well-known address really is: tests have no link-local ones. */
  constructor(reach: (url: string) => string = (url) => url) {
    this.#reach = reach
  }

  /** Any status is an answer. Rejects when there is none in time. */
  async ask(url: string, request: MetadataRequest): Promise<MetadataAnswer> {
    const target = new URL(this.#reach(url))
    const { method = 'GET', headers = {}, body = '', timeoutMs = defaultTimeoutMs, socketPath, tls } = request
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)])
    try {
      return await new Promise((resolve, reject) => {
        const make = target.protocol === 'https:' ? https.request : http.request
        const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
        const options = { ...tls, method, headers: { ...headers, ...length }, agent: false as const, signal }
        const outgoing = make(target, socketPath === undefined ? options : { ...options, socketPath })
        outgoing.on('error', reject)
        outgoing.on('response', (incoming) => {
          boundedText(incoming, maxAnswerBytes, tooLarge).then((text) => {
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
          }, reject)
        })
        outgoing.end(body)
      })
    } catch (cause) {
      const reason = signal.aborted ? `no answer within ${timeoutMs} ms` : cause instanceof Error ? cause.message : ''
      throw new Error(`${url}: ${reason}`, { cause })
    }
  }

  /** The body. Throws `StatusError` for what is not 2xx. */
  async text(url: string, request: MetadataRequest): Promise<string> {
    const answer = await this.ask(url, request)
    if (answer.status < 200 || answer.status > 299) throw new StatusError(url, answer)
    return answer.text
  }

  async json(url: string, request: MetadataRequest): Promise<unknown> {
    const text = await this.text(url, request)
    try {
      return JSON.parse(text) as unknown
    } catch (cause) {
      throw new Error(`${url}: the answer is not JSON`, { cause })
    }
  }
}
