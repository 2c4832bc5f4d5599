/** A dead man's switch: an outside watchdog hears from us as long as the stream is alive and pages get out, and tells somebody when it does not. */
import type { Context } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { HeartbeatSettings } from './config.ts'
import { expectOk, type Post } from './post.ts'

const timeoutMs = 10_000

export interface HeartbeatParts {
  readonly context: Context
  readonly post: Post
  /** For how long a page has failed that nobody else was told of, in ms. */
  readonly stuckMs: () => number
}

export class Heartbeat {
  readonly #settings: HeartbeatSettings
  readonly #parts: HeartbeatParts
  readonly #beats
  /** Without telemetry on its way here only that the process lives can be told. */
  readonly #knowsStream: boolean
  readonly #abort = new AbortController()
  #lastMs: number
  #why = ''
  #stop = () => {}

  constructor(settings: HeartbeatSettings, parts: HeartbeatParts) {
    const { context } = parts
    this.#settings = settings
    this.#parts = parts
    this.#knowsStream = context.signals.has('metrics') || context.signals.has('traces')
    this.#lastMs = context.clock.nowMs()
    this.#beats = context.meter.counter(
      'otelcol_exporter_notify_heartbeats',
      'Signs of life by outcome: sent, withheld, failed.',
    )
  }

  start(): void {
    const { context } = this.#parts
    if (!this.#knowsStream)
      context.logger.warn(
        'The heartbeat says only that the process lives: put this exporter into the metrics pipeline of the features too.',
      )
    this.#stop = context.clock.every(this.#settings.interval, () => this.#beat())
  }

  /** Something came over the stream. */
  see(): void {
    this.#lastMs = this.#parts.context.clock.nowMs()
  }

  stop(): void {
    this.#stop()
    this.#abort.abort()
  }

  async #beat(): Promise<void> {
    const { context, post } = this.#parts
    const why = this.#withheld()
    if (why !== this.#why && why !== '') context.logger.error('The heartbeat is withheld.', { why })
    if (why !== this.#why && why === '') context.logger.info('The heartbeat goes on.')
    this.#why = why
    if (why !== '') return this.#beats.add(1, { outcome: 'withheld' })
    try {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(timeoutMs)])
      expectOk('the watchdog', await post(this.#settings.url, {}, { status: 'alive' }, signal))
      this.#beats.add(1, { outcome: 'sent' })
    } catch (error) {
      this.#beats.add(1, { outcome: 'failed' })
      context.logger.warn('The watchdog did not take the heartbeat; the next one follows.', {
        error: errorMessage(error),
      })
    }
  }

  /** Empty = it is sent. */
  #withheld(): string {
    const { max_silence } = this.#settings
    if (this.#knowsStream && this.#parts.context.clock.nowMs() - this.#lastMs > max_silence)
      return 'nothing comes over the stream'
    return this.#parts.stuckMs() > max_silence ? 'a page cannot be delivered' : ''
  }
}
