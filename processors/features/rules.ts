/**
 * Which metric feeds which column of which entity: panes of `trace_features` and `log_metrics`, semantic conventions, the Collector's receivers.
 * Where several metrics feed one column of one entity, the one that stands first does, as long as it comes.
 */
import { logPanes, tracePanes } from '../../pipeline/vocabulary/panes.ts'
import type { Column, CountColumn, HeardSignal, ReadingColumn, SketchName } from './columns.ts'

/**
 * Whom a point is about: `named` what its own attributes say, `service` its resource's, `instance` the service's instance or the pod of its resource,
 * `node` the machine, `pool` a connection pool of the instance, `database` and `cache` the store that the resource is, `queue` what its attributes name.
 */
type About = 'named' | 'service' | 'instance' | 'node' | 'pool' | 'database' | 'cache' | 'queue'

interface Common {
  readonly about: About
  readonly signal: HeardSignal
  /** Values of attributes that the point must have; `not` = must not have. */
  readonly where?: Readonly<Record<string, readonly string[]>>
  readonly not?: Readonly<Record<string, readonly string[]>>
  readonly scale?: number
}
export type Rule = Common &
  (
    | { /** A delta of its pane. */ readonly take: 'count'; readonly column: CountColumn }
    | { /** The highest of its pane. */ readonly take: 'max'; readonly column: CountColumn }
    | { /** A counter of moments: what it grew by is now. */ readonly take: 'events'; readonly column: CountColumn }
    | {
        /** A counter: how fast it grew since its last point, in 1/s. */ readonly take: 'rate'
        readonly column: ReadingColumn
      }
    | {
        readonly take: 'reading'
        readonly column: ReadingColumn
        /** Several series of one column are summed; those of a `share` averaged; `busy`: summed, for each with such a value. */
        readonly over: 'sum' | 'share'
        readonly per?: Readonly<Record<string, readonly string[]>>
      }
    | { /** An exponential histogram of a pane. */ readonly take: 'sketch'; readonly sketch: SketchName }
    | { /** Requests, errors and durations of a server that sends no traces. */ readonly take: 'requests' }
  )

const traces = { about: 'named', signal: 'traces' } as const
const logs = { about: 'service', signal: 'logs' } as const
const metric = (about: About) => ({ about, signal: 'metrics' }) as const
const reading = (about: About, column: ReadingColumn, over: 'sum' | 'share' = 'sum', more: object = {}) =>
  ({ ...metric(about), take: 'reading', column, over, ...more }) as Rule
const rate = (about: About, column: ReadingColumn, more: object = {}) =>
  ({ ...metric(about), take: 'rate', column, ...more }) as Rule

/** The names of one attribute over time. */
const inState = (...values: string[]) => ({ state: values, 'cpu.mode': values, 'process.cpu.state': values })
const idle = inState('idle', 'wait', 'iowait', 'steal')
const used = { state: ['used'], 'system.memory.state': ['used'] }
const poolUsed = { state: ['used'], 'db.client.connection.state': ['used'] }
const heap = { 'jvm.memory.type': ['heap'], type: ['heap'] }

