/** How an operation is spoken to, as its name shows: `GET /product` is HTTP, `GetProduct` is gRPC; what answers statements is a database. */
import type { Outcome } from '../world/outcome.ts'
import type { Operation } from '../world/service.ts'
import type { Attributes } from './resource.ts'

export type Protocol = 'http' | 'grpc' | 'database' | 'cache' | 'messaging'

const http = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/.*)$/

export function protocolOf({ service, name }: Operation): Protocol {
  const { kind } = service.spec
  if (kind === 'database') return 'database'
  if (kind === 'cache') return 'cache'
  if (kind === 'queue') return 'messaging'
  return http.test(name) || kind === 'external' ? 'http' : 'grpc'
}

export function httpRoute({ name }: Operation): { readonly method: string; readonly route: string } {
  const [, method = 'POST', route = `/v1/${name}`] = http.exec(name) ?? []
  return { method, route }
}

export function rpcService({ service }: Operation): string {
  const { name, spec } = service
  const pascal = name.replace(/(^|[-_ ])(\w)/g, (_all, _gap, letter: string) => letter.toUpperCase())
  return `${spec.namespace === '' ? '' : `${spec.namespace}.`}${pascal}`
}

/** Undefined where no answer came. */
export function httpStatus(outcome: Outcome): number | undefined {
  switch (outcome) {
    case 'ok':
      return 200
    case 'error':
      return 500
    case 'refused':
      return 503
    case 'limited':
      return 429
    default:
      return undefined
  }
}

/** As the client sees it. */
export function grpcStatus(outcome: Outcome): string {
  switch (outcome) {
    case 'ok':
      return 'OK'
    case 'error':
      return 'INTERNAL'
    case 'timeout':
      return 'DEADLINE_EXCEEDED'
    case 'limited':
      return 'RESOURCE_EXHAUSTED'
    default:
      return 'UNAVAILABLE'
  }
}

export function serverPort(operation: Operation): number {
  const { spec } = operation.service
  switch (spec.kind) {
    case 'database':
      return spec.system === 'mysql' ? 3306 : 5432
    case 'cache':
      return 6379
    case 'queue':
      return 9092
    case 'external':
      return 443
    default:
      return 8080
  }
}

export function serverAddress({ service }: Operation): string {
  return service.spec.kind === 'external' ? service.spec.host : service.name
}

/** What both ends say of the operation, on spans and on metrics. */
export function operationAttributes(operation: Operation): Attributes {
  switch (protocolOf(operation)) {
    case 'http': {
      const { method, route } = httpRoute(operation)
      return { 'http.request.method': method, 'http.route': route, 'url.scheme': 'http' }
    }
    case 'grpc':
      return { 'rpc.system.name': 'grpc', 'rpc.method': `${rpcService(operation)}/${operation.name}` }
    case 'messaging':
      return messagingAttributes(operation)
    default:
      return databaseAttributes(operation)
  }
}

function messagingAttributes({ service, name }: Operation): Attributes {
  const system = service.spec.kind === 'queue' ? service.spec.system : 'kafka'
  return { 'messaging.system': system, 'messaging.destination.name': name }
}

function databaseAttributes({ service, query }: Operation): Attributes {
  if (service.spec.kind !== 'database' || query === undefined) {
    return { 'db.system.name': 'redis', 'db.operation.name': 'GET' }
  }
  return {
    'db.system.name': service.spec.system,
    'db.namespace': service.name,
    'db.collection.name': query.collection,
    'db.operation.name': statementOf(query.text),
  }
}

export function querySummary({ query, name }: Operation): string {
  return query === undefined ? name : (query.summary ?? `${statementOf(query.text)} ${query.collection}`)
}

function statementOf(text: string): string {
  return text.trimStart().split(/\s/, 1)[0]!.toUpperCase()
}
