/** Keeps the templates in a storage extension, so that a restart knows them. */
import { StoredState } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Annotator } from './annotate.ts'
import type { Config } from './config.ts'

const key = 'templates'
const defaultIntervalMs = 60_000

export class Keeping {
  private readonly context: Context
  private readonly annotator: Annotator
  private readonly stored: StoredState
  private readonly intervalMs: number
  private stopTimer: (() => void) | undefined

  constructor(extension: string, settings: Config, context: Context, annotator: Annotator) {
    this.context = context
    this.annotator = annotator
    this.intervalMs = settings.save_interval ?? defaultIntervalMs
    const name = `${context.pipeline ?? ''} ${key}`.trim()
    this.stored = new StoredState(context, { extension, name, key, what: key, otherwise: 'they are learned anew' })
  }

  /** `isRestored`: a predecessor handed its templates on, which are newer than those of the store. */
  async start(isRestored: boolean): Promise<void> {
    const restore = (bytes: Uint8Array) => this.annotator.restore(JSON.parse(Buffer.from(bytes).toString('utf8')))
    await this.stored.open(isRestored ? undefined : restore)
    if (this.intervalMs > 0) this.stopTimer = this.context.clock.every(this.intervalMs, () => this.write())
  }

  async shutdown(): Promise<void> {
    this.stopTimer?.()
    this.stopTimer = undefined
    await this.write()
    await this.stored.close()
  }

  private async write(): Promise<void> {
    if (!this.annotator.hasChanged) return
    const isWritten = await this.stored.write(() => Buffer.from(JSON.stringify(this.annotator.save())))
    if (!isWritten) this.annotator.hasChanged = true
  }
}
