/** The web shop whose telemetry we make up: its services, routes, databases and texts. */
import type { Writer } from '../../pipeline/data/writer.ts'
import { constant, type Encoded, encodeKey, putConstant, putText, putVariable, tag } from './fields.ts'
import type { Random } from './random.ts'

const services = ['frontend', 'checkout', 'cart', 'catalog', 'payment', 'shipping', 'recommendation'] as const
export const methods = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'] as const
export const routes = [
  '/api/v1/users/{id}',
  '/api/v1/orders',
  '/api/v1/orders/{id}',
  '/cart',
  '/checkout',
  '/api/v2/search',
  '/api/v1/products/{id}',
  '/login',
  '/api/v1/payments',
  '/api/v1/shipments/{id}',
] as const
export const databases = ['postgresql', 'redis', 'mysql', 'mongodb'] as const
export const tables = ['orders', 'users', 'products', 'carts', 'stock', 'payments'] as const
export const operations = ['SELECT', 'SELECT', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const
export const userAgents = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148',
  'okhttp/4.12.0',
] as const
const regions = ['eu-west-1', 'eu-central-1', 'us-east-1'] as const
export const schemaUrl = 'https://opentelemetry.io/schemas/1.27.0'

/** One process that sends telemetry; its resource is encoded once. */
export interface Process {
  readonly service: string
  readonly attributes: readonly Encoded[]
}

/** Three pods a service, or three of the one service that was asked for. */
export function processes(random: Random, service: string | undefined): readonly Process[] {
  const names = service === undefined ? services : [service]
  return names.flatMap((name) => Array.from({ length: 3 }, () => newProcess(random, name)))
}

function newProcess(random: Random, service: string): Process {
  const attributes = [
    constant('service.name', service),
    constant('service.namespace', 'shop'),
    constant('service.version', `1.14.${random.below(9)}`),
    constant(
      'service.instance.id',
      `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`,
    ),
    constant('deployment.environment.name', 'production'),
    constant('k8s.namespace.name', 'shop-prod'),
    constant('k8s.pod.name', `${service}-${random.hex(10)}-${random.hex(5)}`),
    constant('k8s.node.name', `ip-10-0-${random.below(255)}-${random.below(255)}.ec2.internal`),
    constant('host.arch', 'amd64'),
    constant('process.pid', 1 + random.below(60_000)),
    constant('telemetry.sdk.name', 'opentelemetry'),
    constant('telemetry.sdk.language', random.pick(['go', 'java', 'nodejs', 'python'])),
    constant('telemetry.sdk.version', '1.30.0'),
    constant('cloud.region', random.pick(regions)),
  ]
  return { service, attributes }
}

/** Field 1 of ResourceSpans, ResourceMetrics and ResourceLogs alike. */
export function putResource(to: Writer, from: Process): void {
  const before = to.size
  for (let i = from.attributes.length - 1; i >= 0; i--) putConstant(to, 1, from.attributes[i]!)
  to.message(tag(1, 2), before)
}

/** Field 1 of ScopeSpans, ScopeMetrics and ScopeLogs alike. */
export function putScope(to: Writer, name: string, version: string): void {
  const before = to.size
  putText(to, tag(2, 2), version)
  putText(to, tag(1, 2), name)
  to.message(tag(1, 2), before)
}

export const constants = <T extends string>(key: string, values: readonly T[]): readonly Encoded[] =>
  values.map((value) => constant(key, value))

const userKey = encodeKey('enduser.id')
export function putUser(to: Writer, field: number, random: Random): void {
  putVariable(to, field, userKey, `user-${random.below(100_000)}`)
}