export const rules: readonly (readonly [metric: string, rule: Rule])[] = [
  [tracePanes.requests, { ...traces, take: 'count', column: 'requests' }],
  [tracePanes.errors, { ...traces, take: 'count', column: 'errors' }],
  [tracePanes.sampled, { ...traces, take: 'count', column: 'sampled' }],
  [tracePanes.duration, { ...traces, take: 'sketch', sketch: 'duration' }],
  [tracePanes.selfTime, { ...traces, take: 'sketch', sketch: 'selfTime' }],
  [tracePanes.networkGap, { ...traces, take: 'sketch', sketch: 'networkGap' }],

  [logPanes.records, { ...logs, take: 'count', column: 'logRecords' }],
  [logPanes.records, { ...logs, take: 'count', column: 'logErrors', where: { severity: ['ERROR', 'FATAL'] } }],
  [logPanes.newTemplates, { ...logs, take: 'count', column: 'newTemplates' }],
  [logPanes.burst, { ...logs, take: 'max', column: 'burst' }],

  ['http.server.request.duration', { ...metric('instance'), take: 'requests' }],
  ['http.server.duration', { ...metric('instance'), take: 'requests', scale: 0.001 }],
  ['rpc.server.call.duration', { ...metric('instance'), take: 'requests' }],
  ['rpc.server.duration', { ...metric('instance'), take: 'requests', scale: 0.001 }],

  ['k8s.pod.cpu_limit_utilization', reading('instance', 'cpuShare', 'share')],
  ['k8s.container.cpu_limit_utilization', reading('instance', 'cpuShare', 'share')],
  ['container.cpu.utilization', reading('instance', 'cpuShare', 'share', { scale: 0.01 })],
  ['jvm.cpu.recent_utilization', reading('instance', 'cpuShare', 'share')],
  ['process.runtime.jvm.cpu.utilization', reading('instance', 'cpuShare', 'share')],
  ['process.cpu.utilization', reading('instance', 'cpuShare', 'share', { not: idle, per: inState('user') })],
  ['system.cpu.utilization', reading('node', 'cpuShare', 'share', { not: idle, per: inState('user') })],
  ['k8s.pod.cpu.usage', reading('instance', 'cpuCores')],
  ['k8s.pod.cpu.utilization', reading('instance', 'cpuCores')],
  ['container.cpu.usage', reading('instance', 'cpuCores')],
  ['k8s.node.cpu.usage', reading('node', 'cpuCores')],
  ['k8s.node.cpu.utilization', reading('node', 'cpuCores')],
  ['k8s.container.cpu_limit', reading('instance', 'cpuLimit')],
  ['container.cpu.limit', reading('instance', 'cpuLimit')],
  ['k8s.node.allocatable_cpu', reading('node', 'cpuLimit')],
  ['k8s.node.cpu.allocatable', reading('node', 'cpuLimit')],
  ['process.cpu.time', rate('instance', 'cpuSeconds', { not: idle })],
  ['container.cpu.time', rate('instance', 'cpuSeconds')],
  ['system.cpu.time', rate('node', 'cpuSeconds', { not: idle })],
  ['system.cpu.time', rate('node', 'cpuAllSeconds')],

  ['k8s.pod.memory_limit_utilization', reading('instance', 'memoryShare', 'share')],
  ['k8s.container.memory_limit_utilization', reading('instance', 'memoryShare', 'share')],
  ['container.memory.percent', reading('instance', 'memoryShare', 'share', { scale: 0.01 })],
  ['system.memory.utilization', reading('node', 'memoryShare', 'share', { where: used })],
  ['k8s.pod.memory.working_set', reading('instance', 'memoryUsed')],
  ['container.memory.working_set', reading('instance', 'memoryUsed')],
  ['container.memory.usage.total', reading('instance', 'memoryUsed')],
  ['container.memory.usage', reading('instance', 'memoryUsed')],
  ['jvm.memory.used', reading('instance', 'memoryUsed', 'sum', { where: heap })],
  ['process.runtime.jvm.memory.usage', reading('instance', 'memoryUsed', 'sum', { where: heap })],
  ['v8js.memory.heap.used', reading('instance', 'memoryUsed')],
  ['process.memory.usage', reading('instance', 'memoryUsed')],
  ['k8s.node.memory.working_set', reading('node', 'memoryUsed')],
  ['system.memory.usage', reading('node', 'memoryUsed', 'sum', { where: used })],
  ['k8s.container.memory_limit', reading('instance', 'memoryLimit')],
  ['container.memory.usage.limit', reading('instance', 'memoryLimit')],
  ['container.memory.limit', reading('instance', 'memoryLimit')],
  ['jvm.memory.limit', reading('instance', 'memoryLimit', 'sum', { where: heap })],
  ['process.runtime.jvm.memory.limit', reading('instance', 'memoryLimit', 'sum', { where: heap })],
  ['v8js.memory.heap.limit', reading('instance', 'memoryLimit')],
  ['k8s.node.allocatable_memory', reading('node', 'memoryLimit')],
  ['k8s.node.memory.allocatable', reading('node', 'memoryLimit')],
  ['system.memory.limit', reading('node', 'memoryLimit')],
  ['system.memory.usage', reading('node', 'memoryLimit')],

  ['system.disk.io', rate('node', 'diskBytes')],
  ['container.blockio.io_service_bytes_recursive', rate('instance', 'diskBytes')],
  ['container.disk.io', rate('instance', 'diskBytes')],
  ['process.disk.io', rate('instance', 'diskBytes')],
  ['system.network.io', rate('node', 'networkBytes', { not: { device: ['lo'], 'network.interface.name': ['lo'] } })],
  ['k8s.node.network.io', rate('node', 'networkBytes')],
  ['k8s.pod.network.io', rate('instance', 'networkBytes')],
  ['container.network.io', rate('instance', 'networkBytes')],
  ['container.network.io.usage.rx_bytes', rate('instance', 'networkBytes')],
  ['process.network.io', rate('instance', 'networkBytes')],

  ['db.client.connection.count', reading('pool', 'poolUsed', 'sum', { where: poolUsed })],
  ['db.client.connections.usage', reading('pool', 'poolUsed', 'sum', { where: poolUsed })],
  ['db.client.connection.max', reading('pool', 'poolLimit')],
  ['db.client.connections.max', reading('pool', 'poolLimit')],
  ['db.client.connection.pending_requests', reading('pool', 'poolWaiting')],
  ['db.client.connections.pending_requests', reading('pool', 'poolWaiting')],
  ['postgresql.backends', reading('database', 'poolUsed')],
  ['postgresql.connection.max', reading('database', 'poolLimit')],
  ['mysql.backends', reading('database', 'poolUsed')],
  ['mysql.threads', reading('database', 'poolUsed', 'sum', { where: { kind: ['connected'] } })],
  ['mysql.connection.max', reading('database', 'poolLimit')],
  ['mongodb.connection.count', reading('database', 'poolUsed', 'sum', { where: { type: ['current'] } })],
  ['mongodb.connection.count', reading('database', 'poolLimit', 'sum', { where: { type: ['current', 'available'] } })],

  ['redis.keyspace.hits', rate('cache', 'cacheHits')],
  ['redis.keyspace.misses', rate('cache', 'cacheMisses')],
  ['memcached.operations', rate('cache', 'cacheHits', { where: { type: ['hit'] } })],
  ['memcached.operations', rate('cache', 'cacheMisses', { where: { type: ['miss'] } })],
  ['postgresql.blks_hit', rate('database', 'cacheHits')],
  ['postgresql.blks_read', rate('database', 'cacheMisses')],
  ['mongodb.cache.operations', rate('database', 'cacheHits', { where: { type: ['hit'] } })],
  ['mongodb.cache.operations', rate('database', 'cacheMisses', { where: { type: ['miss'] } })],

  ['kafka.consumer_group.lag_sum', reading('queue', 'queueLag')],
  ['kafka.consumer_group.lag', reading('queue', 'queueLag')],
  ['rabbitmq.message.current', reading('queue', 'queueLag', 'sum', { where: { state: ['ready'] } })],

  ['k8s.container.restarts', { ...metric('instance'), take: 'events', column: 'restarts' }],
  ['container.restarts', { ...metric('instance'), take: 'events', column: 'restarts' }],
]

export const rulesByMetric: ReadonlyMap<string, readonly (readonly [place: number, rule: Rule])[]> = new Map(
  [...Map.groupBy(rules.entries(), ([, [name]]) => name)].map(([name, list]) => [
    name,
    list.map(([place, [, rule]]) => [place, rule] as const),
  ]),
)

export function columnOf(rule: Rule): Column | undefined {
  return 'column' in rule ? rule.column : undefined
}
