/** Asks a PostgreSQL server at intervals what its statistics say. */
import { type Context, defineReceiver } from '../../pipeline/component.ts'
import type { Logs, Metrics } from '../../pipeline/data/telemetry.ts'
import { Complaints } from '../../pipeline/scraping/complaints.ts'
import { ScrapeController, type Scraper } from '../../pipeline/scraping/controller.ts'
import { Increments } from '../../pipeline/scraping/increments.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { config, type Settings } from './config.ts'
import { Connections } from './connections.ts'
import { type EventWorld, QuerySampleScraper } from './query-samples.ts'
import { resourceOf, shapeOf } from './resource.ts'
import { MetricScraper, newRecorder } from './scrape-metrics.ts'
import { TopQueryScraper } from './top-queries.ts'

const scopeName = 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/postgresqlreceiver'

export default defineReceiver({
  type: 'postgresql',
  config,
  signals: { metrics: 'beta', logs: 'development' },
  create: (settings, context) => new PostgresReceiver(settings, context),
})

class PostgresReceiver {
  readonly #settings: Settings
  readonly #context: Context
  readonly #startUnixNano: bigint
  #connections: Connections | undefined
  #controllers: readonly { start(): void; shutdown(): Promise<void> }[] = []
  #topQueries: TopQueryScraper | undefined
  #restored: Uint8Array | undefined

  constructor(settings: Settings, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#startUnixNano = context.clock.nowUnixNano()
  }

  async start(): Promise<void> {
    const { clock, engine, logger, signals } = this.#context
    const settings = this.#settings
    const enabled = engine.featureGates.filter((gate) => gate.enabled).map(({ id }) => id)
    const shape = shapeOf(enabled)
    const connections = new Connections(settings)
    this.#connections = connections
    const scope = { name: scopeName, version: engine.build.version }
    const world: EventWorld = {
      settings,
      ask: connections.ask,
      clock,
      complaints: new Complaints(clock, logger),
      shape,
      resource: resourceOf(settings, shape),
      resources: new ResourceMaker(settings.resource_attributes, 'events'),
      scope,
      logger,
    }
    if (signals.has('metrics'))
      this.#add<Metrics>('metrics', [new MetricScraper(world, newRecorder(world, scope, this.#startUnixNano))])
    if (signals.has('logs')) this.#add<Logs>('logs', this.#eventScrapers(world, connections))
    for (const controller of this.#controllers) controller.start()
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#controllers.map((controller) => controller.shutdown()))
    this.#controllers = []
    await this.#connections?.close()
    this.#connections = undefined
  }

  /** What statements were told of, so that a reload does not tell it again. */
  async save(): Promise<Uint8Array> {
    return this.#topQueries?.save() ?? new Uint8Array()
  }

  async restore(state: Uint8Array): Promise<void> {
    if (state.length > 0) new Increments(1).restore(state)
    this.#restored = state
  }

  #add<B extends Metrics | Logs>(signal: B['signal'], scrapers: readonly Scraper<B>[]): void {
    this.#controllers = [...this.#controllers, new ScrapeController<B>(this.#settings, this.#context, signal, scrapers)]
  }

  #eventScrapers(world: EventWorld, connections: Connections): readonly Scraper<Logs>[] {
    const { events } = this.#settings
    const scrapers: Scraper<Logs>[] = []
    if (events['db.server.query_sample'].enabled) scrapers.push(new QuerySampleScraper(world))
    if (events['db.server.top_query'].enabled) {
      this.#topQueries = new TopQueryScraper(world, (...args) => connections.explain(...args))
      if (this.#restored !== undefined && this.#restored.length > 0) this.#topQueries.restore(this.#restored)
      scrapers.push(this.#topQueries)
    }
    if (scrapers.length === 0)
      world.logger.warn('The receiver stands in a pipeline of logs, but none of its events is enabled.', {
        events: Object.keys(events),
      })
    return scrapers
  }
}
