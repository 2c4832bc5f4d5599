import { z } from 'zod'
import { duration, list, secret } from '../../pipeline/config/fields.ts'
import { clientTlsKeys } from '../../pipeline/net/tls.ts'
import { eventsKey, metricsKey } from '../../pipeline/scraping/described-metrics.ts'
import { type DescribedAttributes, resourceAttributesKey } from '../../pipeline/scraping/resource-attributes.ts'
import { refuseScraperSettings, scraperShape } from '../../pipeline/scraping/scraper-keys.ts'
import { metrics } from './metrics.ts'

const resourceAttributes = {
  'postgresql.database.name': { enabled: true, description: 'The name of the database.' },
  'postgresql.index.name': { enabled: true, description: 'The name of the index on a table.' },
  'postgresql.schema.name': { enabled: true, description: 'The name of the schema.' },
  'postgresql.table.name': { enabled: true, description: 'The name of the table.' },
  'server.address': { enabled: true, description: 'The address of the server.' },
  'server.port': { enabled: true, type: 'int', description: 'The port of the server.' },
  'service.instance.id': { enabled: true, description: 'What tells this server from others.' },
  'service.name': { enabled: false, description: 'The name of the service; unknown_service:postgresql unless set.' },
  'service.namespace': { enabled: false, description: 'The namespace of the service; empty unless set.' },
} as const satisfies DescribedAttributes

const tls = clientTlsKeys.safeExtend({
  insecure_skip_verify: z.boolean().default(true).describe("TLS, without verifying the server's name and certificate."),
})
const connectionPool = z.strictObject({
  max_idle_time: duration().optional().describe('An idle connection is closed after this long; unset or 0 = never.'),
  max_lifetime: duration().optional().describe('A connection is replaced after this long; unset or 0 = never.'),
  max_idle: z.int().optional().describe('Idle connections to one database that are kept; unset = 2, 0 = none.'),
  max_open: z.int().optional().describe('Connections to one database at once; unset or 0 = 2.'),
})
const querySamples = z.strictObject({
  max_rows_per_query: z.int().default(1_000).describe('Sessions that are read at most.'),
})
const topQueries = z.strictObject({
  max_rows_per_query: z.int().default(1_000).describe('Statements that are read at most, the most called first.'),
  top_n_query: z.int().default(200).describe('Statements that are told at most, by the time they took.'),
  max_explain_each_interval: z.int().default(1_000).describe('Statements that are explained in one collection.'),
  query_plan_cache_size: z.int().default(1_000).describe('Plans that are kept.'),
  query_plan_cache_ttl: duration().prefault('1h').describe('A plan is made anew after this long.'),
  collection_interval: duration()
    .prefault('1m')
    .describe('How often top queries are told: at the first collection that is so much later.'),
})

export const config = z
  .strictObject({
    endpoint: z
      .string()
      .default('localhost:5432')
      .describe('The server as host:port, also for `unix`, where it is the socket `/host/.s.PGSQL.port`.'),
    transport: z.string().default('tcp').describe('tcp or unix.'),
    username: z.string().default('').describe('The role to connect as; pg_monitor is all it must be granted.'),
    password: secret().default('').describe('Its password.'),
    databases: list(z.string()).default([]).describe('Databases to look into; empty = all but templates.'),
    exclude_databases: list(z.string()).default([]).describe('Databases not to look into.'),
    tls: tls.prefault({}).describe('TLS; `insecure: true` turns it off.'),
    connection_pool: connectionPool.prefault({}).describe('Connections that are kept, to each database.'),
    ...scraperShape({ collectionInterval: '10s' }),
    metrics: metricsKey(metrics),
    resource_attributes: resourceAttributesKey(resourceAttributes),
    events: eventsKey({
      'db.server.query_sample': 'The statements that run at the time of a collection, one log record each.',
      'db.server.top_query': 'The statements that took the most time since the collection before.',
    }),
    query_sample_collection: querySamples.prefault({}).describe('Of db.server.query_sample.'),
    top_query_collection: topQueries.prefault({}).describe('Of db.server.top_query.'),
  })
  .superRefine((settings, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    refuseScraperSettings(settings, context)
    if (settings.username === '') refuse(['username'], 'invalid config: missing username')
    if (settings.password === '') refuse(['password'], 'invalid config: missing password')
    for (const [key, name] of unsupported)
      if (settings.tls[key] !== '') refuse(['tls', key], `invalid config: field '${name}' not supported`)
    if (settings.transport !== 'tcp' && settings.transport !== 'unix')
      refuse(['transport'], "invalid config: 'transport' must be 'tcp' or 'unix'")
    else if (splitEndpoint(settings.endpoint) === undefined)
      refuse(
        ['endpoint'],
        "invalid config: 'endpoint' must be in the form <host>:<port> no matter what 'transport' is configured",
      )
  })
const unsupported = [
  ['server_name_override', 'ServerName'],
  ['max_version', 'MaxVersion'],
  ['min_version', 'MinVersion'],
] as const

export type Settings = z.output<typeof config>

/** As Go's `net.SplitHostPort`: an IPv6 address stands in brackets. */
export function splitEndpoint(endpoint: string): { readonly host: string; readonly port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(endpoint)
  return match === null ? undefined : { host: match[1] ?? match[2] ?? '', port: match[3]! }
}
