/** Events that wait until what follows takes them, in their order, those of each sender together. */
import type { Context } from '../component.ts'
import type { LogsBuilder } from '../data/builders.ts'
import type { Origin } from '../data/telemetry.ts'
import { eventLogs } from '../vocabulary/event.ts'

export interface OutboxOptions<T> {
  /** The oldest make room for one more, and are lost. */
  readonly maxWaiting: number
  /** For the log: `events`, `incidents`. */
  readonly noun: string
  readonly write: (builder: LogsBuilder, waiting: T) => void
}

export class Outbox<T extends { readonly origin: Origin }> {
  readonly #context: Context
  readonly #options: OutboxOptions<T>
  #waiting: T[] = []
  #sending: Promise<void> | undefined
  #hasFailed = false
  /** How many there were, ever. */
  added = 0

  constructor(context: Context, options: OutboxOptions<T>) {
    this.#context = context
    this.#options = options
  }

  get size(): number {
    return this.#waiting.length
  }

  add(waiting: T): void {
    this.added++
    this.#waiting.push(waiting)
    this.#makeRoom()
  }

  /** Sends what waits; resolves when it is gone or refused. Never rejects: what is refused waits for the next call. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  /** What is being sent is not part of it any more: wait for `flush` before. */
  save(): readonly T[] {
    return this.#waiting
  }

  restore(waiting: readonly T[]): void {
    this.#waiting = [...waiting, ...this.#waiting]
    this.#makeRoom()
  }

  clear(): void {
    this.#waiting = []
  }

  /** The engine closes: what nobody takes now is lost, but for what is stored. */
  async close(isStored = false): Promise<void> {
    await this.flush()
    if (this.#waiting.length === 0 || isStored) return
    this.#context.dropped(this.#waiting.length, 'refused_downstream', 'lost')
    this.#waiting = []
  }

  #makeRoom(): void {
    const excess = this.#waiting.length - this.#options.maxWaiting
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.#context.dropped(excess, 'queue_full', 'lost')
  }

  async #send(): Promise<void> {
    const { noun, write } = this.#options
    while (this.#waiting.length > 0) {
      const { origin } = this.#waiting[0] as T
      const key = this.#context.originKey(origin)
      const end = this.#waiting.findIndex((one) => this.#context.originKey(one.origin) !== key)
      const some = this.#waiting.slice(0, end < 0 ? undefined : end)
      const logs = eventLogs(origin, (builder) => {
        for (const one of some) write(builder, one)
      })
      try {
        await this.#context.emit.logs(logs)
      } catch (error) {
        if (!this.#hasFailed)
          this.#context.logger.warn(`The next component refused ${noun}; they wait.`, { error, events: some.length })
        this.#hasFailed = true
        return
      }
      this.#hasFailed = false
      // What came meanwhile stands behind; what was too much was taken from the front.
      const sent = new Set(some)
      this.#waiting = this.#waiting.filter((one) => !sent.has(one))
    }
  }
}
