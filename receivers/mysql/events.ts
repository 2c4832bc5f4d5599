/** `db.server.query_sample`, the statements that run, and `db.server.top_query`, those that took the most time since the collection before. */
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import type { Scraped } from '../../pipeline/scraping/controller.ts'
import { Increments } from '../../pipeline/scraping/increments.ts'
import type { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { Slices } from '../../pipeline/slices.ts'
import { anyNumber, type Row, wholeNumber } from '../../pipeline/sql/answer.ts'
import { parseTraceparent } from '../../pipeline/telemetry/span.ts'
import type { Plan, Plans } from './plans.ts'
import * as queries from './queries.ts'
import type { World } from './scrape-metrics.ts'
import { statementText } from './statement-text.ts'

export interface EventWorld extends World {
  readonly resources: ResourceMaker
  readonly scope: { readonly name: string; readonly version: string }
  readonly plans: Plans
}
const nothing = { batch: undefined, scraped: 0, errored: 0 }
const picosecondsASecond = 1e12

export class QuerySampleScraper {
  readonly name = 'mysql'
  readonly #world: EventWorld

  constructor(world: EventWorld) {
    this.#world = world
  }

  async scrape(signal: AbortSignal): Promise<Scraped<Logs>> {
    const { ask, clock, settings, resources, scope, resource, plans } = this.#world
    const timeUnixNano = clock.nowUnixNano()
    const version = await this.#world.version(signal)
    const rows = await ask(queries.querySamples(version, settings.query_sample_collection.max_rows_per_query), signal)
    const attributes = resources.make(resource(version))
    if (attributes === undefined) return nothing
    const builder = newLogs().resource(attributes).scope(scope.name, { version: scope.version })
    const slices = new Slices(clock)
    for (const row of rows) {
      if (!row['digest_text']) continue
      const trace = parseTraceparent(row['traceparent'] ?? '')
      const {
        digest,
        digest_text: digestText,
        sql_text: statement,
        db: schema,
      } = row as Readonly<Record<string, string>>
      const explained = {
        digest: digest ?? '',
        digestText: digestText!,
        statement: statement ?? '',
        schema: schema ?? '',
      }
      const plan = await plans.of(explained, queries.hasSampleText(version), signal)
      builder.record({
        eventName: 'db.server.query_sample',
        timeUnixNano,
        attributes: sampleAttributes(row, plan),
        ...(trace === undefined ? {} : { traceId: trace.traceId, spanId: trace.spanId }),
      })
      if (slices.isOver) await slices.pause()
    }
    const batch = builder.build()
    return { batch, scraped: batch.count, errored: 0 }
  }
}

function sampleAttributes(row: Row, plan: Plan) {
  const text = (column: string) => row[column] ?? ''
  const whole = (column: string) => wholeNumber(row[column]) ?? 0
  const seconds = (column: string) => double(anyNumber(row[column]) ?? 0)
  const { address, port } = clientOf(text('host'))
  return {
    'db.system.name': 'mysql',
    'mysql.threads.thread_id': whole('thread_id'),
    'user.name': text('user'),
    'db.namespace': text('db'),
    'mysql.threads.processlist_command': text('command'),
    'mysql.threads.processlist_state': text('state'),
    'db.query.text': statementText(text('digest_text')),
    'mysql.events_statements_current.digest': text('digest'),
    'mysql.query_plan': plan.text,
    'mysql.query_plan.hash': plan.hash,
    'mysql.event_id': whole('event_id'),
    'mysql.wait_type': text('wait_event'),
    'mysql.session.status': text('session_status'),
    'mysql.session.id': whole('session_id'),
    'mysql.events_statements_current.timer_wait': seconds('statement_time'),
    'mysql.events_waits_current.timer_wait': seconds('wait_time'),
    'client.address': address,
    'client.port': port,
    'network.peer.address': address,
    'network.peer.port': port,
  }
}

function clientOf(host: string): { readonly address: string; readonly port: number } {
  const match = /^(?:\[([^[\]]+)\]|([^:[\]]+)):(\d+)$/.exec(host)
  return match === null ? { address: host, port: 0 } : { address: match[1] ?? match[2]!, port: Number(match[3]) }
}

export class TopQueryScraper {
  readonly name = 'mysql'
  readonly #world: EventWorld
  readonly #increments: Increments
  #lastMs: number | undefined

  constructor(world: EventWorld) {
    this.#world = world
    this.#increments = new Increments(2 * world.settings.top_query_collection.max_query_sample_count)
  }

  save(): Uint8Array {
    return this.#increments.save()
  }

  restore(state: Uint8Array): void {
    this.#increments.restore(state)
  }

  async scrape(signal: AbortSignal): Promise<Scraped<Logs>> {
    const { clock, ask, settings, resources, scope, resource, plans } = this.#world
    const { collection_interval, lookback_time, max_query_sample_count, top_query_count } =
      settings.top_query_collection
    const nowMs = clock.nowMs()
    // Whole seconds, rounded up, so that a collection that comes a little early is not left out.
    if (this.#lastMs !== undefined && Math.ceil((nowMs - this.#lastMs) / 1_000) * 1_000 < collection_interval)
      return nothing
    const timeUnixNano = clock.nowUnixNano()
    const version = await this.#world.version(signal)
    const rows = await ask(queries.topQueries(version, max_query_sample_count, lookback_time), signal)
    this.#lastMs = nowMs
    const statements = rows
      .flatMap((row) => this.#grown(row) ?? [])
      .sort((a, b) => b.time - a.time)
      .slice(0, top_query_count)
    const attributes = resources.make(resource(version))
    if (attributes === undefined || statements.length === 0) return nothing
    const builder = newLogs().resource(attributes).scope(scope.name, { version: scope.version })
    const slices = new Slices(clock)
    for (const { row, calls, time } of statements) {
      const {
        schema = '',
        digest = '',
        digest_text: digestText = '',
        sample_text: statement,
      } = row as Readonly<Record<string, string>>
      const plan = await plans.of(
        { digest, digestText, statement: statement ?? '', schema },
        queries.hasSampleText(version),
        signal,
      )
      builder.record({
        eventName: 'db.server.top_query',
        timeUnixNano,
        attributes: {
          'db.system.name': 'mysql',
          'db.query.text': statementText(digestText),
          'mysql.query_plan': plan.text,
          'mysql.query_plan.hash': plan.hash,
          'mysql.events_statements_summary_by_digest.digest': digest,
          'mysql.events_statements_summary_by_digest.count_star': calls,
          'mysql.events_statements_summary_by_digest.sum_timer_wait': double(time / picosecondsASecond),
        },
      })
      if (slices.isOver) await slices.pause()
    }
    const batch = builder.build()
    return { batch, scraped: batch.count, errored: 0 }
  }

  /** Undefined for a statement that is met first, as upstream, and for one that took no time since it was read last. */
  #grown(row: Row): { readonly row: Row; readonly calls: number; readonly time: number } | undefined {
    const key = JSON.stringify([row['schema'], row['digest']])
    const isKnown = this.#increments.has(key)
    const values = [anyNumber(row['count_star']) ?? 0, anyNumber(row['sum_timer_wait']) ?? 0]
    const [calls = 0, time = 0] = this.#increments.of(key, values)
    return isKnown && time > 0 ? { row, calls, time } : undefined
  }
}
