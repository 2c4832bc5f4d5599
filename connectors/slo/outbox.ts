/** Events that wait until they are accepted: an alert that the next component refuses is sent again. */
import type { Context } from '../../pipeline/component.ts'
import { LogsBuilder } from '../../pipeline/data/builders.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { type Anomaly, writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'

export interface Waiting {
  readonly originKey: string
  readonly origin: Origin
  readonly anomaly: Anomaly
}

const maxWaiting = 10_000

export class Outbox {
  private readonly context: Context
  private waiting: Waiting[] = []
  private sending: Promise<void> = Promise.resolve()

  constructor(context: Context) {
    this.context = context
  }

  get size(): number {
    return this.waiting.length
  }

  /** When full, the oldest goes: what is newer is nearer to what is. */
  add(event: Waiting): void {
    if (!this.context.outputs.has('logs')) return
    this.waiting.push(event)
    if (this.waiting.length <= maxWaiting) return
    this.waiting.shift()
    this.context.dropped(1, 'outbox_full', 'lost')
  }

  /** Sends what waits, in order; what is refused waits on. */
  send(): Promise<void> {
    this.sending = this.sending.then(() => this.sendAll())
    return this.sending
  }

  /** What nobody has taken, for a successor. Wait for `send` before. */
  take(): readonly Waiting[] {
    const taken = this.waiting
    this.waiting = []
    return taken
  }
  restore(waiting: readonly Waiting[]): void {
    this.waiting = [...waiting, ...this.waiting].slice(-maxWaiting)
  }
  /** What waits, without taking it. */
  peek(): readonly Waiting[] {
    return this.waiting
  }

  /** Counts what is left as lost. */
  giveUp(): void {
    if (this.waiting.length > 0) this.context.dropped(this.waiting.length, 'refused_downstream', 'lost')
    this.waiting = []
  }

  private async sendAll(): Promise<void> {
    if (this.waiting.length === 0) return
    const byOrigin = Map.groupBy(this.waiting, ({ originKey }) => originKey)
    for (const events of byOrigin.values()) {
      const builder = new LogsBuilder(events[0]!.origin)
      for (const { anomaly } of events) writeAnomaly(builder, anomaly)
      try {
        await this.context.emit.logs(builder.build())
        this.waiting = this.waiting.filter((one) => !events.includes(one))
      } catch (error) {
        this.context.logger.warn('The next component refused SLO events; they are sent again.', {
          error,
          events: events.length,
        })
      }
    }
  }
}
