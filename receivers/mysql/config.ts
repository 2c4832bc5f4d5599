import { z } from 'zod'
import { duration, secret } from '../../pipeline/config/fields.ts'
import { clientTlsKeys } from '../../pipeline/net/tls.ts'
import { eventsKey, metricsKey } from '../../pipeline/scraping/described-metrics.ts'
import { type DescribedAttributes, resourceAttributesKey } from '../../pipeline/scraping/resource-attributes.ts'
import { refuseScraperSettings, scraperShape } from '../../pipeline/scraping/scraper-keys.ts'
import { metrics } from './metrics.ts'

const resourceAttributes = {
  'db.system.name': { enabled: false, description: 'mysql or mariadb, as the server says.' },
  'db.system.version': { enabled: false, description: 'The version of the server.' },
  'mysql.instance.endpoint': { enabled: true, description: 'The endpoint.' },
  'service.instance.id': { enabled: true, description: 'What tells this server from others: a UUID of the endpoint.' },
  'service.name': { enabled: false, description: 'The name of the service; unknown_service:mysql unless set.' },
  'service.namespace': { enabled: false, description: 'The namespace of the service; empty unless set.' },
} as const satisfies DescribedAttributes

const count = () => z.int().min(0)
const statementEvents = z.strictObject({
  digest_text_limit: z.int().default(120).describe('How much of a statement is in `digest_text`, in characters.'),
  limit: z.int().default(250).describe('Statements at most, those that took the most time first.'),
  time_limit: duration().prefault('24h').describe('Statements that were last seen before are left out.'),
})
const topQueries = z.strictObject({
  lookback_time: count().default(60).describe('Statements that were last seen so many seconds ago are left out.'),
  max_query_sample_count: count().default(1_000).describe('Statements that are read at most, the most called first.'),
  top_query_count: count().default(200).describe('Statements that are told at most, by the time they took.'),
  collection_interval: duration()
    .prefault('1m')
    .describe('How often top queries are told: at the first collection that is so much later.'),
  query_plan_cache_size: z.int().default(1_000).describe('Plans that are kept.'),
  query_plan_cache_ttl: duration().prefault('1h').describe('A plan is made anew after this long.'),
})
const querySamples = z.strictObject({
  max_rows_per_query: count().default(100).describe('Sessions that are read at most.'),
})

export const config = z
  .strictObject({
    endpoint: z.string().default('localhost:3306').describe('The server as host:port, or the path of its socket.'),
    transport: z
      .enum(['tcp', 'tcp4', 'tcp6', 'unix'], {
        error: ({ input }) => `unsupported transport type ${JSON.stringify(input)}; MySQL is reached by tcp or unix`,
      })
      .default('tcp')
      .describe('tcp or unix.'),
    username: z.string().default('root').describe('The user to connect as.'),
    password: secret().default('').describe('Its password.'),
    database: z.string().default('').describe('The database to connect to; the statistics are of all of them.'),
    allow_native_passwords: z.boolean().default(true).describe('Whether `mysql_native_password` is good enough.'),
    tls: clientTlsKeys.prefault({ insecure: true }).describe('TLS; without this section there is none.'),
    ...scraperShape({ collectionInterval: '10s' }),
    metrics: metricsKey(metrics),
    resource_attributes: resourceAttributesKey(resourceAttributes),
    events: eventsKey({
      'db.server.query_sample': 'The statements that run at the time of a collection, one log record each.',
      'db.server.top_query': 'The statements that took the most time since the collection before.',
    }),
    statement_events: statementEvents.prefault({}).describe('Of `mysql.statement_event.*`.'),
    top_query_collection: topQueries.prefault({}).describe('Of db.server.top_query.'),
    query_sample_collection: querySamples.prefault({}).describe('Of db.server.query_sample.'),
  })
  .superRefine(refuseScraperSettings)

export type Settings = z.output<typeof config>

/** Without a port it is 3306; an IPv6 address stands in brackets. */
export function splitEndpoint(endpoint: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(endpoint)
  return { host: match?.[1] ?? match?.[2] ?? endpoint, port: Number(match?.[3] || 3306) }
}
