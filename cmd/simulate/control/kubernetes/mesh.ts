/**
 * Istio's objects as actions. What is understood of them is applied to the mechanism, and put back when the object goes; what is not understood is refused,
 * so that nobody believes that it is in force.
 */
import { parseDuration } from '../../../../pipeline/config/duration.ts'
import { at, type Fields, invalid, isFields, type KubeObject } from './object.ts'
import type { Workloads } from './workloads.ts'

export interface Call {
  readonly action: string
  readonly args: Fields
}

type Compiler = (object: KubeObject, workloads: Workloads) => readonly Call[]

/** By kind. Throw `StatusError` where something is not understood. */
export const meshKinds: Readonly<Record<string, Compiler>> = {
  VirtualService: virtualService,
  DestinationRule: destinationRule,
  EnvoyFilter: envoyFilter,
}

function virtualService(object: KubeObject, workloads: Workloads): readonly Call[] {
  const bad = refuser(object)
  known(object.spec, ['hosts', 'http', 'gateways', 'exportTo'], 'spec', bad)
  const hosts = object.spec?.hosts
  if (!Array.isArray(hosts) || hosts.length === 0) throw bad('spec.hosts', 'name at least one service')
  const routes = object.spec?.http ?? []
  if (!Array.isArray(routes)) throw bad('spec.http', 'it is a list of routes')
  return hosts.flatMap((host) => {
    const to = serviceOf(host, object, workloads, 'spec.hosts', bad)
    return (routes as readonly unknown[]).flatMap((route, i) =>
      routeCalls(route, `spec.http[${i}]`, to, workloads, bad),
    )
  })
}

function routeCalls(route: unknown, path: string, to: string, workloads: Workloads, bad: Refuse): readonly Call[] {
  known(route, ['name', 'match', 'timeout', 'retries', 'fault', 'route'], path, bad)
  if (!isFields(route)) throw bad(path, 'it is an object')
  const calls: Call[] = []
  for (const { from, to: target } of matches(route.match, path, to, workloads, bad)) {
    const edge = { ...(from === undefined ? {} : { from }), to: target }
    const { timeout, retries, fault } = route
    if (retries !== undefined) {
      known(retries, ['attempts', 'perTryTimeout', 'retryOn', 'backoff'], `${path}.retries`, bad)
      const attempts = at(retries, 'attempts')
      if (typeof attempts !== 'number') throw bad(`${path}.retries.attempts`, 'it is a number')
      const backoff = at(retries, 'backoff')
      const backoffMs = backoff === undefined ? 25 : durationMs(backoff, `${path}.retries.backoff`, bad)
      calls.push({ action: 'set_retries', args: { ...edge, max: attempts, backoffMs } })
    }
    // Here a caller's patience is with each attempt.
    const perTry = at(retries, 'perTryTimeout') ?? timeout
    if (perTry !== undefined) {
      calls.push({ action: 'set_timeout', args: { ...edge, ms: durationMs(perTry, `${path}.timeout`, bad) } })
    }
    if (fault !== undefined) {
      known(fault, ['abort'], `${path}.fault`, bad)
      const abort = at(fault, 'abort')
      known(abort, ['percentage', 'httpStatus'], `${path}.fault.abort`, bad)
      const percentage = at(abort, 'percentage', 'value') ?? 100
      if (typeof percentage !== 'number') throw bad(`${path}.fault.abort.percentage.value`, 'it is a number')
      calls.push({ action: 'circuit_break', args: { ...edge, share: percentage / 100 } })
    }
  }
  return calls
}

function matches(match: unknown, path: string, to: string, { world }: Workloads, bad: Refuse) {
  if (match === undefined) return [{ from: undefined, to }]
  if (!Array.isArray(match)) throw bad(`${path}.match`, 'it is a list')
  return (match as readonly unknown[]).flatMap((one, i) => {
    const where = `${path}.match[${i}]`
    known(one, ['name', 'sourceLabels', 'uri'], where, bad)
    const labels = at(one, 'sourceLabels')
    if (labels !== undefined) known(labels, ['app'], `${where}.sourceLabels`, bad)
    const from = at(labels, 'app') as string | undefined
    const uri = at(one, 'uri')
    if (uri === undefined) return [{ from, to }]
    known(uri, ['exact'], `${where}.uri`, bad)
    const exact = String(at(uri, 'exact'))
    const operations = [...(world.services.get(to)?.operations.keys() ?? [])]
    const found = operations.filter((name) => name === exact || `/${name}` === exact || name.endsWith(` ${exact}`))
    if (found.length === 0)
      throw bad(`${where}.uri.exact`, `${to} has no such operation; it has ${operations.join(', ')}`)
    return found.map((operation) => ({ from, to: `${to}/${operation}` }))
  })
}

