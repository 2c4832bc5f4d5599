/** What resources say of the server, in the two shapes that upstream has: one for each thing in it, or one for all of it. */
import { hostname } from 'node:os'
import { instanceId, isLoopback, namedEndpoint } from '../../pipeline/scraping/instance-id.ts'
import { type Settings, splitEndpoint } from './config.ts'

export interface Shape {
  /** One resource for the whole server; databases, tables and indexes are attributes of points. */
  readonly isFlat: boolean
  /** The schema apart from the table's name. */
  readonly hasSchema: boolean
}
const gates = { flat: 'receiver.postgresql.useOTelSemconv', schema: 'receiver.postgresql.separateSchemaAttr' }

/** Throws in upstream's words when both are on. */
export function shapeOf(enabledGates: readonly string[]): Shape {
  const shape = { isFlat: enabledGates.includes(gates.flat), hasSchema: enabledGates.includes(gates.schema) }
  if (shape.isFlat && shape.hasSchema)
    throw new Error(`feature gates ${gates.schema} and ${gates.flat} are mutually exclusive and cannot both be enabled`)
  return shape
}

export interface Place {
  readonly database?: string
  readonly schema?: string
  readonly table?: string
  readonly index?: string
}
export type ResourceValues = Readonly<Record<string, string | number | undefined>>

/** Of a thing in the server; of the server itself without one. */
export function resourceOf(settings: Settings, { isFlat, hasSchema }: Shape): (place?: Place) => ResourceValues {
  const { endpoint, transport } = settings
  const { host, port } = splitEndpoint(endpoint)!
  const service = { 'service.name': 'unknown_service:postgresql', 'service.namespace': '' }
  if (isFlat) {
    const socket = `/${host}/.s.PGSQL.${port}`.replaceAll(/\/{2,}/g, '/')
    const values = {
      ...service,
      'server.address': transport === 'unix' ? socket : host,
      ...(/^\d+$/.test(port) ? { 'server.port': Number(port) } : {}),
      'service.instance.id': instanceId(
        transport === 'unix'
          ? ['unix', hostname(), socket].join('\0')
          : isLoopback(host) || host.toLowerCase() === 'localhost'
            ? namedEndpoint(host, port)
            : endpoint,
      ),
    }
    return () => values
  }
  const values = { ...service, 'service.instance.id': legacyInstance(host, port) }
  return ({ database, schema, table, index } = {}) => ({
    ...values,
    'postgresql.database.name': database,
    'postgresql.schema.name': hasSchema ? schema : undefined,
    // Only tables had their schema in their name, indexes never.
    'postgresql.table.name':
      table === undefined || hasSchema || index !== undefined || schema === undefined ? table : `${schema}.${table}`,
    'postgresql.index.name': index,
  })
}

function legacyInstance(host: string, port: string): string {
  const isLocal = host.toLowerCase() === 'localhost' || isLoopback(host)
  return `${isLocal ? hostname() : host}:${port}`
}
