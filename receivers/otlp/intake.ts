/** From the bytes of a request into the pipelines, whatever protocol brought them. */
import type { AuthData } from '../../pipeline/capability/authentication.ts'
import { type Context, Rejected } from '../../pipeline/component.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch, Origin, Signal } from '../../pipeline/data/telemetry.ts'
import { Code } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'
import { statusOf } from './answer.ts'
import { JsonPool } from './json-pool.ts'

export type Format = 'proto' | 'json'

/** A unix socket's peer has no address. */
export function originOf(
  transport: 'grpc' | 'http',
  address: string,
  metadata: Origin['metadata'],
  auth: AuthData | undefined,
  traceparent: string | string[] | undefined,
): Origin {
  const origin = address === '' ? { transport, metadata } : { address, transport, metadata }
  if (auth === undefined && typeof traceparent !== 'string') return origin
  return {
    ...origin,
    ...(auth === undefined ? {} : { auth }),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
  }
}

/** JSON beyond this would hold the event loop for more than some milliseconds. */
const workerBytes = 1_048_576

export class Intake {
  readonly #context: Context
  readonly #json = new JsonPool()
  readonly #opened = Promise.withResolvers<void>()
  #isOpen = false
  #inFlight = 0
  #onIdle: (() => void) | undefined

  constructor(context: Context) {
    this.#context = context
    this.#opened.promise.catch(() => {}) // those who wait for it hear it
  }

  /** Requests that came before wait for this: a reload hands listeners over before the new pipeline has started. */
  open(): void {
    this.#isOpen = true
    this.#opened.resolve()
  }

  /** Sends away who waits for `open`. */
  refuse(): void {
    this.#opened.reject(new Rejected('the receiver did not start', { retryable: true }))
  }

  /** Resolves when the pipelines have accepted the request. Throws `StatusError`, with what to answer. */
  async accept(signal: Signal, body: Uint8Array, format: Format, origin: Origin): Promise<void> {
    this.#inFlight++
    try {
      if (!this.#isOpen) await this.#opened.promise
      const batch = await this.#read(signal, body, format, origin).catch((error) => {
        throw origin.transport === 'grpc' ? unreadable(error) : error
      })
      // As upstream: an empty request is fine, and nobody hears of it.
      if (batch.count > 0) await (this.#context.emit[signal] as (batch: Batch) => Promise<void>)(batch)
    } catch (error) {
      if (!(error instanceof Rejected))
        this.#context.logger.error('A request failed unexpectedly; its sender will not repeat it.', { signal, error })
      const { code, message, retryDelayMs } = statusOf(error)
      throw new StatusError(code, message, retryDelayMs)
    } finally {
      if (--this.#inFlight === 0) this.#onIdle?.()
    }
  }

  /** Resolves when no request is in flight, or when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    if (this.#inFlight > 0 && !deadline.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onIdle = resolve
      deadline.addEventListener('abort', () => resolve(), { once: true })
      await promise
    }
    await this.#json.close()
  }

  async #read(signal: Signal, body: Uint8Array, format: Format, origin: Origin): Promise<Batch> {
    if (format === 'proto' || body.length <= workerBytes) return readOtlp(signal, body, format, origin)
    return readOtlp(signal, await this.#json.read(signal, body), 'proto', origin)
  }
}

/** As grpc-go, which reads the message before a handler sees it. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof Rejected)) return error
  const message = `grpc: error unmarshalling request: ${error.message}`
  return new Rejected(message, { retryable: false, grpcCode: Code.INTERNAL, cause: error })
}
