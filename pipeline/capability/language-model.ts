/** Asks a language model something. What it answers is a guess of a stranger: whoever asks checks it in code before anybody reads it. */
import { capability } from './capability.ts'

export interface Question {
  /** Words of ours alone: what is to be done. */
  readonly instructions: string
  /** What it is about. Secrets, addresses and values in queries are taken out of it before it leaves. */
  readonly text: string
  /** Of the answer. */
  readonly maxTokens: number
}

/** Why there is no answer. */
export type ModelFailure =
  | 'no_effects'
  | 'not_started'
  | 'too_long'
  | 'budget'
  | 'busy'
  | 'resting'
  | 'timeout'
  | 'rate_limited'
  | 'unauthorized'
  | 'unavailable'
  | 'refused'
  | 'truncated'
  | 'bad_answer'

export class NoAnswer extends Error {
  readonly reason: ModelFailure

  constructor(reason: ModelFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'NoAnswer'
    this.reason = reason
  }
}

export interface LanguageModel {
  /** The text of the answer. Rejects with `NoAnswer`, at the latest after the time-out of the one that offers it, or when `signal` is aborted. */
  answer(question: Question, signal: AbortSignal): Promise<string>
}

export const languageModel = capability<LanguageModel>('language model')
