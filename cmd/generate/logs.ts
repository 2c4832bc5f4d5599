/** Logs of the shop: a few templates with changing values, most with a trace. */
import type { Writer } from '../../pipeline/data/writer.ts'
import {
  constant,
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
import { constants, type Process, putResource, putScope, putUser, routes, tables } from './shop.ts'

const attributesField = 6
const spacingNs = 50_000

export function putLogs(to: Writer, random: Random, from: readonly Process[], count: number, begin: Instant): void {
  // A request of one sender holds a few resources, not all there are.
  const groups = Math.min(count, 4)
  for (let g = 0; g < groups; g++) {
    const size = Math.floor(((g + 1) * count) / groups) - Math.floor((g * count) / groups)
    const before = to.size
    const inner = to.size
    for (let i = 0; i < size; i++) putRecord(to, random, begin, (g * size + i) * spacingNs)
    putScope(to, 'logback', '1.5.6')
    to.message(tag(2, 2), inner)
    putResource(to, random.pick(from))
    to.message(tag(1, 2), before)
  }
}

const ids = new Uint8Array(24)
function putRecord(to: Writer, random: Random, begin: Instant, offsetNs: number): void {
  const before = to.size
  const template = random.pick(templates)
  putTime(to, tag(11, 1), begin, offsetNs + random.below(100_000))
  if (random.chance(0.8)) {
    random.fill(ids)
    putBytes(to, tag(10, 2), ids, 16, 24)
    putBytes(to, tag(9, 2), ids, 0, 16)
    to.fixed32(1)
    to.varint(tag(8, 5))
  }
  putUser(to, attributesField, random)
  putConstant(to, attributesField, random.pick(routeAttributes))
  putVariable(to, attributesField, lineKey, random.below(500))
  putConstant(to, attributesField, template.logger)
  putVariable(to, attributesField, threadKey, `worker-${random.below(32)}`)
  putConstant(to, attributesField, fileAttribute)
  putBody(to, template.text(random))
  putText(to, tag(3, 2), template.severity)
  to.varint(template.number)
  to.varint(tag(2, 0))
  putTime(to, tag(1, 1), begin, offsetNs)
  to.message(tag(2, 2), before)
}

function putBody(to: Writer, text: string): void {
  const before = to.size
  putText(to, tag(1, 2), text)
  to.message(tag(5, 2), before)
}

const routeAttributes = constants('http.route', routes)
const lineKey = encodeKey('code.line.number')
const threadKey = encodeKey('thread.name')
const fileAttribute = constant('log.file.name', 'app.log')

interface Template {
  readonly severity: string
  readonly number: number
  readonly logger: Uint8Array
  readonly text: (random: Random) => string
}

const template = (severity: string, number: number, logger: string, text: (random: Random) => string): Template => ({
  severity,
  number,
  logger: constant('logger.name', `com.shop.${logger}`),
  text,
})

const handled = template(
  'INFO',
  9,
  'checkout.Handler',
  (random) =>
    `request ${random.hex(8)} handled by worker ${random.below(32)} for user-${random.below(100_000)} ` +
    `in ${random.skewed(400).toFixed(2)} ms, status=${random.pick([200, 200, 404])}`,
)
/** What happens more often stands here more often. */
const templates: readonly Template[] = [
  handled,
  handled,
  handled,
  template('INFO', 9, 'cart.Store', (random) => `cart ${random.hex(12)} saved with ${random.below(20)} items`),
  template(
    'DEBUG',
    5,
    'db.Pool',
    (random) => `query on ${random.pick(tables)} took ${random.below(90)} ms, ${random.below(500)} rows`,
  ),
  template(
    'WARN',
    13,
    'payment.Gateway',
    (random) => `attempt ${1 + random.below(3)} for payment ${random.hex(16)} was slow`,
  ),
  template(
    'ERROR',
    17,
    'payment.Gateway',
    (random) => `payment ${random.hex(16)} failed: connection to bank-${random.below(4)}.example.com reset by peer`,
  ),
]
