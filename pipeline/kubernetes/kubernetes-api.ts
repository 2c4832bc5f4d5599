/** The Kubernetes API over HTTP/1.1: one object, a list, a watch. Answers are bounded; requests keep to a rate, as client-go's. */
import http from 'node:http'
import https from 'node:https'
import type { Clock } from '../component.ts'
import { boundedText } from '../net/bounded-text.ts'
import type { Access } from './access.ts'
import { RequestRate } from './request-rate.ts'

export interface Call {
  /** From the root: `/api/v1/pods`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Asks for names, labels, annotations and owners only. */
  readonly isMetadataOnly?: boolean
  readonly signal: AbortSignal
}
export interface ApiParts {
  readonly clock: Clock
  readonly qps?: number
  readonly burst?: number
}

/** What the API answered instead of what was asked for: its `Status`. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.reason = reason
  }
}

const maxAnswerBytes = 128 * 1024 * 1024
/** etcd takes 1.5 MB for an object. */
const maxEventBytes = 16 * 1024 * 1024
/** Of a request that is not a watch. */
const answerTimeoutMs = 60_000
/** A watch hears at least a bookmark a minute; three missed ones mean that nobody is there any more. */
const silenceMs = 240_000

export class KubernetesApi {
  readonly #access: Access
  readonly #agent: http.Agent
  readonly #rate: RequestRate

  constructor(access: Access, { clock, qps = 0, burst = 0 }: ApiParts) {
    this.#access = access
    this.#agent =
      access.server.protocol === 'https:'
        ? new https.Agent({ keepAlive: true, ...access.tls })
        : new http.Agent({ keepAlive: true })
    this.#rate = new RequestRate(qps > 0 ? qps : 5, burst > 0 ? burst : 10, clock)
  }

  /** The object or list at that path. Throws `ApiError` for what is not 2xx. */
  async get(call: Call): Promise<unknown> {
    const answer = await this.#open(call, answerTimeoutMs)
    const body = await textOf(answer)
    if (!isOk(answer)) throw errorOf(answer.statusCode ?? 0, body)
    return JSON.parse(body) as unknown
  }

  /** Resolves when the server ends the watch. Throws `ApiError` where it refuses it, and whatever `take` throws. */
  async watch(call: Call, take: (event: unknown) => void): Promise<void> {
    const answer = await this.#open(call, silenceMs)
    if (!isOk(answer)) throw errorOf(answer.statusCode ?? 0, await textOf(answer))
    let rest: Buffer[] = []
    let restBytes = 0
    for await (const part of answer as AsyncIterable<Buffer>) {
      let start = 0
      for (let end = part.indexOf(10); end >= 0; end = part.indexOf(10, start)) {
        const line = Buffer.concat([...rest, part.subarray(start, end)])
        start = end + 1
        rest = []
        restBytes = 0
        if (line.length > 0) take(JSON.parse(line.toString()))
      }
      if (start === part.length) continue
      rest.push(part.subarray(start))
      restBytes += part.length - start
      if (restBytes > maxEventBytes) throw new Error(`a watch event is larger than ${maxEventBytes} bytes`)
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #open({ path, query, isMetadataOnly, signal }: Call, timeoutMs: number): Promise<http.IncomingMessage> {
    await this.#rate.take(signal)
    const url = new URL(this.#access.server)
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    const kind = query?.['watch'] === undefined ? 'PartialObjectMetadataList' : 'PartialObjectMetadata'
    const partial = `application/json;as=${kind};g=meta.k8s.io;v=v1,`
    const headers = {
      accept: `${isMetadataOnly === true ? partial : ''}application/json`,
      'user-agent': 'vigil',
      ...(await this.#access.headers()),
    }
    return new Promise((resolve, reject) => {
      const make = url.protocol === 'https:' ? https.request : http.request
      const request = make(url, { headers, agent: this.#agent, signal, timeout: timeoutMs })
      request.on('timeout', () => request.destroy(new Error(`nothing heard from ${url.host} for ${timeoutMs} ms`)))
      request.on('response', resolve)
      request.on('error', reject)
      request.end()
    })
  }
}

function isOk({ statusCode = 0 }: http.IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300
}

function textOf(answer: http.IncomingMessage): Promise<string> {
  return boundedText(answer, maxAnswerBytes, `the API answered more than ${maxAnswerBytes} bytes`)
}

/** The message of a `Status` object, or what else came. */
function errorOf(code: number, body: string): ApiError {
  try {
    const { message, reason, code: own } = JSON.parse(body) as { message?: string; reason?: string; code?: number }
    return new ApiError(own ?? code, reason ?? '', message ?? `the API answered ${code}`)
  } catch {
    return new ApiError(code, '', `the API answered ${code}: ${body.slice(0, 200).trim()}`)
  }
}
