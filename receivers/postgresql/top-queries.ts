/** `db.server.top_query`: a log record for each of the statements that took the most time since the collection before, with its plan. */
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import type { Scraped } from '../../pipeline/scraping/controller.ts'
import { ExpiringCache } from '../../pipeline/scraping/expiring-cache.ts'
import { Increments } from '../../pipeline/scraping/increments.ts'
import { Slices } from '../../pipeline/slices.ts'
import { anyNumber, type Row } from '../../pipeline/sql/answer.ts'
import { codeOf, mainDatabase } from './connections.ts'
import * as queries from './queries.ts'
import type { EventWorld } from './query-samples.ts'
import { isExplainable, planText, statementText } from './statement-text.ts'

/** What grows with every call, in the order of the record's attributes. */
const counters = [
  'calls',
  'rows',
  'shared_blks_dirtied',
  'shared_blks_hit',
  'shared_blks_read',
  'shared_blks_written',
  'temp_blks_read',
  'temp_blks_written',
  'total_exec_time',
  'total_plan_time',
] as const
const execTime = counters.indexOf('total_exec_time')
const planTime = counters.indexOf('total_plan_time')

export type Explain = (statement: string, database: string, signal: AbortSignal) => Promise<string>

interface Statement {
  readonly row: Row
  readonly database: string
  readonly grown: readonly number[]
}

export class TopQueryScraper {
  readonly name = 'postgresql'
  readonly #world: EventWorld
  readonly #explain: Explain
  readonly #increments: Increments
  /** By query: an empty text where it could not be explained, so that it is not tried at each collection. */
  readonly #plans: ExpiringCache<string>
  #lastMs: number | undefined

  constructor(world: EventWorld, explain: Explain) {
    this.#world = world
    this.#explain = explain
    const { max_rows_per_query, query_plan_cache_size, query_plan_cache_ttl } = world.settings.top_query_collection
    this.#increments = new Increments(2 * max_rows_per_query)
    this.#plans = new ExpiringCache(query_plan_cache_size, query_plan_cache_ttl, () => world.clock.nowMs())
  }

  save(): Uint8Array {
    return this.#increments.save()
  }

  restore(state: Uint8Array): void {
    this.#increments.restore(state)
  }

  async scrape(signal: AbortSignal): Promise<Scraped<Logs>> {
    const { clock, settings, resources, scope, resource } = this.#world
    const { collection_interval, top_n_query } = settings.top_query_collection
    const nowMs = clock.nowMs()
    const nothing = { batch: undefined, scraped: 0, errored: 0 }
    // Whole seconds, rounded up, so that a collection that comes a little early is not left out.
    if (this.#lastMs !== undefined && Math.ceil((nowMs - this.#lastMs) / 1_000) * 1_000 < collection_interval)
      return nothing
    const timeUnixNano = clock.nowUnixNano()
    const rows = await this.#rows(signal)
    this.#lastMs = nowMs
    if (rows === undefined) return { ...nothing, errored: 1 }

    const statements = rows
      .flatMap((row) => this.#grown(row) ?? [])
      .sort((a, b) => b.grown[execTime]! - a.grown[execTime]!)
      .slice(0, Math.max(0, top_n_query))
    const attributes = resources.make(resource())
    if (attributes === undefined || statements.length === 0) return nothing
    const builder = newLogs().resource(attributes).scope(scope.name, { version: scope.version })
    const slices = new Slices(clock)
    let explained = 0
    for (const { row, database, grown } of statements) {
      let plan = this.#plans.get(row['queryid']!)
      if (plan === undefined && explained < settings.top_query_collection.max_explain_each_interval) {
        explained++
        plan = await this.#planOf(row, database, signal)
        this.#plans.set(row['queryid']!, plan)
      }
      builder.record({
        eventName: 'db.server.top_query',
        timeUnixNano,
        attributes: attributesOf(row, database, grown, plan ?? ''),
      })
      if (slices.isOver) await slices.pause()
    }
    const batch = builder.build()
    return { batch, scraped: batch.count, errored: 0 }
  }

  async #rows(signal: AbortSignal): Promise<readonly Row[] | undefined> {
    const { ask, settings, complaints } = this.#world
    const [server] = await ask(queries.server, mainDatabase, signal)
    const version = anyNumber(server?.['version']) ?? 0
    const missing =
      'Top queries were not read: CREATE EXTENSION pg_stat_statements in the database postgres, and name it in shared_preload_libraries.'
    try {
      const rows = await ask(
        queries.topQueries(version, settings.top_query_collection.max_rows_per_query),
        mainDatabase,
        signal,
      )
      complaints.worked(missing)
      return rows
    } catch (error) {
      const isMissing = ['42P01', '55000'].includes(codeOf(error) ?? '')
      if (!isMissing) throw error
      complaints.failed(missing, error, 'warn')
      return undefined
    }
  }

  /** Undefined for a statement that took no time since it was read last. */
  #grown(row: Row): Statement | undefined {
    const database = row['datname']
    const { queryid, rolname, toplevel } = row
    if (database === null || database === undefined || queryid === null || queryid === undefined) return undefined
    const key = JSON.stringify([queryid, database, rolname, toplevel])
    const grown = this.#increments.of(
      key,
      counters.map((column) => anyNumber(row[column]) ?? 0),
    )
    return grown[execTime] === 0 ? undefined : { row, database, grown }
  }

  async #planOf(row: Row, database: string, signal: AbortSignal): Promise<string> {
    const statement = row['query'] ?? ''
    if (!isExplainable(statement)) return ''
    try {
      return planText(await this.#explain(statement, database, signal))
    } catch (error) {
      signal.throwIfAborted()
      // Parameters of unknown types, tables that are gone, rights that the role has not: not worth a line each.
      this.#world.logger.debug('A statement was not explained.', { queryid: row['queryid'], error: String(error) })
      return ''
    }
  }
}

function attributesOf(row: Row, database: string, grown: readonly number[], plan: string) {
  const counted = Object.fromEntries(counters.slice(0, execTime).map((name, i) => [`postgresql.${name}`, grown[i]!]))
  return {
    'db.system.name': 'postgresql',
    'db.namespace': database,
    'db.query.text': statementText(row['query'] ?? ''),
    ...counted,
    'postgresql.queryid': row['queryid'] ?? '',
    'postgresql.rolname': row['rolname'] ?? '',
    'postgresql.total_exec_time': double(grown[execTime]! / 1_000),
    'postgresql.total_plan_time': double(grown[planTime]! / 1_000),
    'postgresql.query_plan': plan,
  }
}
