/**
 * Mechanisms that said so themselves: a process that was killed for its memory, a certificate that is expired, a statement that reads a table from end to
 * end. Only what is new since the onset counts: what a system always complains of is no cause.
 */

import type { Clock } from '../../pipeline/component.ts'
import type { Attributes, Logs, Traces, Value } from '../../pipeline/data/telemetry.ts'
import { asText, isDouble } from '../../pipeline/data/value.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Hypothesis } from '../../pipeline/vocabulary/diagnosis.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { calledEntities, resourceEntities } from '../../pipeline/vocabulary/span-entities.ts'
import { queryName } from '../../pipeline/vocabulary/span-names.ts'
import { spanTexts } from '../../pipeline/vocabulary/span-texts.ts'
import type { Surroundings } from './surroundings.ts'

export interface Observation {
  readonly node: number
  readonly hypothesis: Hypothesis
  /** What was seen, in one sentence. */
  readonly text: string
  readonly count: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly traceId: string
  readonly spanId: string
}

interface Mechanism {
  readonly hypothesis: Hypothesis
  readonly pattern: RegExp
  readonly words: string
  /** Whether it is about who was called, where that is known, and not about who says it. */
  readonly isOfCalled: boolean
}

const mechanisms: readonly Mechanism[] = [
  {
    hypothesis: 'memory',
    pattern: /\bout of memory\b|\boom[ -]?kill|OutOfMemoryError|heap limit|allocation failed/i,
    words: 'ran out of memory',
    isOfCalled: false,
  },
  {
    hypothesis: 'disk',
    pattern: /no space left on device|\bENOSPC\b|\bdisk (?:is )?full\b|read-only file system/i,
    words: 'cannot write to its disk',
    isOfCalled: false,
  },
  {
    hypothesis: 'certificate_or_dns',
    pattern:
      /certificate (?:has |is )?(?:expired|not yet valid|not valid)|\bCERT_HAS_EXPIRED\b|x509: certificate|certificate verify failed/i,
    words: 'shows a certificate that is not valid',
    isOfCalled: true,
  },
  {
    hypothesis: 'certificate_or_dns',
    pattern:
      /\bENOTFOUND\b|\bEAI_AGAIN\b|\bNXDOMAIN\b|no such host|name or service not known|name resolution|dns lookup failed/i,
    words: 'has a name that is not resolved',
    isOfCalled: true,
  },
  {
    hypothesis: 'pool_or_lock',
    pattern:
      /\bdeadlock\b|lock wait timeout|could not obtain lock|(?:connection )?pool (?:is )?exhausted|too many connections|remaining connection slots/i,
    words: 'has no connection or lock left to give',
    isOfCalled: true,
  },
]

/** As many times more often than before as makes it new. */
const muchMore = 5
/** A statement reads so many times more rows than before, or so many if it was never slow before. */
const muchMoreRows = 10
const manyRows = 10_000
const rowKeys = /(?:^|[._])rows_(?:examined|read|scanned)$/
const messageKeys = ['exception.message', 'exception.type', 'error.type', 'error.message']
const reasonKeys = ['k8s.event.reason', 'k8s.container.status.last_terminated_reason', 'k8s.container.status.reason']

interface Range {
  readonly from: bigint
  readonly onset: bigint
  readonly until: bigint
}

interface Tally {
  readonly node: number
  readonly mechanism: Mechanism
  before: number
  after: number
  first: bigint
  last: bigint
  traceId: string
  spanId: string
  text: string
}

interface RowTally {
  readonly node: number
  readonly before: number[]
  readonly after: number[]
  first: bigint
  last: bigint
  traceId: string
  spanId: string
}

/** Rows that are kept for one statement; more say no more. */
const mostReadings = 1_000

export class Observations {
  readonly #around: Surroundings
  readonly #range: Range
  readonly #clock: Clock
  readonly #tallies = new Map<string, Tally>()
  readonly #rows = new Map<number, RowTally>()

  constructor(around: Surroundings, range: Range, clock: Clock) {
    this.#around = around
    this.#range = range
    this.#clock = clock
  }

