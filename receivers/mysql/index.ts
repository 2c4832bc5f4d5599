/** Asks a MySQL or MariaDB server at intervals what its status and its performance schema say. */
import { type Context, defineReceiver } from '../../pipeline/component.ts'
import { Complaints } from '../../pipeline/scraping/complaints.ts'
import { instanceId, isLoopback, namedEndpoint } from '../../pipeline/scraping/instance-id.ts'
import { MetricRecorder } from '../../pipeline/scraping/metric-recorder.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { type AskedServer, ServerReceiver } from '../../pipeline/scraping/server-receiver.ts'
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
  create: (settings, context) =>
    new ServerReceiver(settings, context, (startUnixNano) => askedServer(settings, context, startUnixNano)),
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

function askedServer(settings: Settings, { clock, engine, logger }: Context, startUnixNano: bigint): AskedServer {
  const connections = new Connections(settings)
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
  return {
    metrics: () => {
      const resources = new ResourceMaker(settings.resource_attributes, 'metrics')
      const recorder = new MetricRecorder<MetricName>(metrics, settings.metrics, { resources, scope, startUnixNano })
      return new MetricScraper(world, recorder)
    },
    events: {
      'db.server.top_query': () => new TopQueryScraper(world),
      'db.server.query_sample': () => new QuerySampleScraper(world),
    },
    close: () => connections.close(),
  }
}
