/** Events that wait until what follows takes them, in their order. */
import type { Context } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Feedback, writeFeedback } from '../../pipeline/vocabulary/feedback.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'

export interface Waiting {
  readonly origin: Origin
  readonly incident?: Incident
  /** What follows from a person's word about an incident, for the entities that it is about. */
  readonly feedback?: Feedback
}

/** The oldest make room, and are lost: each incident's newest revision says all there is. */
const maxWaiting = 5_000

export class Outbox {
  readonly #context: Context
  #waiting: Waiting[] = []
  #sending: Promise<void> | undefined
  #hasFailed = false

  constructor(context: Context) {
    this.#context = context
  }

  get size(): number {
    return this.#waiting.length
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting)
    const excess = this.#waiting.length - maxWaiting
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.#context.dropped(excess, 'queue_full', 'lost')
  }

  /** Sends what waits; resolves when it is gone or refused. Never rejects: what is refused waits for the next call. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  save(): readonly Waiting[] {
    return this.#waiting
  }
  restore(waiting: readonly Waiting[]): void {
    this.#waiting = [...waiting, ...this.#waiting].slice(-maxWaiting)
  }
  clear(): void {
    this.#waiting = []
  }

  /** The engine closes: what nobody takes now is lost, but for what is stored. */
  async close(isStored: boolean): Promise<void> {
    await this.flush()
    if (this.#waiting.length === 0 || isStored) return
    this.#context.dropped(this.#waiting.length, 'refused_downstream', 'lost')
    this.#waiting = []
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { origin } = this.#waiting[0] as Waiting
      const key = this.#context.originKey(origin)
      const end = this.#waiting.findIndex((one) => this.#context.originKey(one.origin) !== key)
      const some = this.#waiting.slice(0, end < 0 ? undefined : end)
      const logs = eventLogs(origin, (builder) => {
        for (const { incident, feedback } of some) {
          if (incident !== undefined) writeIncident(builder, incident)
          if (feedback !== undefined) writeFeedback(builder, feedback)
        }
      })
      try {
        await this.#context.emit.logs(logs)
      } catch (error) {
        if (!this.#hasFailed)
          this.#context.logger.warn('The next component refused incidents; they wait.', { error, events: some.length })
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
