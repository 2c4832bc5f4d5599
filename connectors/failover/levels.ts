/** The levels, and the one that data goes to at present. */
import { type Context, Rejected } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'

export interface Level {
  readonly pipelines: readonly string[]
  /** Resolves when all of its pipelines have accepted the batch. */
  send(batch: Batch): Promise<void>
}

export class Levels {
  private readonly levels: readonly Level[]
  private readonly retryMs: number
  private readonly context: Pick<Context, 'clock' | 'logger' | 'status'>
  private at = 0
  /** Counts the changes of `at`, so that a batch that was under way meanwhile does not undo one. */
  private changes = 0
  /** The next batch tries the levels above. */
  private isRetryDue = false
  private stopRetries: (() => void) | undefined

  constructor(levels: readonly Level[], retryMs: number, context: Pick<Context, 'clock' | 'logger' | 'status'>) {
    this.levels = levels
    this.retryMs = retryMs
    this.context = context
  }

  /** From 0, the preferred one. */
  get current(): number {
    return this.at
  }

  get currentPipelines(): readonly string[] {
    return this.levels[this.at]?.pipelines ?? []
  }

  /** Goes on at the level of these pipelines, if there still is one. */
  resume(pipelines: readonly string[]): void {
    const level = this.levels.findIndex((one) => one.pipelines.join() === pipelines.join())
    if (level > 0) this.move(level)
  }

  /** Throws a `Rejected` when no level from the present one on takes the batch. */
  async send(batch: Batch): Promise<void> {
    if (this.isRetryDue) {
      this.isRetryDue = false
      if (await this.sendAbove(batch)) return
    }
    const { at, changes } = this
    const refusals: Rejected[] = []
    for (let level = at; level < this.levels.length; level++) {
      const refusal = await this.refusalOf(level, batch)
      if (refusal === undefined) {
        // Only now: a batch that no level takes says nothing about the levels.
        if (level > at && changes === this.changes) {
          this.context.logger.warn('failed over to a lower priority level', {
            level: level + 1,
            pipelines: this.levels[level]?.pipelines,
            error: refusals[0]?.message,
          })
          this.move(level)
        }
        return
      }
      refusals.push(refusal)
    }
    const last = refusals.at(-1)
    throw new Rejected(`All provided pipelines return errors: ${last?.message}`, {
      retryable: refusals.some(({ retryable }) => retryable),
      ...(last?.retryAfterMs === undefined ? {} : { retryAfterMs: last.retryAfterMs }),
      cause: last,
    })
  }

  stop(): void {
    this.stopRetries?.()
    this.stopRetries = undefined
    this.isRetryDue = false
  }

  private async sendAbove(batch: Batch): Promise<boolean> {
    for (let level = 0; level < this.at; level++) {
      if ((await this.refusalOf(level, batch)) !== undefined) continue
      this.context.logger.info('returned to a higher priority level', {
        level: level + 1,
        pipelines: this.levels[level]?.pipelines,
      })
      this.move(level)
      return true
    }
    return false
  }

  private async refusalOf(level: number, batch: Batch): Promise<Rejected | undefined> {
    try {
      await this.levels[level]?.send(batch)
      return undefined
    } catch (error) {
      if (error instanceof Rejected) return error
      throw error
    }
  }

  private move(level: number): void {
    this.at = level
    this.changes++
    if (level === 0) {
      this.stop()
      this.context.status('ok')
      return
    }
    this.context.status('recoverable', `priority level ${level + 1} is in use`)
    this.stopRetries ??= this.context.clock.every(this.retryMs, () => {
      this.isRetryDue = true
    })
  }
}
