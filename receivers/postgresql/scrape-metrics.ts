/** One collection of metrics: of the databases, of what is in each of them, and of the server. */
import type { Clock } from '../../pipeline/component.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import type { Complaints } from '../../pipeline/scraping/complaints.ts'
import type { Scraped } from '../../pipeline/scraping/controller.ts'
import { MetricRecorder } from '../../pipeline/scraping/metric-recorder.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { Slices } from '../../pipeline/slices.ts'
import { anyNumber, type Row, wholeNumber } from '../../pipeline/sql/answer.ts'
import type { Settings } from './config.ts'
import { type Ask, mainDatabase } from './connections.ts'
import { type MetricName, metrics } from './metrics.ts'
import * as queries from './queries.ts'
import { Questions } from './questions.ts'
import type { Place, ResourceValues, Shape } from './resource.ts'

export interface World {
  readonly settings: Settings
  readonly ask: Ask
  readonly clock: Clock
  readonly complaints: Complaints
  readonly shape: Shape
  readonly resource: (place?: Place) => ResourceValues
}

/** Unless the resource is the whole server, what a point is of stands in its resource. */
const ofResources = new Set(['db.namespace', 'db.collection.name', 'postgresql.index.name'])

export function newRecorder(
  { settings, shape }: World,
  scope: { readonly name: string; readonly version: string },
  startUnixNano: bigint,
): MetricRecorder<MetricName> {
  const kept = Object.fromEntries(
    Object.entries(settings.metrics).map(([name, one]) => [
      name,
      shape.isFlat ? one : { ...one, attributes: one.attributes.filter((key) => !ofResources.has(key)) },
    ]),
  ) as typeof settings.metrics
  const resources = new ResourceMaker(settings.resource_attributes, 'metrics')
  return new MetricRecorder<MetricName>(metrics, kept, { resources, scope, startUnixNano })
}

export class MetricScraper {
  readonly name = 'postgresql'
  readonly #world: World
  readonly #recorder: MetricRecorder<MetricName>

  constructor(world: World, recorder: MetricRecorder<MetricName>) {
    this.#world = world
    this.#recorder = recorder
  }

  async scrape(signal: AbortSignal): Promise<Scraped<Metrics>> {
    const { settings, ask, clock, complaints } = this.#world
    const listed =
      settings.databases.length > 0
        ? settings.databases
        : (await ask(queries.databaseNames, mainDatabase, signal)).flatMap(({ datname }) => datname ?? [])
    const excluded = new Set(settings.exclude_databases)
    const databases = listed.filter((name) => !excluded.has(name))
    const [server] = await ask(queries.server, mainDatabase, signal)

    const recorder = this.#recorder
    recorder.begin(clock.nowUnixNano())
    const questions = new Questions(ask, complaints, signal)
    const slices = new Slices(clock)
    if (databases.length > 0) await this.#databases(databases, questions, slices)
    recorder.record('postgresql.database.count', databases.length)
    await this.#server(server, questions)
    this.#emitFor()
    return { batch: recorder.build(), scraped: recorder.metricCount, errored: questions.failures }
  }

  /** In the flat shape everything is emitted at the end, with the server. */
  #emitFor(place?: Place): void {
    if (place === undefined || !this.#world.shape.isFlat) this.#recorder.emitFor(this.#world.resource(place))
  }

