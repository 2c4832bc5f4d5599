/** Runs the scrapers of a receiver at intervals, as upstream's `scraperhelper`: its keys, its metrics, and never two collections at a time. */
import { type Context, Rejected } from '../component.ts'
import { itemNoun, type Logs, type Metrics } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import type { Counter } from '../telemetry/meter.ts'
import { Complaints } from './complaints.ts'
import type { ScraperSettings } from './scraper-keys.ts'

/** What one collection gave. A collection of which nothing came throws instead. */
export interface Scraped<B extends Metrics | Logs> {
  /** Absent = there was nothing to send. */
  readonly batch: B | undefined
  /** As upstream counts: metrics, or log records. */
  readonly scraped: number
  /** How much could not be read, in the same unit. */
  readonly errored: number
}
export interface Scraper<B extends Metrics | Logs> {
  readonly name: string
  /** `signal` aborts when the time is over, or when the receiver stops. */
  scrape(signal: AbortSignal): Promise<Scraped<B>>
}

export class ScrapeController<B extends Metrics | Logs> {
  readonly #settings: ScraperSettings
  readonly #context: Context
  readonly #signal: B['signal']
  readonly #scrapers: readonly Scraper<B>[]
  readonly #scraped: Counter
  readonly #errored: Counter
  readonly #complaints: Complaints
  readonly #failing = new Set<string>()
  #stopTimer: (() => void) | undefined
  #stopping: AbortController | undefined
  #running: Promise<void> | undefined

  constructor(settings: ScraperSettings, context: Context, signal: B['signal'], scrapers: readonly Scraper<B>[]) {
    this.#settings = settings
    this.#context = context
    this.#signal = signal
    this.#scrapers = scrapers
    this.#complaints = new Complaints(context.clock, context.logger)
    const noun = itemNoun[signal]
    const things = signal === 'metrics' ? 'metric points' : 'log records'
    this.#scraped = context.meter.counter(
      `otelcol_scraper_scraped_${noun}`,
      `Number of ${things} successfully scraped. [Alpha]`,
    )
    this.#errored = context.meter.counter(
      `otelcol_scraper_errored_${noun}`,
      `Number of ${things} that were unable to be scraped. [Alpha]`,
    )
  }

  start(): void {
    const { clock } = this.#context
    const { initial_delay, collection_interval } = this.#settings
    this.#stopping = new AbortController()
    this.#stopTimer = clock.after(Math.max(0, initial_delay), () => {
      this.#stopTimer = clock.every(collection_interval, () => this.#run())
      return this.#run()
    })
  }

  /** Ends the collection that is under way; what it had read is collected anew by whoever comes next. */
  async shutdown(): Promise<void> {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#stopping?.abort()
    await this.#running
  }

  /** A tick that comes while the last collection is still under way is left out. */
  #run(): Promise<void> {
    this.#running ??= this.#scrapeAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #scrapeAll(): Promise<void> {
    for (const scraper of this.#scrapers) {
      if (this.#stopping?.signal.aborted) return
      const batch = await this.#scrapeOne(scraper)
      if (batch !== undefined && batch.count > 0) await this.#send(batch)
    }
  }

  async #scrapeOne(scraper: Scraper<B>): Promise<B | undefined> {
    const { id, clock } = this.#context
    const labels = { receiver: id, scraper: scraper.name }
    const what = `The scraper ${scraper.name} of ${this.#signal} read nothing.`
    const timeout = new AbortController()
    const { timeout: timeoutMs } = this.#settings
    const stopTimeout =
      timeoutMs > 0
        ? clock.after(timeoutMs, () => timeout.abort(new Error(`the collection took longer than ${timeoutMs} ms`)))
        : undefined
    const stopping = this.#stopping!.signal
    try {
      const { batch, scraped, errored } = await scraper.scrape(AbortSignal.any([stopping, timeout.signal]))
      this.#scraped.add(scraped, labels)
      this.#errored.add(errored, labels)
      this.#complaints.worked(what)
      this.#health(scraper.name)
      return batch
    } catch (error) {
      // Both are there from the first failure on, as upstream has them.
      this.#scraped.add(0, labels)
      this.#errored.add(0, labels)
      if (!stopping.aborted) {
        this.#complaints.failed(what, error)
        this.#health(scraper.name, error)
      }
      return undefined
    } finally {
      stopTimeout?.()
    }
  }

  #health(scraper: string, error?: unknown): void {
    const wasFailing = this.#failing.size > 0
    if (error === undefined) this.#failing.delete(scraper)
    else this.#failing.add(scraper)
    if (this.#failing.size > 0) this.#context.status('recoverable', errorMessage(error))
    else if (wasFailing) this.#context.status('ok')
  }

  /** What the pipeline refuses is lost, as upstream: the next collection has newer values. */
  async #send(batch: B): Promise<void> {
    const what = `What was collected (${this.#signal}) was refused.`
    try {
      if (batch.signal === 'metrics') await this.#context.emit.metrics(batch)
      else await this.#context.emit.logs(batch)
      this.#complaints.worked(what)
    } catch (error) {
      const left = (error instanceof Rejected ? error.remaining?.count : undefined) ?? batch.count
      this.#context.dropped(left, 'refused_downstream', 'lost')
      this.#complaints.failed(what, error)
    }
  }
}
