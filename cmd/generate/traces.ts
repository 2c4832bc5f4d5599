/** Traces of the shop: trees of server, client and database spans whose times nest. */
import type { Writer } from '../../pipeline/data/writer.ts'
import {
  constant,
  type Encoded,
  encodeKey,
  type Instant,
  putBytes,
  putConstant,
  putText,
  putTime,
  putVariable,
  tag,
} from './fields.ts'
import type { Random } from './random.ts'
import {
  constants,
  databases,
  methods,
  operations,
  type Process,
  putResource,
  putScope,
  putUser,
  routes,
  schemaUrl,
  tables,
  userAgents,
} from './shop.ts'

const spansPerTrace = 8
/** Of an OTLP span: where the attributes stand. */
const attributesField = 9
const scopes = ['io.opentelemetry.http', 'io.opentelemetry.db'] as const

/** What every span of one payload is, before any of it is written: a span must know its parent. */
interface Plan {
  readonly traceIds: Uint8Array
  readonly spanIds: Uint8Array
  /** Index of the parent, or -1. */
  readonly parents: Int32Array
  /** Nanoseconds after the trace's begin. */
  readonly starts: Float64Array
  readonly durations: Float64Array
  /** Process and kind, so that spans are grouped as a request groups them. */
  readonly groups: readonly (readonly number[])[]
}

export function putTraces(to: Writer, random: Random, from: readonly Process[], count: number, begin: Instant): void {
  const plan = planSpans(random, from.length, count)
  for (let p = from.length - 1; p >= 0; p--) {
    if (plan.groups[p * 2]!.length + plan.groups[p * 2 + 1]!.length === 0) continue
    const before = to.size
    putText(to, tag(3, 2), schemaUrl)
    for (const kind of [1, 0] as const) putScopeSpans(to, random, plan, plan.groups[p * 2 + kind]!, kind, begin)
    putResource(to, from[p]!)
    to.message(tag(1, 2), before)
  }
}

function planSpans(random: Random, processCount: number, count: number): Plan {
  const traceIds = new Uint8Array(Math.ceil(count / spansPerTrace) * 16)
  const spanIds = new Uint8Array(count * 8)
  random.fill(traceIds)
  random.fill(spanIds)
  const parents = new Int32Array(count).fill(-1)
  const starts = new Float64Array(count)
  const durations = new Float64Array(count)
  const groups = Array.from({ length: processCount * 2 }, (): number[] => [])
  for (let i = 0; i < count; i++) {
    const position = i % spansPerTrace
    const root = i - position
    const parent = position === 0 ? -1 : root + random.below(position)
    parents[i] = parent
    if (parent < 0) {
      starts[i] = random.below(900_000_000)
      durations[i] = 2_000_000 + random.skewed(800_000_000)
    } else {
      const room = durations[parent]!
      starts[i] = starts[parent]! + Math.floor(room * random.unit() * 0.4)
      durations[i] = Math.max(20_000, Math.floor(room * random.unit() * 0.6))
    }
    const isDatabase = position > 0 && random.chance(0.4)
    groups[random.below(processCount) * 2 + (isDatabase ? 1 : 0)]!.push(i)
  }
  return { traceIds, spanIds, parents, starts, durations, groups }
}

function putScopeSpans(
  to: Writer,
  random: Random,
  plan: Plan,
  group: readonly number[],
  kind: 0 | 1,
  begin: Instant,
): void {
  if (group.length === 0) return
  const before = to.size
  putText(to, tag(3, 2), schemaUrl)
  for (const index of group) putSpan(to, random, plan, index, kind === 1, begin)
  putScope(to, scopes[kind], '2.4.0')
  to.message(tag(2, 2), before)
}

function putSpan(to: Writer, random: Random, plan: Plan, index: number, isDatabase: boolean, begin: Instant): void {
  const before = to.size
  const failed = random.chance(0.03)
  const start = plan.starts[index]!
  const duration = plan.durations[index]!
  to.fixed32(random.chance(0.9) ? 0x101 : 0x100)
  to.varint(tag(16, 5))
  putStatus(to, random, failed)
  if (random.chance(0.02)) putLink(to, random)
  if (failed) putException(to, random, begin, start + duration / 2)
  else if (random.chance(0.08)) putMessageEvent(to, random, begin, start + duration / 2)
  const name = isDatabase ? putDatabase(to, random) : putHttp(to, random, failed)
  putTime(to, tag(8, 1), begin, start + duration)
  putTime(to, tag(7, 1), begin, start)
  const parent = plan.parents[index]!
  to.varint(isDatabase ? 3 : parent < 0 || random.chance(0.7) ? 2 : 3)
  to.varint(tag(6, 0))
  putText(to, tag(5, 2), name)
  if (parent >= 0) putBytes(to, tag(4, 2), plan.spanIds, parent * 8, parent * 8 + 8)
  if (random.chance(0.05)) putText(to, tag(3, 2), 'vendor=t61rcWkgMzE')
  putBytes(to, tag(2, 2), plan.spanIds, index * 8, index * 8 + 8)
  const trace = Math.floor(index / spansPerTrace) * 16
  putBytes(to, tag(1, 2), plan.traceIds, trace, trace + 16)
  to.message(tag(2, 2), before)
}

function putStatus(to: Writer, random: Random, failed: boolean): void {
  const before = to.size
  if (failed) {
    to.varint(2)
    to.varint(tag(3, 0))
    putText(to, tag(2, 2), 'internal error')
  } else if (random.chance(0.3)) {
    to.varint(1)
    to.varint(tag(3, 0))
  }
  to.message(tag(15, 2), before)
}

