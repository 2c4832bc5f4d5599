/** A receiver of one server that is asked for metrics, and for events of its statements. */
import type { Context } from '../component.ts'
import type { Logs, Metrics } from '../data/telemetry.ts'
import { ScrapeController, type Scraper } from './controller.ts'
import { Increments } from './increments.ts'
import type { ScraperSettings } from './scraper-keys.ts'

export interface ServerSettings extends ScraperSettings {
  readonly events: Readonly<Record<string, { readonly enabled: boolean }>>
}

/** Knows what statements were told of, so that a reload does not tell it again. */
export interface RememberingScraper extends Scraper<Logs> {
  save(): Uint8Array
  restore(state: Uint8Array): void
}

/** Opened at the start, asked for what some pipeline takes. */
export interface AskedServer {
  readonly metrics: () => Scraper<Metrics>
  /** By the event's name, in the order in which they are asked. */
  readonly events: Readonly<Record<string, () => Scraper<Logs> | RememberingScraper>>
  close(): Promise<void>
}

export class ServerReceiver {
  readonly #settings: ServerSettings
  readonly #context: Context
  readonly #open: (startUnixNano: bigint) => AskedServer
  readonly #startUnixNano: bigint
  #server: AskedServer | undefined
  #controllers: readonly { start(): void; shutdown(): Promise<void> }[] = []
  #remembering: RememberingScraper | undefined
  #restored: Uint8Array | undefined

  constructor(settings: ServerSettings, context: Context, open: (startUnixNano: bigint) => AskedServer) {
    this.#settings = settings
    this.#context = context
    this.#open = open
    this.#startUnixNano = context.clock.nowUnixNano()
  }

  async start(): Promise<void> {
    const { signals } = this.#context
    const server = this.#open(this.#startUnixNano)
    this.#server = server
    if (signals.has('metrics')) this.#add<Metrics>('metrics', [server.metrics()])
    if (signals.has('logs')) this.#add<Logs>('logs', this.#eventScrapers(server))
    for (const controller of this.#controllers) controller.start()
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#controllers.map((controller) => controller.shutdown()))
    this.#controllers = []
    await this.#server?.close()
    this.#server = undefined
  }

  async save(): Promise<Uint8Array> {
    return this.#remembering?.save() ?? new Uint8Array()
  }

  async restore(state: Uint8Array): Promise<void> {
    if (state.length > 0) new Increments(1).restore(state)
    this.#restored = state
  }

  #add<B extends Metrics | Logs>(signal: B['signal'], scrapers: readonly Scraper<B>[]): void {
    this.#controllers = [...this.#controllers, new ScrapeController<B>(this.#settings, this.#context, signal, scrapers)]
  }

  #eventScrapers(server: AskedServer): readonly Scraper<Logs>[] {
    const { events } = this.#settings
    const scrapers: Scraper<Logs>[] = []
    for (const [event, open] of Object.entries(server.events)) {
      if (events[event]?.enabled !== true) continue
      const scraper = open()
      scrapers.push(scraper)
      if (!('restore' in scraper)) continue
      this.#remembering = scraper
      if (this.#restored !== undefined && this.#restored.length > 0) scraper.restore(this.#restored)
    }
    if (scrapers.length === 0)
      this.#context.logger.warn('The receiver stands in a pipeline of logs, but none of its events is enabled.', {
        events: Object.keys(events),
      })
    return scrapers
  }
}