  async readLogs(logs: Logs): Promise<void> {
    const slices = new Slices(this.#clock)
    for (const record of logs) {
      if (slices.isOver) await slices.pause()
      const at = record.timeUnixNano === 0n ? record.observedUnixNano : record.timeUnixNano
      if (at <= this.#range.from || at > this.#range.until) continue
      const { of, instance } = resourceEntities(record.resource)
      const own = this.#around.numberOf(instance)
      const home = own >= 0 ? own : of === undefined ? -1 : this.#around.numberOf(entityId(of))
      const { traceId, spanId, attributes } = record
      const rows = rowsRead(attributes)
      if (rows !== undefined && of !== undefined) this.#readRows(of.name, attributes, rows, { at, traceId, spanId })
      if (home < 0) continue
      const texts = [textOf(record.body), ...messages(attributes)]
      this.#look(home, -1, texts, { at, traceId, spanId })
    }
  }

  async readTraces(traces: Traces): Promise<void> {
    const slices = new Slices(this.#clock)
    for (const span of traces) {
      if (slices.isOver) await slices.pause()
      const at = span.startUnixNano
      if (at <= this.#range.from || at > this.#range.until) continue
      const rows = rowsRead(span.attributes)
      if (span.status.code !== 2 && rows === undefined) continue
      const { of } = resourceEntities(span.resource)
      if (of === undefined) continue
      const called = calledEntities(span, of)
        .map((entity) => this.#around.numberOf(entityId(entity)))
        .findLast((number) => number >= 0)
      const { traceId, spanId } = span
      if (rows !== undefined && called !== undefined) this.#addRows(called, rows, { at, traceId, spanId })
      if (span.status.code !== 2) continue
      const texts = [span.status.message, ...messages(span.attributes)]
      for (const event of span.events) texts.push(...messages(event.attributes))
      this.#look(this.#around.numberOf(entityId(of)), called ?? -1, texts, { at, traceId, spanId })
    }
  }

  /** What is new since the onset, most often seen first. */
  found(): readonly Observation[] {
    const { from, onset, until } = this.#range
    const lengths = Number(until - onset) / Math.max(1, Number(onset - from))
    const found: Observation[] = []
    for (const { node, mechanism, before, after, first, last, traceId, spanId, text } of this.#tallies.values()) {
      if (after === 0 || after < muchMore * before * lengths) continue
      const times = after === 1 ? 'once' : `${after} times`
      const earlier = before === 0 ? 'not seen before' : `${before} times before`
      found.push({
        node,
        hypothesis: mechanism.hypothesis,
        text: `${mechanism.words}: "${text}", ${times} since the onset, ${earlier}`,
        count: after,
        firstUnixNano: first,
        lastUnixNano: last,
        traceId,
        spanId,
      })
    }
    for (const one of this.#rows.values()) found.push(...scans(one))
    return found.sort((a, b) => b.count - a.count || a.node - b.node)
  }

  #look(home: number, called: number, texts: readonly string[], where: Where): void {
    for (const mechanism of mechanisms) {
      const text = texts.find((one) => mechanism.pattern.test(one))
      const node = mechanism.isOfCalled && called >= 0 ? called : home
      if (text === undefined || node < 0) continue
      const key = `${node} ${mechanism.words}`
      let tally = this.#tallies.get(key)
      if (tally === undefined) {
        tally = { node, mechanism, before: 0, after: 0, first: 0n, last: 0n, traceId: '', spanId: '', text: '' }
        this.#tallies.set(key, tally)
      }
      if (where.at <= this.#range.onset) {
        tally.before++
        continue
      }
      if (tally.after++ === 0) Object.assign(tally, { first: where.at, last: where.at, text: cut(text) })
      if (where.at < tally.first) tally.first = where.at
      if (where.at > tally.last) tally.last = where.at
      if (tally.traceId === '') Object.assign(tally, { traceId: where.traceId, spanId: where.spanId })
    }
  }

  /** A store's own log says which statement; the store is known by the name under which it is called. */
  #readRows(store: string, attributes: Attributes, rows: number, where: Where): void {
    const text = (keys: readonly string[]) => {
      const key = keys.find((one) => attributes.has(one))
      return key === undefined ? '' : asText(attributes.get(key) ?? '')
    }
    const { summary, statement, dbOperation, collection, system } = spanTexts
    const query = queryName(text(summary), text(statement), text(dbOperation), text(collection), text(system))
    if (query === '') return
    const node = this.#around.entities.findIndex(
      ({ kind, name }) =>
        kind === 'query' && name.endsWith(` ${query}`) && isOfStore(name.slice(0, -query.length - 1), store),
    )
    if (node >= 0) this.#addRows(node, rows, where)
  }

  #addRows(node: number, rows: number, { at, traceId, spanId }: Where): void {
    let tally = this.#rows.get(node)
    if (tally === undefined)
      this.#rows.set(node, (tally = { node, before: [], after: [], first: at, last: at, traceId: '', spanId: '' }))
    const readings = at <= this.#range.onset ? tally.before : tally.after
    if (readings.length < mostReadings) readings.push(rows)
    if (at <= this.#range.onset) return
    if (tally.after.length === 1) tally.first = at
    tally.last = at > tally.last ? at : tally.last
    if (tally.traceId === '') Object.assign(tally, { traceId, spanId })
  }
}

interface Where {
  readonly at: bigint
  readonly traceId: string
  readonly spanId: string
}

function scans({ node, before, after, first, last, traceId, spanId }: RowTally): readonly Observation[] {
  if (after.length === 0) return []
  const now = middle(after)
  const usual = before.length === 0 ? undefined : middle(before)
  if (now < (usual === undefined ? manyRows : Math.max(manyRows / 10, muchMoreRows * usual))) return []
  const rows = Math.round(now).toLocaleString('en-US')
  const compared = usual === undefined ? 'and was not among the slow statements before' : `before ${Math.round(usual).toLocaleString('en-US')}` // biome-ignore format: one thing
  return [
    {
      node,
      hypothesis: 'query',
      text: `reads ${rows} rows a call, ${compared}: it scans what an index would find`,
      count: after.length,
      firstUnixNano: first,
      lastUnixNano: last,
      traceId,
      spanId,
    },
  ]
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

function isOfStore(database: string, store: string): boolean {
  const [address = '', ...rest] = database.split('/')
  return database === store || address === store || address.split(':')[0] === store || rest.includes(store)
}

function rowsRead(attributes: Attributes): number | undefined {
  for (const [key, value] of attributes.entries()) {
    if (!rowKeys.test(key)) continue
    const rows = isDouble(value) ? value.double : Number(value)
    if (Number.isFinite(rows)) return rows
  }
  return undefined
}

function messages(attributes: Attributes): string[] {
  const found: string[] = []
  for (const key of [...messageKeys, ...reasonKeys]) {
    const value = attributes.get(key)
    if (typeof value === 'string') found.push(value)
  }
  return found
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : value === null ? '' : asText(value)
}

/** A line for people: without control characters, which a hostile log may hold. */
function cut(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}