const linked = new Uint8Array(24)
function putLink(to: Writer, random: Random): void {
  const before = to.size
  random.fill(linked)
  putBytes(to, tag(2, 2), linked, 16, 24)
  putBytes(to, tag(1, 2), linked, 0, 16)
  to.message(tag(13, 2), before)
}

const exceptions = [
  ['java.lang.IllegalStateException', 'connection reset by peer', 'at com.shop.Order.run(Order.java:42)\n'],
  ['java.net.SocketTimeoutException', 'Read timed out', 'at com.shop.Payment.charge(Payment.java:118)\n'],
  ['TypeError', "Cannot read properties of undefined (reading 'price')", '    at price (/app/cart.js:31:17)\n'],
].map(([type, message, frame]) => [
  constant('exception.stacktrace', `${type}: ${message}\n${frame!.repeat(10)}`),
  constant('exception.message', message!),
  constant('exception.type', type!),
])

function putException(to: Writer, random: Random, begin: Instant, offsetNs: number): void {
  const before = to.size
  for (const attribute of random.pick(exceptions)) putConstant(to, 3, attribute)
  putText(to, tag(2, 2), 'exception')
  putTime(to, tag(1, 1), begin, offsetNs)
  to.message(tag(11, 2), before)
}

const messageSent = constant('message.type', 'SENT')
const messageIdKey = encodeKey('message.id')
function putMessageEvent(to: Writer, random: Random, begin: Instant, offsetNs: number): void {
  const before = to.size
  putVariable(to, 3, messageIdKey, random.below(1_000_000))
  putConstant(to, 3, messageSent)
  putText(to, tag(2, 2), 'message')
  putTime(to, tag(1, 1), begin, offsetNs)
  to.message(tag(11, 2), before)
}

const methodAttributes = constants('http.request.method', methods)
const routeAttributes = constants('http.route', routes)
const agentAttributes = constants('user_agent.original', userAgents)
const statusAttributes = [200, 200, 200, 201, 204, 404].map((code) => constant('http.response.status_code', code))
const serverError = constant('http.response.status_code', 500)
const httpAlways: readonly Encoded[] = [
  constant('network.protocol.version', '1.1'),
  constant('server.port', 443),
  constant('server.address', 'shop.example.com'),
  constant('url.scheme', 'https'),
]
const pathKey = encodeKey('url.path')
const clientKey = encodeKey('client.address')
const scoreKey = encodeKey('app.score')
const cacheKey = encodeKey('app.cache.hit')
const currencies = constants('app.currency', ['EUR', 'USD', 'é€'])

/** Answers the span's name. */
function putHttp(to: Writer, random: Random, failed: boolean): string {
  const method = random.below(methods.length)
  const route = random.below(routes.length)
  if (random.chance(0.3)) putConstant(to, attributesField, random.pick(currencies))
  putUser(to, attributesField, random)
  if (random.chance(0.5)) putVariable(to, attributesField, scoreKey, random.unit() + 2 ** -30)
  putVariable(to, attributesField, cacheKey, random.chance(0.5))
  putConstant(to, attributesField, random.pick(agentAttributes))
  putVariable(to, attributesField, clientKey, `10.${random.below(255)}.${random.below(255)}.${random.below(255)}`)
  for (const attribute of httpAlways) putConstant(to, attributesField, attribute)
  putConstant(to, attributesField, failed ? serverError : random.pick(statusAttributes))
  putVariable(to, attributesField, pathKey, routes[route]!.replace('{id}', String(random.below(1_000_000))))
  putConstant(to, attributesField, routeAttributes[route]!)
  putConstant(to, attributesField, methodAttributes[method]!)
  return `${methods[method]} ${routes[route]}`
}

const systemAttributes = constants('db.system.name', databases)
const operationAttributes = constants('db.operation.name', operations)
const tableAttributes = constants('db.collection.name', tables)
const namespace = constant('db.namespace', 'shop')
const transport = constant('network.transport', 'tcp')
const databasePort = constant('server.port', 5432)
const queries = tables.map((table) =>
  constant(
    'db.query.text',
    `SELECT id, name, price FROM ${table} WHERE user_id = $1 AND created_at > $2 ORDER BY created_at`,
  ),
)
const addressKey = encodeKey('server.address')
const rowsKey = encodeKey('db.response.returned_rows')
const threadNameKey = encodeKey('thread.name')
const threadIdKey = encodeKey('thread.id')

function putDatabase(to: Writer, random: Random): string {
  const table = random.below(tables.length)
  const operation = random.below(operations.length)
  const thread = random.below(64)
  putVariable(to, attributesField, rowsKey, random.below(50))
  putVariable(to, attributesField, threadIdKey, thread)
  putVariable(to, attributesField, threadNameKey, `worker-${thread}`)
  putConstant(to, attributesField, transport)
  putConstant(to, attributesField, databasePort)
  putVariable(to, attributesField, addressKey, `db-${random.below(5)}.shop.internal`)
  putConstant(to, attributesField, queries[table]!)
  putConstant(to, attributesField, tableAttributes[table]!)
  putConstant(to, attributesField, operationAttributes[operation]!)
  putConstant(to, attributesField, namespace)
  putConstant(to, attributesField, random.pick(systemAttributes))
  return `${operations[operation]} shop.${tables[table]}`
}
