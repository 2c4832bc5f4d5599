/** Counts what fails at run time, and logs some of it: a statement that fails on every item must not fill the log. */
import { errorMessage } from '../error-message.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ErrorMode } from './compile.ts'

export class Failures {
  private readonly counts = new Map<string, number>()
  private readonly logger: Logger | undefined
  private readonly isSilent: boolean
  private readonly what: string

  /** `what` failed: `statement` or `condition`. */
  constructor(errorMode: ErrorMode, logger: Logger | undefined, what = 'statement') {
    this.isSilent = errorMode === 'silent'
    this.logger = logger
    this.what = what
  }

  get count(): number {
    let sum = 0
    for (const n of this.counts.values()) sum += n
    return sum
  }

  /** Of one text the 1st, 10th, 100th, ... failure is logged. The texts are those of the configuration, so that there are few. */
  add(text: string, error: unknown): void {
    const count = (this.counts.get(text) ?? 0) + 1
    this.counts.set(text, count)
    if (this.isSilent || this.logger === undefined || !/^10*$/.test(String(count))) return
    const why = errorMessage(error)
    this.logger.warn(`a ${this.what} failed`, { [this.what]: text, error: why, failures: count })
  }
}

/** What is thrown where errors propagate: the payload cannot go on. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed'
}
