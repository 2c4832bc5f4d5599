/** Asks a PostgreSQL server at intervals what its statistics say. */
import { type Context, defineReceiver } from '../../pipeline/component.ts'
import { Complaints } from '../../pipeline/scraping/complaints.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { type AskedServer, ServerReceiver } from '../../pipeline/scraping/server-receiver.ts'
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
  create: (settings, context) =>
    new ServerReceiver(settings, context, (startUnixNano) => askedServer(settings, context, startUnixNano)),
})

function askedServer(settings: Settings, { clock, engine, logger }: Context, startUnixNano: bigint): AskedServer {
  const enabled = engine.featureGates.filter((gate) => gate.enabled).map(({ id }) => id)
  const shape = shapeOf(enabled)
  const connections = new Connections(settings)
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
  return {
    metrics: () => new MetricScraper(world, newRecorder(world, scope, startUnixNano)),
    events: {
      'db.server.query_sample': () => new QuerySampleScraper(world),
      'db.server.top_query': () => new TopQueryScraper(world, (...args) => connections.explain(...args)),
    },
    close: () => connections.close(),
  }
}
