/** Asks all detectors at once, patiently, and merges what they answer: the first in the list is right. */
import type { Context } from '../../pipeline/component.ts'
import type { Value } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Backoff } from '../../pipeline/export/retry.ts'
import { pause } from '../../pipeline/kubernetes/pause.ts'
import type { Config } from './config.ts'
import { type Detected, type Detector, nothing } from './detector.ts'

export interface NamedDetector {
  readonly type: string
  readonly detector: Detector
}

const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30]

export class Detection {
  readonly #detectors: readonly NamedDetector[]
  readonly #settings: Config
  readonly #context: Context
  #current: Detected = nothing

  constructor(detectors: readonly NamedDetector[], settings: Config, context: Context) {
    this.#detectors = detectors
    this.#settings = settings
    this.#context = context
  }

  get current(): Detected {
    return this.#current
  }

  /** What an earlier instance found. */
  adopt(detected: Detected): void {
    this.#current = detected
  }

  /** Detects again. A failure keeps what there was; without anything, it rejects. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { timeout, retry } = this.#settings
    const budgetMs = retry.max_elapsed_time > 0 ? retry.max_elapsed_time : timeout
    const failures: string[] = []
    const detected = await within(budgetMs, this.#context, signal, (session) => this.#detect(session, failures))
    if (failures.length > 0 && this.#current.attributes.size > 0) {
      this.#context.logger.warn('detection failed; what was detected before stays', { error: failures.join('; ') })
      return
    }
    if (this.#detectors.length === 0) throw new Error('resource detection failed: no detectors succeeded')
    this.#current = detected
    if (failures.length > 0) throw new Error(failures.join('\n'))
  }

  async #detect(session: AbortSignal, failures: string[]): Promise<Detected> {
    const { logger } = this.#context
    logger.info('began detecting resource information')
    const answers = await Promise.all(
      this.#detectors.map((one) => this.#ask(one, session).catch((error: unknown) => errorMessage(error))),
    )
    const attributes = new Map<string, Value>()
    let schemaUrl = ''
    for (const answer of answers) {
      if (typeof answer === 'string') {
        failures.push(answer)
        continue
      }
      schemaUrl ||= answer.schemaUrl
      for (const [name, value] of answer.attributes) if (!attributes.has(name)) attributes.set(name, value)
    }
    logger.info('detected resource information', { resource: Object.fromEntries(attributes) })
    return { attributes, schemaUrl }
  }

  async #ask({ type, detector }: NamedDetector, session: AbortSignal): Promise<Detected> {
    const { clock, logger, meter } = this.#context
    const startedMs = clock.nowMs()
    let firstError: unknown
    const count = (outcome: 'success' | 'failure') => {
      const name = 'otelcol_resourcedetection_detector'
      meter
        .histogram(
          `${name}_duration`,
          durationBounds,
          'Time taken by an individual detector to run, including backoff between retries.',
        )
        .record((clock.nowMs() - startedMs) / 1_000, { detector: type, outcome })
      const errorType = outcome === 'failure' ? { 'error.type': errorTypeOf(firstError) } : {}
      meter
        .counter(
          `${name}_results`,
          'Number of resource detection results, by detector and outcome. On failure, error.type carries the error class.',
        )
        .add(1, { detector: type, outcome, ...errorType })
    }
    try {
      const detected = await this.#askUntil(detector, session, (error) => {
        firstError ??= error
        logger.warn('a detector failed', { detector: type, error: errorMessage(error) })
      })
      count('success')
      return detected
    } catch (error) {
      count('failure')
      logger.error('a detector was given up', { detector: type, error: errorMessage(error) })
      throw error
    }
  }

  async #askUntil(detector: Detector, session: AbortSignal, report: (error: unknown) => void): Promise<Detected> {
    const { retry, timeout } = this.#settings
    const { clock, random } = this.#context
    const startedMs = clock.nowMs()
    const backoff = new Backoff(retry, random)
    const attemptMs = !retry.enabled || retry.max_elapsed_time > 0 ? timeout : 0
    for (;;) {
      let failure: unknown
      try {
        return await within(attemptMs, this.#context, session, (signal) => detector.detect(signal))
      } catch (error) {
        failure = error
        report(error)
      }
      if (!retry.enabled || session.aborted) throw failure
      const waitMs = backoff.next()
      if (retry.max_elapsed_time > 0 && clock.nowMs() - startedMs + waitMs > retry.max_elapsed_time) throw failure
      await pause(waitMs, clock, session).catch(() => {
        throw new Error(`${errorMessage(failure)} (gave up: ${errorMessage(session.reason)})`, { cause: failure })
      })
    }
  }
}

/** Rejects when the time is over, even if `run` does not listen; 0 = no limit. */
async function within<T>(
  ms: number,
  { clock }: Context,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timer = new AbortController()
  const cancel = ms > 0 ? clock.after(ms, () => timer.abort(new Error(`no answer within ${ms} ms`))) : () => {}
  const signal = AbortSignal.any([outer, timer.signal])
  const over = Promise.withResolvers<never>()
  const stop = () => over.reject(signal.reason as Error)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([run(signal), over.promise])
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
    over.promise.catch(() => {})
  }
}

function errorTypeOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : 'unknown'
}
