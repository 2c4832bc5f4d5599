/** A listener for what other systems post: one HTTP server, a handler a path, JSON in, and an answer that lets the sender try again when we cannot take it. */
import { type Context, type Lifecycle, Rejected } from '../component.ts'
import { errorMessage } from '../error-message.ts'
import type { Counter } from '../telemetry/meter.ts'
import { HttpError } from './http-body.ts'
import { type HttpAnswer, type HttpHandler, type HttpRequest, HttpServer, type HttpServerParts } from './http-server.ts'
import type { HttpServerSettings } from './http-server-keys.ts'
import { serverDoor } from './server-door.ts'
import { StatusError } from './status-error.ts'

/** Resolves when what was posted is accepted. Throws `HttpError` for what is wrong with it, `Rejected` where a pipeline refuses it. */
export interface Webhook {
  readonly path: string
  readonly methods: readonly string[]
  take(request: HttpRequest): Promise<HttpAnswer>
}

const retrySeconds = '5'
const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }

export class WebhookListener implements Lifecycle {
  readonly #settings: HttpServerSettings
  readonly #context: Context
  readonly #routes: ReadonlyMap<string, Webhook>
  readonly #refused: Counter
  readonly #opened = Promise.withResolvers<void>()
  #server: HttpServer | undefined
  #isOpen = false

  constructor(settings: HttpServerSettings, context: Context, webhooks: readonly Webhook[]) {
    this.#settings = settings
    this.#context = context
    this.#routes = new Map(webhooks.map((one) => [one.path, one]))
    this.#refused = context.meter.counter(
      'vigil_receiver_refused_requests',
      'Requests that were not answered with OK, by status, and connections that were no HTTP.',
    )
    this.#opened.promise.catch(() => {}) // those who wait for it hear it
  }

  /** host:port, once started. */
  get address(): string | undefined {
    return this.#server?.address
  }

  async start(): Promise<void> {
    const { clock, logger, sharesPorts } = this.#context
    try {
      const parts: HttpServerParts = {
        settings: this.#settings,
        handler: this.#handler(),
        clock,
        logger,
        door: serverDoor(this.#context, this.#settings, 'http'),
        sharesPort: sharesPorts,
        onRefused: (code) => this.#refused.add(1, { transport: 'http', code }),
      }
      if (this.#server) this.#server.reconfigure(parts)
      else {
        const server = new HttpServer(parts)
        await server.listen()
        this.#server = server
        logger.info('Started the HTTP server.', { endpoint: server.address })
      }
    } catch (error) {
      this.#opened.reject(new Rejected('the receiver did not start', { retryable: true }))
      await this.shutdown(AbortSignal.abort())
      throw error
    }
    this.#isOpen = true
    this.#opened.resolve()
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#server?.close(deadline)
    this.#server = undefined
  }

  /** Takes the listener of the instance that a reload replaces, where it serves the same place. */
  adopt(previous: WebhookListener): boolean {
    if (previous.#server?.canServe(this.#settings) !== true) return false
    this.#server = previous.#server
    previous.#server = undefined
    return true
  }

  #handler(): HttpHandler {
    return {
      answer: async (request) => {
        const webhook = this.#routes.get(request.path)
        if (webhook === undefined)
          throw new HttpError(404, `nothing is at ${request.path}; there are ${[...this.#routes.keys()].join(', ')}`)
        if (!webhook.methods.includes(request.method))
          return {
            ...answerOf(405, `${request.method} is not for ${request.path}`),
            headers: { ...headers, Allow: webhook.methods.join(', ') },
          }
        // A reload hands listeners over before the new pipeline has started.
        if (!this.#isOpen) await this.#opened.promise
        return webhook.take(request)
      },
      fail: (_, error) => this.#fail(error),
    }
  }

  #fail(error: unknown): HttpAnswer {
    if (error instanceof StatusError) return answerOf(401, error.message)
    if (error instanceof HttpError) return answerOf(error.status, error.message)
    if (!(error instanceof Rejected)) return answerOf(500, 'it failed unexpectedly; the log of the receiver says why')
    if (!error.retryable) return answerOf(500, error.message)
    const wait = error.retryAfterMs === undefined ? retrySeconds : String(Math.ceil(error.retryAfterMs / 1_000))
    return { ...answerOf(503, error.message), headers: { ...headers, 'Retry-After': wait } }
  }
}

/** The body of a request as JSON. Throws `HttpError` 400 with the reason for what is none. */
export async function jsonBody(request: HttpRequest): Promise<unknown> {
  return parseJson(await request.body())
}

export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body)) as unknown
  } catch (cause) {
    throw new HttpError(400, `the body is not JSON: ${errorMessage(cause)}`, { cause })
  }
}
const decoder = new TextDecoder('utf-8', { fatal: true })

export function answerOf(status: number, message: string): HttpAnswer {
  return { status, headers, body: `${JSON.stringify(status < 400 ? { message } : { error: message })}\n` }
}