function destinationRule(object: KubeObject, workloads: Workloads): readonly Call[] {
  const bad = refuser(object)
  known(object.spec, ['host', 'trafficPolicy', 'exportTo'], 'spec', bad)
  const service = serviceOf(object.spec?.host, object, workloads, 'spec.host', bad)
  const policy = object.spec?.trafficPolicy
  if (policy === undefined) return []
  known(policy, ['connectionPool', 'outlierDetection'], 'spec.trafficPolicy', bad)
  const calls: Call[] = []
  const pool = at(policy, 'connectionPool')
  if (pool !== undefined) {
    const path = 'spec.trafficPolicy.connectionPool'
    known(pool, ['tcp', 'http'], path, bad)
    known(at(pool, 'tcp') ?? {}, ['maxConnections'], `${path}.tcp`, bad)
    known(at(pool, 'http') ?? {}, ['http2MaxRequests', 'http1MaxPendingRequests'], `${path}.http`, bad)
    const requests = at(pool, 'http', 'http2MaxRequests')
    const connections = at(pool, 'tcp', 'maxConnections')
    const pending = at(pool, 'http', 'http1MaxPendingRequests')
    const open = requests ?? (connections === undefined ? undefined : Number(connections) + Number(pending ?? 0))
    if (open === undefined)
      throw bad(path, 'set http.http2MaxRequests, or tcp.maxConnections and http.http1MaxPendingRequests')
    calls.push({ action: 'limit_open_requests', args: { service, open } })
  }
  const outlier = at(policy, 'outlierDetection')
  if (outlier !== undefined) {
    const path = 'spec.trafficPolicy.outlierDetection'
    known(
      outlier,
      ['consecutive5xxErrors', 'consecutiveGatewayErrors', 'interval', 'baseEjectionTime', 'maxEjectionPercent'],
      path,
      bad,
    )
    const consecutiveErrors = at(outlier, 'consecutive5xxErrors') ?? at(outlier, 'consecutiveGatewayErrors') ?? 5
    const ejectionMs = durationMs(at(outlier, 'baseEjectionTime') ?? '30s', `${path}.baseEjectionTime`, bad)
    const maxShare = Number(at(outlier, 'maxEjectionPercent') ?? 10) / 100
    calls.push({ action: 'eject_outliers', args: { service, consecutiveErrors, ejectionMs, maxShare } })
  }
  return calls
}

/** Only the local rate limit: `envoy.filters.http.local_ratelimit` with a token bucket, on the workloads of one service. */
function envoyFilter(object: KubeObject, workloads: Workloads): readonly Call[] {
  const bad = refuser(object)
  known(object.spec, ['workloadSelector', 'configPatches', 'priority'], 'spec', bad)
  const app = at(object.spec, 'workloadSelector', 'labels', 'app')
  const service = serviceOf(app, object, workloads, 'spec.workloadSelector.labels.app', bad)
  const patches = object.spec?.configPatches
  if (!Array.isArray(patches)) throw bad('spec.configPatches', 'it is a list')
  return (patches as readonly unknown[]).map((one, i) => {
    const path = `spec.configPatches[${i}].patch.value`
    const value = at(one, 'patch', 'value')
    if (at(value, 'name') !== 'envoy.filters.http.local_ratelimit') {
      throw bad(`${path}.name`, 'only envoy.filters.http.local_ratelimit is understood here')
    }
    const bucket = at(value, 'typed_config', 'value', 'token_bucket') ?? at(value, 'typed_config', 'token_bucket')
    const tokens = at(bucket, 'tokens_per_fill') ?? at(bucket, 'max_tokens')
    if (typeof tokens !== 'number')
      throw bad(`${path}.typed_config.value.token_bucket`, 'set tokens_per_fill and fill_interval')
    const everyMs = durationMs(
      at(bucket, 'fill_interval') ?? '1s',
      `${path}.typed_config.value.token_bucket.fill_interval`,
      bad,
    )
    // A bucket is that of one pod.
    return { action: 'rate_limit', args: { service, perSecond: (tokens * 1_000) / everyMs, perInstance: true } }
  })
}

type Refuse = (field: string, message: string) => Error

function refuser({ kind, metadata }: KubeObject): Refuse {
  return (field, message) => invalid(kind, metadata.name, field, message)
}

function known(value: unknown, keys: readonly string[], path: string, bad: Refuse): void {
  if (!isFields(value)) throw bad(path, 'it is an object')
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw bad(`${path}.${key}`, `it has no effect here; what has: ${keys.join(', ')}`)
  }
}

function serviceOf(host: unknown, object: KubeObject, workloads: Workloads, path: string, bad: Refuse): string {
  const [name = '', namespace = object.metadata.namespace ?? ''] = String(host).split('.')
  const partner = workloads.world.services.get(name)
  if (workloads.service(namespace, name) !== undefined || partner?.spec.kind === 'external') return name
  throw bad(path, `there is no service ${String(host)} in namespace ${namespace}`)
}

function durationMs(value: unknown, path: string, bad: Refuse): number {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined
  if (typeof ms !== 'number' || ms <= 0) throw bad(path, 'write a duration as 500ms or 2s')
  return ms
}