  async #databases(databases: readonly string[], questions: Questions, slices: Slices): Promise<void> {
    const byName = async (
      query: (databases: readonly string[]) => { name: string; sql: string },
      ...names: MetricName[]
    ) => {
      const rows = this.#isWanted(names) ? await questions.ask(query(databases)) : undefined
      return new Map((rows ?? []).map((row) => [row['datname'], row]))
    }
    const backends = await byName(queries.backends, 'postgresql.backends')
    const sizes = await byName(queries.databaseSizes, 'postgresql.db_size')
    const statistics = await byName(queries.databaseStatistics, ...Object.values(statisticMetrics))
    const conflicts = await byName(queries.conflicts, 'postgresql.query.conflicts')
    for (const database of databases) {
      await this.#tables(database, questions, slices)
      const whole = (name: MetricName, text: string | null | undefined, ...attributes: string[]) =>
        this.#whole(name, text, ...attributes, database)
      whole('postgresql.backends', backends.get(database)?.['backends'])
      whole('postgresql.db_size', sizes.get(database)?.['size'])
      const counted = statistics.get(database)
      for (const [column, name] of Object.entries(statisticMetrics)) whole(name, counted?.[column])
      for (const kind of ['tablespace', 'lock', 'snapshot', 'bufferpin', 'deadlock'])
        whole('postgresql.query.conflicts', conflicts.get(database)?.[`confl_${kind}`], kind)
      this.#emitFor({ database })
      await this.#indexes(database, questions, slices)
      await this.#functions(database, questions)
    }
  }

  async #tables(database: string, questions: Questions, slices: Slices): Promise<void> {
    if (!this.#isWanted(tableMetrics)) return
    const tables = await questions.ask(queries.tables, database)
    if (tables === undefined) return
    for (const row of tables) {
      const { schema, table } = nameOf(row)
      const namespace = namespaceOf(database, schema)
      const whole = (name: MetricName, column: string, ...attributes: string[]) =>
        this.#whole(name, row[column], ...attributes, namespace, table)
      whole('postgresql.rows', 'n_dead_tup', 'dead')
      whole('postgresql.rows', 'n_live_tup', 'live')
      for (const operation of ['ins', 'upd', 'del', 'hot_upd'])
        whole('postgresql.operations', `n_tup_${operation}`, operation)
      whole('postgresql.table.size', 'size')
      whole('postgresql.table.vacuum.count', 'vacuum_count')
      whole('postgresql.sequential_scans', 'seq_scan')
      for (const source of blockSources) whole('postgresql.blocks_read', source, source)
      this.#emitFor({ database, schema, table })
      if (slices.isOver) await slices.pause()
    }
    this.#recorder.record('postgresql.table.count', tables.length, database)
  }

  async #indexes(database: string, questions: Questions, slices: Slices): Promise<void> {
    if (!this.#isWanted(['postgresql.index.scans', 'postgresql.index.size'])) return
    for (const row of (await questions.ask(queries.indexes, database)) ?? []) {
      const { schema, table } = nameOf(row)
      const index = row['index'] ?? ''
      const namespace = namespaceOf(database, schema)
      this.#whole('postgresql.index.scans', row['idx_scan'], namespace, table, index)
      this.#whole('postgresql.index.size', row['size'], namespace, table, index)
      this.#emitFor({ database, schema, table, index })
      if (slices.isOver) await slices.pause()
    }
  }

  async #functions(database: string, questions: Questions): Promise<void> {
    if (!this.#isWanted(['postgresql.function.calls'])) return
    const rows = (await questions.ask(queries.functions, database)) ?? []
    for (const [schema, functions] of Map.groupBy(rows, ({ schema }) => schema ?? '')) {
      const namespace = namespaceOf(database, schema)
      for (const row of functions)
        this.#whole('postgresql.function.calls', row['calls'], row['function'] ?? '', namespace)
      if (this.#world.shape.hasSchema) this.#emitFor({ database, schema })
    }
    this.#emitFor({ database })
  }

  async #server(server: Row | undefined, questions: Questions): Promise<void> {
    const version = anyNumber(server?.['version']) ?? 0
    if (this.#isWanted(writerMetrics)) this.#writer((await questions.ask(queries.backgroundWriter(version)))?.[0])
    if (this.#isWanted(['postgresql.wal.age']))
      this.#whole('postgresql.wal.age', (await questions.ask(queries.walAge))?.[0]?.['age'])
    if (this.#isWanted(['postgresql.replication.data_delay', 'postgresql.wal.delay']))
      for (const row of (await questions.ask(queries.replication)) ?? []) this.#replica(row)
    this.#whole('postgresql.connection.max', server?.['max_connections'])
    if (this.#isWanted(['postgresql.database.locks']))
      for (const row of (await questions.ask(queries.locks)) ?? [])
        this.#whole(
          'postgresql.database.locks',
          row['locks'],
          row['relation'] ?? '',
          row['mode'] ?? '',
          row['locktype'] ?? '',
        )
  }

  #writer(row: Row | undefined): void {
    if (row === undefined) return
    this.#whole('postgresql.bgwriter.buffers.allocated', row['allocated'])
    for (const source of ['bgwriter', 'backend', 'checkpoints', 'backend_fsync'])
      this.#whole('postgresql.bgwriter.buffers.writes', row[source], source)
    for (const type of ['requested', 'scheduled']) this.#whole('postgresql.bgwriter.checkpoint.count', row[type], type)
    for (const type of ['sync', 'write']) this.#number('postgresql.bgwriter.duration', row[`${type}_time`], type)
    this.#whole('postgresql.bgwriter.maxwritten', row['maxwritten'])
  }

  /** `postgresql.wal.lag`, in whole seconds, is what upstream had before `postgresql.wal.delay`; as there it has no points. */
  #replica(row: Row): void {
    const client = row['client'] ?? 'unix'
    this.#whole('postgresql.replication.data_delay', row['pending'], client)
    for (const operation of ['write', 'replay', 'flush'])
      this.#number('postgresql.wal.delay', row[`${operation}_lag`], operation, client)
  }

  #isWanted(names: readonly MetricName[]): boolean {
    return names.some((name) => this.#recorder.isEnabled(name))
  }

  /** What the server does not say is no point. */
  #whole(name: MetricName, text: string | null | undefined, ...attributes: string[]): void {
    const value = wholeNumber(text)
    if (value !== undefined) this.#recorder.record(name, value, ...attributes)
  }

  #number(name: MetricName, text: string | null | undefined, ...attributes: string[]): void {
    const value = anyNumber(text)
    if (value !== undefined) this.#recorder.record(name, value, ...attributes)
  }
}

