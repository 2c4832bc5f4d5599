/** Metrics that a component sends of its own accord, whose senders were answered long ago: one batch after another, and what is refused is lost. */
import type { Context } from './component.ts'
import type { Metrics } from './data/telemetry.ts'

export class SentLater {
  private readonly context: Pick<Context, 'emit' | 'dropped' | 'logger'>
  private readonly what: string
  private last: Promise<void> = Promise.resolve()

  /** `what` it is, for the log: `metrics of spans`. */
  constructor(context: Pick<Context, 'emit' | 'dropped' | 'logger'>, what: string) {
    this.context = context
    this.what = what
  }

  /** Never rejects. `write` runs when all before has gone, so that a slow receiver costs the memory of one batch. */
  send(points: number, write: () => Metrics | Promise<Metrics>): Promise<void> {
    this.last = this.last
      .then(async () => this.context.emit.metrics(await write()))
      .catch((error: unknown) => {
        this.context.dropped(points, 'refused_downstream', 'lost')
        this.context.logger.error(`The next component refused ${this.what}; they are lost.`, { error, points })
      })
    return this.last
  }

  /** When all of it has gone. */
  settled(): Promise<void> {
    return this.last
  }
}
