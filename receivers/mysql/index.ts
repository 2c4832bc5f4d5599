/** Asks a MySQL or MariaDB server at intervals what its status and its performance schema say. */
import { type Context, defineReceiver } from '../../pipeline/component.ts'
import type { Logs, Metrics } from '../../pipeline/data/telemetry.ts'
import { Complaints } from '../../pipeline/scraping/complaints.ts'
import { ScrapeController, type Scraper } from '../../pipeline/scraping/controller.ts'
import { Increments } from '../../pipeline/scraping/increments.ts'
import { instanceId, isLoopback, namedEndpoint } from '../../pipeline/scraping/instance-id.ts'
import { MetricRecorder } from '../../pipeline/scraping/metric-recorder.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { config, type Settings, splitEndpoint } from './config.ts'
import { Connections } from './connections.ts'
import { type EventWorld, QuerySampleScraper, TopQueryScraper } from './events.ts'
import { type MetricName, metrics } from './metrics.ts'
import { Plans } from './plans.ts'
import { MetricScraper, type World } from './scrape-metrics.ts'

const scopeName = 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/mysqlreceiver'

export default defineReceiver({
  type: 'mysql',
  config,
  signals: { metrics: 'beta', logs: 'development' },
  create: (settings, context) => new MySqlReceiver(settings, context),
})

/** What resources say of the server. */
export function resourceOf({ endpoint, transport }: Settings): World['resource'] {
  const { host, port } = splitEndpoint(endpoint)
  const isLocal = transport !== 'unix' && (host === 'localhost' || isLoopback(host))
  const id = instanceId(isLocal ? namedEndpoint(host, String(port)) : endpoint)
  return ({ isMariaDb, text }) => ({
    'mysql.instance.endpoint': endpoint,
    'service.instance.id': id,
    'service.name': 'unknown_service:mysql',
    'service.namespace': '',
    'db.system.name': text === '' ? undefined : isMariaDb ? 'mariadb' : 'mysql',
    'db.system.version': text === '' ? undefined : text,
  })
}

class MySqlReceiver {
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
    const connections = new Connections(settings)
    this.#connections = connections
    const { query_plan_cache_size: size, query_plan_cache_ttl: ttlMs } = settings.top_query_collection
    const scope = { name: scopeName, version: engine.build.version }
    const world: EventWorld = {
      settings,
      ask: connections.ask,
      version: (signal) => connections.version(signal),
      clock,
      complaints: new Complaints(clock, logger),
      resource: resourceOf(settings),
      resources: new ResourceMaker(settings.resource_attributes, 'events'),
      scope,
      plans: new Plans((...args) => connections.explain(...args), logger, { size, ttlMs, nowMs: () => clock.nowMs() }),
    }
    if (signals.has('metrics')) {
      const resources = new ResourceMaker(settings.resource_attributes, 'metrics')
      const startUnixNano = this.#startUnixNano
      const recorder = new MetricRecorder<MetricName>(metrics, settings.metrics, { resources, scope, startUnixNano })
      this.#add<Metrics>('metrics', [new MetricScraper(world, recorder)])
    }
    if (signals.has('logs')) this.#add<Logs>('logs', this.#eventScrapers(world))
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

  #eventScrapers(world: EventWorld): readonly Scraper<Logs>[] {
    const { events } = this.#settings
    const scrapers: Scraper<Logs>[] = []
    if (events['db.server.top_query'].enabled) {
      this.#topQueries = new TopQueryScraper(world)
      if (this.#restored !== undefined && this.#restored.length > 0) this.#topQueries.restore(this.#restored)
      scrapers.push(this.#topQueries)
    }
    if (events['db.server.query_sample'].enabled) scrapers.push(new QuerySampleScraper(world))
    if (scrapers.length === 0)
      this.#context.logger.warn('The receiver stands in a pipeline of logs, but none of its events is enabled.', {
        events: Object.keys(events),
      })
    return scrapers
  }
}
