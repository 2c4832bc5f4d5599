/** What goes wrong at every interval is said once, again every ten minutes while it lasts, and once more when it is over. */
import type { Clock } from '../component.ts'
import { errorMessage } from '../error-message.ts'
import type { Logger } from '../telemetry/logger.ts'

const repeatMs = 600_000
/** Subjects are named by code and by databases; what is beyond this many is said each time it begins anew. */
const maxSubjects = 1_000

interface Complaint {
  saidMs: number
  text: string
  times: number
}

export class Complaints {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #open = new Map<string, Complaint>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** `what` in the past tense: `The list of databases was not read.` */
  failed(what: string, error: unknown, level: 'warn' | 'error' = 'error'): void {
    const text = errorMessage(error)
    const nowMs = this.#clock.nowMs()
    const before = this.#open.get(what)
    if (before !== undefined) {
      before.times++
      if (before.text === text && nowMs - before.saidMs < repeatMs) return
    }
    const times = before?.times ?? 1
    this.#open.delete(what)
    if (this.#open.size >= maxSubjects) this.#open.delete(this.#open.keys().next().value!)
    this.#open.set(what, { saidMs: nowMs, text, times })
    this.#logger[level](what, { error: text, ...(times > 1 ? { times } : {}) })
  }

  /** The same `what`; silent unless it had failed. */
  worked(what: string): void {
    const before = this.#open.get(what)
    if (before === undefined) return
    this.#open.delete(what)
    this.#logger.info('What had failed works again.', { failed: what, times: before.times })
  }
}
