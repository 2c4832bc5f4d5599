/** Keeps the templates in a storage extension, so that a restart knows them. */
import { type KeyValueStore, storage } from '../../pipeline/capability/storage.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Annotator } from './annotate.ts'
import type { Config } from './config.ts'

const name = 'templates'
const defaultIntervalMs = 60_000

export class Keeping {
  private readonly context: Context
  private readonly annotator: Annotator
  private readonly extension: string
  private readonly intervalMs: number
  private store: KeyValueStore | undefined
  private stopTimer: (() => void) | undefined

  constructor(extension: string, settings: Config, context: Context, annotator: Annotator) {
    this.context = context
    this.annotator = annotator
    this.extension = extension
    this.intervalMs = settings.save_interval ?? defaultIntervalMs
  }

  /** `isRestored`: a predecessor handed its templates on, which are newer than those of the store. */
  async start(isRestored: boolean): Promise<void> {
    const { id, pipeline = '', clock } = this.context
    this.store = await this.find().keyValue({ kind: 'processor', id, name: `${pipeline} ${name}`.trim() })
    if (!isRestored) this.load(this.store)
    if (this.intervalMs > 0) this.stopTimer = clock.every(this.intervalMs, () => this.write())
  }

  async shutdown(): Promise<void> {
    this.stopTimer?.()
    this.stopTimer = undefined
    await this.write()
    await this.store?.close()
    this.store = undefined
  }

  private find() {
    try {
      return this.context.extension(storage, this.extension)
    } catch (cause) {
      throw new Error(
        `no storage extension "${this.extension}": add one like file_storage to extensions and to service::extensions`,
        { cause },
      )
    }
  }

  /** What cannot be read costs what was learned, never the start. */
  private load(store: KeyValueStore): void {
    const bytes = store.get(name)
    if (bytes === undefined) return
    try {
      this.annotator.restore(JSON.parse(Buffer.from(bytes).toString('utf8')))
    } catch (error) {
      this.context.logger.warn('The stored templates could not be read; they are learned anew.', { error })
    }
  }

  private async write(): Promise<void> {
    if (this.store === undefined || !this.annotator.hasChanged) return
    try {
      await this.store.set(name, Buffer.from(JSON.stringify(this.annotator.save())))
    } catch (error) {
      this.annotator.hasChanged = true
      this.context.logger.warn('The templates could not be stored; it is tried again.', { error })
    }
  }
}
