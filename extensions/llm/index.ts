/** Asks a language model, within a time, a budget, and without what nobody outside may read. */
import {
  type LanguageModel,
  languageModel,
  type ModelFailure,
  NoAnswer,
  type Question,
} from '../../pipeline/capability/language-model.ts'
import { type Context, defineExtension, type Provides } from '../../pipeline/component.ts'
import { Budget, type Spent } from './budget.ts'
import { type Config, config } from './config.ts'
import { type Ask, providerOf } from './providers.ts'
import { redactor } from './redact.ts'

export default defineExtension({
  type: 'llm',
  config,
  signals: { extension: 'alpha' },
  create(settings, context) {
    const model = new Model(settings, context)
    const provides: Provides = new Map([[languageModel, model]])
    return {
      provides,
      start: () => model.start(),
      shutdown: async () => model.close(),
      save: async () => model.save(),
      restore: async (state) => model.restore(state),
    }
  },
})

const maxQuestionLength = 65_536
/** A token has about four letters; three are safe for other languages than English. */
const lettersPerToken = 3

class Model implements LanguageModel {
  readonly #settings: Config
  readonly #context: Context
  readonly #redacted: (text: string) => string
  readonly #budget: Budget
  readonly #calls
  readonly #tokens
  readonly #ending = new AbortController()
  #ask: Ask | undefined
  #running = 0
  #restsUntilMs = Number.NEGATIVE_INFINITY

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#redacted = redactor(settings.redact, settings.redact_ips)
    this.#budget = new Budget(settings.budget)
    const name = (rest: string) => `otelcol_extension_llm_${rest}`
    this.#calls = context.meter.counter(name('calls'), 'Questions by outcome: `answered`, or why there is no answer.')
    this.#tokens = context.meter.counter(name('tokens'), 'Tokens by direction, as the server counts them.')
  }

  async start(): Promise<void> {
    this.#ask = await providerOf(this.#settings)
  }

  close(): void {
    this.#ending.abort(new Error('shut down'))
  }

  async answer(question: Question, signal: AbortSignal): Promise<string> {
    try {
      const text = await this.#answer(question, signal)
      this.#calls.add(1, { outcome: 'answered' })
      return text
    } catch (error) {
      const failure = error instanceof NoAnswer ? error : new NoAnswer('unavailable', 'there is no answer', error)
      this.#calls.add(1, { outcome: failure.reason })
      throw failure
    }
  }

  async #answer(question: Question, signal: AbortSignal): Promise<string> {
    const { clock, effects } = this.#context
    const { timeout, max_concurrent, rest } = this.#settings
    if (effects === undefined) throw new NoAnswer('no_effects', 'nobody outside is asked in a replay')
    if (this.#ask === undefined) throw new NoAnswer('not_started', 'it is not started')
    if (clock.nowMs() < this.#restsUntilMs) throw new NoAnswer('resting', 'the last call failed a moment ago')
    if (this.#running >= max_concurrent) throw new NoAnswer('busy', 'as many calls as may be are under way')
    const { instructions, text, maxTokens } = question
    const length = instructions.length + text.length
    if (length > maxQuestionLength) throw new NoAnswer('too_long', `the question has ${length} letters`)
    const spent = this.#budget.reserve(this.#nowMs(), Math.ceil(length / lettersPerToken) + maxTokens)
    if (spent === undefined) throw new NoAnswer('budget', 'the budget of calls or tokens is spent')
    const asked = { instructions, text: this.#redacted(text), maxTokens }
    const late = AbortSignal.timeout(timeout)
    const ends = AbortSignal.any([late, signal, this.#ending.signal])
    this.#running++
    try {
      const answer = await this.#ask(asked, ends)
      const { inputTokens, outputTokens } = answer
      if (inputTokens !== undefined && outputTokens !== undefined) {
        spent.tokens = inputTokens + outputTokens
        this.#tokens.add(inputTokens, { direction: 'input' })
        this.#tokens.add(outputTokens, { direction: 'output' })
      }
      return answer.text
    } catch (error) {
      const failure = error instanceof NoAnswer ? error : failureOf(error, ends.aborted)
      if (resting.has(failure.reason) && !this.#ending.signal.aborted) {
        this.#restsUntilMs = clock.nowMs() + rest
        this.#context.logger.warn('The language model did not answer; nobody asks it for a while.', {
          reason: failure.reason,
          rest_ms: rest,
          error: failure.message,
        })
      }
      throw failure
    } finally {
      this.#running--
    }
  }

  save(): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(this.#budget.save()))
  }

  restore(state: Uint8Array): void {
    const saved: unknown = JSON.parse(new TextDecoder().decode(state))
    if (!Array.isArray(saved) || !saved.every(isSpent)) throw new Error('the saved budget makes no sense')
    this.#budget.restore(saved)
  }

  #nowMs(): number {
    return Number(this.#context.clock.nowUnixNano() / 1_000_000n)
  }
}

const resting: ReadonlySet<ModelFailure> = new Set(['timeout', 'rate_limited', 'unauthorized', 'unavailable'])

const isSpent = (one: unknown): one is Spent =>
  typeof one === 'object' && one !== null && 'atMs' in one && Number.isFinite(one.atMs) && 'tokens' in one && Number.isFinite(one.tokens) // biome-ignore format: one thing

/** The clients' errors carry the status of the answer; the answer's text may hold anything and is not told. */
function failureOf(error: unknown, isAborted: boolean): NoAnswer {
  const name = error instanceof Error ? error.constructor.name : ''
  if (isAborted || name === 'APIConnectionTimeoutError') return new NoAnswer('timeout', 'no answer in time')
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  if (status === 429) return new NoAnswer('rate_limited', 'the server answers 429')
  if (status === 401 || status === 403)
    return new NoAnswer('unauthorized', `the server answers ${status}: check api_key`)
  if (typeof status === 'number' && status < 500) return new NoAnswer('bad_answer', `the server answers ${status}`)
  return new NoAnswer('unavailable', typeof status === 'number' ? `the server answers ${status}` : 'no connection, or it broke') // biome-ignore format: one thing
}
