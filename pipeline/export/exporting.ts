import { type Context, Rejected } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import { Attempts, type Handler } from './attempt.ts'
import { ExportMetrics } from './export-metrics.ts'
import { type ExportCall, Retries } from './retry.ts'
import type { SendingSettings } from './sending.ts'

export type SenderContext = Pick<
  Context,
  'id' | 'clock' | 'random' | 'meter' | 'logger' | 'signal' | 'engine' | 'dropped' | 'status' | 'extension'
>
export interface ExportingOptions {
  readonly context: SenderContext
  readonly signal: Signal
  readonly handler: Handler
  /** Output of `sendingKeys`. */
  readonly sending: SendingSettings
  /** Runs around each export, its retries included; `parts` are what the batch was merged from. */
  readonly around?: (
    batch: Batch,
    parts: readonly { readonly batch: Batch }[],
    run: (traceparent?: string) => Promise<void>,
  ) => Promise<void>
}

/** One export with all its retries, counted. */
export class Exporting {
  readonly metrics: ExportMetrics
  /** Upstream's advice, appended to the message of a failure. */
  readonly advice: string
  readonly #context: SenderContext
  readonly #attempts: Attempts
  readonly #retries: Retries | undefined
  readonly #around: ExportingOptions['around']
  #isReplaced = false

  constructor({ context, signal, handler, sending, around }: ExportingOptions) {
    this.#context = context
    this.#around = around
    this.metrics = new ExportMetrics(context.meter, context.id, signal)
    this.#attempts = new Attempts(handler, sending.timeout ?? 0, context.clock)
    const retry = sending.retry_on_failure
    this.#retries = retry?.enabled
      ? new Retries(retry, context, (batch, traceparent) => this.#attempts.run(batch, traceparent))
      : undefined
    this.advice =
      (retry !== undefined && !retry.enabled
        ? ' Try enabling retry_on_failure config option to retry on retryable errors.'
        : '') +
      ('sending_queue' in sending && sending.sending_queue === undefined
        ? ' Try enabling sending_queue to survive temporary failures.'
        : '')
    context.signal.addEventListener('abort', () => this.abort('the exporter was stopped'), { once: true })
  }

  /** Throws only `Rejected`; its `remaining` is what did not get through. `onRefused` hears of attempts that failed and are retried. */
  run(batch: Batch, parts: readonly { readonly batch: Batch }[] = [], onRefused?: () => void): Promise<void> {
    if (this.#around === undefined) return this.#run(batch, { onRefused })
    return this.#around(batch, parts, (traceparent) => this.#run(batch, { onRefused, traceparent }))
  }

  async #run(batch: Batch, call: ExportCall): Promise<void> {
    this.metrics.started()
    try {
      if (this.#retries) await this.#retries.run(batch, call)
      else await this.#attempts.run(batch, call.traceparent)
    } catch (error) {
      const refusal = error instanceof Rejected ? error : this.#bug(error)
      const failed = refusal.remaining?.count ?? batch.count
      // What a successor will send has not failed yet.
      this.metrics.ended(batch.count - failed, this.#isReplaced && refusal.retryable ? 0 : failed, refusal)
      throw refusal
    }
    this.metrics.ended(batch.count, 0)
  }

  stopRetries(): void {
    this.#retries?.stop()
  }

  /** Somebody else will send what does not get through from here on. */
  replace(): void {
    this.#isReplaced = true
    this.stopRetries()
  }

  abort(reason: string): void {
    this.#attempts.abortAll(reason)
    this.#retries?.stop()
  }

  /** Not retryable, so that a batch that the exporter chokes on does not come back for ever. */
  #bug(error: unknown): Rejected {
    const message = errorMessage(error)
    this.#context.status('permanent', `the exporter failed unexpectedly: ${message}`)
    return new Rejected(`the exporter failed unexpectedly: ${message}`, { retryable: false, cause: error })
  }
}

/** Of a drop whose sender does not wait for it any more. */
export function lossReason(failure: Rejected, isClosed: boolean): string {
  if (isClosed) return 'shutdown'
  return failure.retryable ? 'retries_exhausted' : 'not_retryable'
}
