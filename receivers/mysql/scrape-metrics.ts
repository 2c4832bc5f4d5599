/** One collection of metrics: the status variables, and what the performance schema says of tables, indexes and statements. */
import type { Clock } from '../../pipeline/component.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import type { Complaints } from '../../pipeline/scraping/complaints.ts'
import type { Scraped } from '../../pipeline/scraping/controller.ts'
import type { MetricRecorder } from '../../pipeline/scraping/metric-recorder.ts'
import { Slices } from '../../pipeline/slices.ts'
import { type Query, type Row, wholeNumber } from '../../pipeline/sql/answer.ts'
import type { Settings } from './config.ts'
import { type Ask, isRefusal } from './connections.ts'
import type { MetricName } from './metrics.ts'
import * as queries from './queries.ts'
import { statusVariables } from './status.ts'
import type { Version } from './version.ts'

export interface World {
  readonly settings: Settings
  readonly ask: Ask
  readonly version: (signal: AbortSignal) => Promise<Version>
  readonly clock: Clock
  readonly complaints: Complaints
  readonly resource: (version: Version) => Readonly<Record<string, string | undefined>>
}

/** What cannot be read counts as many metrics as upstream counts for it. */
const statusMetrics = 66
const tableMetrics = 8

export class MetricScraper {
  readonly name = 'mysql'
  readonly #world: World
  readonly #recorder: MetricRecorder<MetricName>
  #errored = 0

  constructor(world: World, recorder: MetricRecorder<MetricName>) {
    this.#world = world
    this.#recorder = recorder
  }

  async scrape(signal: AbortSignal): Promise<Scraped<Metrics>> {
    const { settings, clock, version: ask, resource } = this.#world
    const version = await ask(signal)
    const recorder = this.#recorder
    recorder.begin(clock.nowUnixNano())
    this.#errored = 0
    const slices = new Slices(clock)
    const each = async (query: Query, names: readonly MetricName[], errored: number, record: (row: Row) => void) => {
      if (!names.some((name) => recorder.isEnabled(name))) return
      for (const row of await this.#rows(query, errored, signal)) {
        record(row)
        if (slices.isOver) await slices.pause()
      }
    }
    await each(queries.bufferPoolSize, ['mysql.buffer_pool.limit'], 0, (row) =>
      this.#whole('mysql.buffer_pool.limit', row['size']),
    )
    await each(queries.tableWaits, ['mysql.table.io.wait.count', 'mysql.table.io.wait.time'], tableMetrics, (row) =>
      this.#ioWaits('table', row),
    )
    await each(queries.indexWaits, ['mysql.index.io.wait.count', 'mysql.index.io.wait.time'], tableMetrics, (row) =>
      this.#ioWaits('index', row),
    )
    await each(queries.tables, ofTables, tableMetrics, (row) => this.#table(row))
    const { digest_text_limit, limit, time_limit } = settings.statement_events
    const statements = queries.statements(digest_text_limit, limit, Math.trunc(time_limit / 1_000))
    await each(statements, ['mysql.statement_event.count', 'mysql.statement_event.wait.time'], tableMetrics, (row) =>
      this.#statement(row),
    )
    await each(queries.lockWaits, ofLocks, tableMetrics, (row) => this.#locks(row))
    this.#status(await this.#rows(queries.globalStatus, statusMetrics, signal))
    await each(queries.replicas(version), ['mysql.replica.time_behind_source', 'mysql.replica.sql_delay'], 0, (row) =>
      this.#replica(row),
    )
    recorder.emitFor(resource(version))
    return { batch: recorder.build(), scraped: recorder.metricCount, errored: this.#errored }
  }

  /** What the server says no to is counted and said once; what breaks the connection ends the collection. */
  async #rows(query: Query, errored: number, signal: AbortSignal): Promise<readonly Row[]> {
    const what = `MySQL did not answer the query ${query.name}.`
    try {
      const rows = await this.#world.ask(query, signal)
      this.#world.complaints.worked(what)
      return rows
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#errored += errored
      this.#world.complaints.failed(what, error, 'warn')
      return []
    }
  }

  #status(rows: readonly Row[]): void {
    const values = new Map(rows.map((row) => [row['Variable_name'] ?? '', row['Value']]))
    for (const [variable, { metric, attributes }] of statusVariables)
      this.#whole(metric, values.get(variable), ...attributes)
    for (const [metric, what] of [
      ['mysql.buffer_pool.data_pages', 'pages'],
      ['mysql.buffer_pool.usage', 'bytes'],
    ] as const) {
      const dirty = wholeNumber(values.get(`Innodb_buffer_pool_${what}_dirty`))
      const data = wholeNumber(values.get(`Innodb_buffer_pool_${what}_data`))
      if (dirty === undefined) continue
      this.#recorder.record(metric, dirty, 'dirty')
      if (data !== undefined) this.#recorder.record(metric, Number(data) - Number(dirty), 'clean')
    }
  }

  #table(row: Row): void {
    const [schema, table] = [row['schema'] ?? '', row['table'] ?? '']
    this.#whole('mysql.table.rows', row['table_rows'], table, schema)
    this.#whole('mysql.table.average_row_length', row['row_length'], table, schema)
    this.#whole('mysql.table.size', row['data'], table, schema, 'data')
    this.#whole('mysql.table.size', row['indexes'], table, schema, 'index')
  }

  #ioWaits(of: 'table' | 'index', row: Row): void {
    const [schema, table] = [row['schema'] ?? '', row['table'] ?? '']
    const where = of === 'table' ? [table, schema] : [table, schema, row['index'] ?? '']
    for (const operation of queries.ioOperations) {
      this.#whole(`mysql.${of}.io.wait.count`, row[`count_${operation}`], operation, ...where)
      this.#whole(`mysql.${of}.io.wait.time`, row[`time_${operation}`], operation, ...where)
    }
  }

  #statement(row: Row): void {
    const statement = [row['schema'] ?? '', row['digest'] ?? '', row['digest_text'] ?? '']
    for (const [column, kind] of Object.entries(queries.statementKinds))
      this.#whole('mysql.statement_event.count', row[column], ...statement, kind)
    this.#whole('mysql.statement_event.wait.time', row['wait_time'], ...statement)
  }

  #locks(row: Row): void {
    const table = [row['schema'] ?? '', row['table'] ?? '']
    for (const [access, kinds] of [
      ['read', queries.readLocks],
      ['write', queries.writeLocks],
    ] as const)
      for (const kind of kinds) {
        this.#whole(`mysql.table.lock_wait.${access}.count`, row[`count_${access}_${kind}`], ...table, kind)
        this.#whole(`mysql.table.lock_wait.${access}.time`, row[`time_${access}_${kind}`], ...table, kind)
      }
  }

  #replica(row: Row): void {
    this.#whole('mysql.replica.time_behind_source', row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'])
    this.#whole('mysql.replica.sql_delay', row['SQL_Delay'])
  }

  /** What the server does not say is no point, nor what it says wrongly: https://bugs.mysql.com/bug.php?id=59550 */
  #whole(name: MetricName, text: string | null | undefined, ...attributes: string[]): void {
    const value = wholeNumber(text)
    if (value !== undefined) this.#recorder.record(name, value, ...attributes)
  }
}

const ofTables: readonly MetricName[] = ['mysql.table.rows', 'mysql.table.average_row_length', 'mysql.table.size']
const ofLocks: readonly MetricName[] = [
  'mysql.table.lock_wait.read.count',
  'mysql.table.lock_wait.read.time',
  'mysql.table.lock_wait.write.count',
  'mysql.table.lock_wait.write.time',
]