function nameOf(row: Row): { readonly schema: string; readonly table: string } {
  return { schema: row['schema'] ?? '', table: row['table'] ?? '' }
}

/** As OpenTelemetry names what is in a schema of PostgreSQL. */
function namespaceOf(database: string, schema: string): string {
  return schema === '' ? database : `${database}|${schema}`
}

/** By column of `pg_stat_database`. */
const statisticMetrics = {
  xact_commit: 'postgresql.commits',
  xact_rollback: 'postgresql.rollbacks',
  deadlocks: 'postgresql.deadlocks',
  temp_files: 'postgresql.temp_files',
  temp_bytes: 'postgresql.temp.io',
  tup_updated: 'postgresql.tup_updated',
  tup_returned: 'postgresql.tup_returned',
  tup_fetched: 'postgresql.tup_fetched',
  tup_inserted: 'postgresql.tup_inserted',
  tup_deleted: 'postgresql.tup_deleted',
  blks_hit: 'postgresql.blks_hit',
  blks_read: 'postgresql.blks_read',
} as const satisfies Record<string, MetricName>

const tableMetrics: readonly MetricName[] = [
  'postgresql.rows',
  'postgresql.operations',
  'postgresql.table.size',
  'postgresql.table.vacuum.count',
  'postgresql.table.count',
  'postgresql.sequential_scans',
  'postgresql.blocks_read',
]
const writerMetrics: readonly MetricName[] = [
  'postgresql.bgwriter.buffers.allocated',
  'postgresql.bgwriter.buffers.writes',
  'postgresql.bgwriter.checkpoint.count',
  'postgresql.bgwriter.duration',
  'postgresql.bgwriter.maxwritten',
]
const blockSources = ['heap', 'idx', 'toast', 'tidx'].flatMap((what) => [`${what}_read`, `${what}_hit`])
