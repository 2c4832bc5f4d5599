/** How the entities that spans tell of are named. The same thing has the same name whoever calls it. */
import { queryWithoutValues } from './query-text.ts'

const maxName = 256

/** `GET /orders/{id}` by method and route, else the span's name; what looks like an id in a path is not part of it. */
export function operationName(spanName: string, method: string, route: string): string {
  if (route !== '') return cut(method === '' || method === '_OTHER' ? route : `${method} ${route}`)
  return cut(spanName.includes('/') ? spanName.replace(idSegment, '/{id}') : spanName)
}
/** A part of a path that is a number, a UUID, or 16 or more hexadecimal digits; and with the first `?` all that follows. */
const idSegment =
  /\/(?:\d+|[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?=[/?#\s]|$)/g

/** Without the port where it is the one that everybody uses. */
export function addressName(address: string, port: string, system: string): string {
  return port === '' || port === '0' || port === (defaultPorts[system] ?? '') || webPorts.has(port)
    ? cut(address)
    : cut(`${address}:${port}`)
}
const webPorts = new Set(['80', '443'])
const defaultPorts: Readonly<Record<string, string>> = {
  postgresql: '5432',
  mysql: '3306',
  mariadb: '3306',
  mssql: '1433',
  'microsoft.sql_server': '1433',
  oracle: '1521',
  'oracle.db': '1521',
  mongodb: '27017',
  cassandra: '9042',
  elasticsearch: '9200',
  opensearch: '9200',
  clickhouse: '8123',
  couchbase: '8091',
  neo4j: '7687',
  redis: '6379',
  valkey: '6379',
  memcached: '11211',
}

/** `<address>/<namespace>`, one of the two where they are equal or only one is known, else the name of the system. */
export function databaseName(address: string, namespace: string, peer: string, system: string): string {
  if (address !== '' && namespace !== '' && address !== namespace) return cut(`${address}/${namespace}`)
  return cut(address || namespace || peer || system)
}

/** By the summary, else the text without values, else operation and collection; empty where it says none of them. */
export function queryName(
  summary: string,
  statement: string,
  operation: string,
  collection: string,
  system: string,
): string {
  if (summary !== '') return cut(summary)
  if (statement !== '') return queryWithoutValues(statement, system)
  return cut(`${operation} ${collection}`.trim())
}

const caches = new Set([
  'redis',
  'valkey',
  'keydb',
  'dragonfly',
  'memcached',
  'aws.elasticache',
  'hazelcast',
  'ehcache',
  'infinispan',
  'coherence',
  'ignite',
  'geode',
  'aerospike',
  'cache',
])
export function isCache(system: string): boolean {
  return caches.has(system)
}

function cut(name: string): string {
  return name.length > maxName ? name.slice(0, maxName) : name
}
