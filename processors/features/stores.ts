/** Which store a scraped server is: named as the spans of those who call it name it, `<address>/<namespace>`. */
import { asText } from '../../pipeline/data/value.ts'
import { addressName, databaseName } from '../../pipeline/vocabulary/span-names.ts'
import type { Texts } from './texts.ts'

/** By the beginning of a metric's name, what spans call the system. */
const systems = ['postgresql', 'mysql', 'mongodb', 'redis', 'memcached'] as const

/**
 * Empty where the resource does not say. Upstream's receivers for databases have no service of their own but `unknown_service:...`; the server's endpoint stands in
 * `mysql.instance.endpoint`, in `server.address` and `server.port`, or in the instance's id as `host:port`.
 */
export function storeName(metric: string, resource: Texts, point: Texts): string {
  const service = resource.text('service.name')
  if (service !== '' && !service.startsWith('unknown_service')) return service
  const system = systems.find((name) => metric.startsWith(`${name}.`)) ?? ''
  const said = resource.text('mysql.instance.endpoint') || endpointIn(resource.text('service.instance.id'))
  const [host, port] = said === '' ? [resource.text('server.address'), portOf(resource)] : splitEndpoint(said)
  const namespace = resource.text('db.namespace', 'postgresql.database.name') || point.text('db.namespace')
  const address = host === '' ? '' : addressName(host, port, system)
  return databaseName(address, namespace, '', '') || resource.text('host.name', 'service.instance.id') || service
}

function portOf(resource: Texts): string {
  const port = resource.get('server.port')
  return port === undefined ? '' : asText(port)
}

/** An id that is no endpoint says nothing of where the server is. */
function endpointIn(id: string): string {
  return /^(?:\[[0-9a-fA-F:.%]+\]|[\w.-]+):\d{1,5}$/.test(id) ? id : ''
}

function splitEndpoint(endpoint: string): readonly [host: string, port: string] {
  const at = endpoint.lastIndexOf(':')
  if (at < 0 || endpoint.endsWith(']')) return [endpoint.replaceAll(/[[\]]/g, ''), '']
  return [endpoint.slice(0, at).replaceAll(/[[\]]/g, ''), endpoint.slice(at + 1)]
}
