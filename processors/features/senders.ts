/** Features of each sender: of batches that somebody further on tells apart, none are counted together. */
import { createHash } from 'node:crypto'
import type { Context } from '../../pipeline/component.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import type { Config } from './config.ts'
import { Features } from './features.ts'
import { PaneJournal } from './journal.ts'
import { Taken } from './taken.ts'

/** Each has entities of its own, `max_entities` of them. */
const mostSenders = 100

export interface Sender {
  readonly key: string
  readonly origin: Origin
  readonly features: Features
  readonly journal: PaneJournal | undefined
}
export interface SavedSenders {
  readonly version: 1
  readonly senders: readonly {
    readonly key: string
    readonly origin: Origin
    readonly state: ReturnType<Features['save']>
  }[]
}

export class Senders {
  private readonly settings: Config
  private readonly context: Context
  private readonly byKey = new Map<string, Sender>()
  /** Those whose batches would have another key now, since when: a reload changed what is read further on. */
  private readonly leftAt = new Map<Sender, number>()

  constructor(settings: Config, context: Context) {
    this.settings = settings
    this.context = context
  }

  all(): Iterable<Sender> {
    return this.byKey.values()
  }

  /** Over all of them. */
  sum(of: (sender: Sender) => number): number {
    let sum = 0
    for (const sender of this.byKey.values()) sum += of(sender)
    return sum
  }

  /** Undefined where there is no room. Reads what the sender's journal has when it is met first. */
  async of({ origin, count }: Metrics): Promise<Sender | undefined> {
    const key = this.context.originKey(origin)
    const known = this.byKey.get(key)
    if (known !== undefined) return known
    if (this.byKey.size >= mostSenders) {
      this.context.dropped(count, 'sender_limit', 'lost')
      return undefined
    }
    const sender = this.make(key, origin)
    await sender.journal?.open(false)
    this.byKey.set(key, sender)
    return sender
  }

  /** Those of a predecessor. Where nobody is told apart there is one sender, whose journal is read at once. */
  async start(): Promise<void> {
    for (const { journal } of this.byKey.values()) await journal?.open(true)
    if (this.settings.storage === undefined || this.byKey.size > 0) return
    const sender = this.make('', undefined)
    if (!this.isCurrent(sender)) return
    await sender.journal?.open(false)
    this.byKey.set('', sender)
  }

  async look(emit: (batches: AsyncIterable<Metrics>) => Promise<void>): Promise<void> {
    for (const sender of this.byKey.values()) {
      if (!this.isCurrent(sender)) {
        await this.leave(sender)
        continue
      }
      this.leftAt.delete(sender)
      await emit(sender.features.advance())
      await sender.journal?.write(new Taken(0, 0))
    }
  }

  save(): SavedSenders {
    const senders = [...this.byKey.values()].map(({ key, origin, features }) => ({
      key,
      origin,
      state: features.save(),
    }))
    return { version: 1, senders }
  }

  restore({ version, senders }: Partial<SavedSenders>): void {
    if (version !== 1 || senders === undefined) throw new Error(`state of version ${String(version)} is not known here`)
    for (const { key, origin, state } of senders) {
      const sender = this.make(key, origin)
      sender.features.restore(state)
      this.byKey.set(key, sender)
    }
  }

  async close(): Promise<void> {
    for (const { journal } of this.byKey.values()) await journal?.close()
  }

  private isCurrent({ key, origin }: Sender): boolean {
    return this.context.originKey(origin) === key
  }

  /** Nothing can come for it any more, which is no silence: its time stands still, and after a while, if no reload brings it back, it is forgotten. */
  private async leave(sender: Sender): Promise<void> {
    const { clock, logger } = this.context
    const leftAtMs = this.leftAt.get(sender) ?? clock.nowMs()
    this.leftAt.set(sender, leftAtMs)
    if (clock.nowMs() - leftAtMs < this.settings.idle_timeout) return
    this.leftAt.delete(sender)
    this.byKey.delete(sender.key)
    await sender.journal?.forget()
    logger.info('Senders are told apart in another way since a reload; the features of before were let go of.', {
      entities: sender.features.entities.size,
    })
  }

  private make(key: string, origin: Origin | undefined): Sender {
    const { settings, context } = this
    const from = key === '' ? undefined : origin
    const features = new Features(settings, context, from)
    const name = key === '' ? 'panes' : `panes ${createHash('sha256').update(key).digest('hex').slice(0, 16)}`
    const journal =
      settings.storage === undefined ? undefined : new PaneJournal(settings.storage, context, features, name)
    return { key, origin: from ?? { metadata: new Map() }, features, journal }
  }
}
