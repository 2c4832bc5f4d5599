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
    await sender.journal?.open(false)
    this.byKey.set('', sender)
  }

  async look(emit: (batches: AsyncIterable<Metrics>) => Promise<void>): Promise<void> {
    for (const { features, journal } of this.byKey.values()) {
      await emit(features.advance())
      await journal?.write(new Taken(0, 0))
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
