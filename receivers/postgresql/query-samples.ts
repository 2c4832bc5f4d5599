/** `db.server.query_sample`: a log record for each statement that runs, or has run since the collection before. */
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import type { Scraped } from '../../pipeline/scraping/controller.ts'
import type { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import { Slices } from '../../pipeline/slices.ts'
import { anyNumber, type Row, wholeNumber } from '../../pipeline/sql/answer.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import { parseTraceparent } from '../../pipeline/telemetry/span.ts'
import { mainDatabase } from './connections.ts'
import * as queries from './queries.ts'
import type { World } from './scrape-metrics.ts'
import { statementText } from './statement-text.ts'

export interface EventWorld extends World {
  readonly resources: ResourceMaker
  readonly scope: { readonly name: string; readonly version: string }
  readonly logger: Logger
}

export class QuerySampleScraper {
  readonly name = 'postgresql'
  readonly #world: EventWorld
  /** The latest start of a statement that was seen, in seconds of the epoch. */
  #newest = 0

  constructor(world: EventWorld) {
    this.#world = world
  }

  async scrape(signal: AbortSignal): Promise<Scraped<Logs>> {
    const { ask, clock, settings, complaints, resources, scope, resource } = this.#world
    const timeUnixNano = clock.nowUnixNano()
    const [server] = await ask(queries.server, mainDatabase, signal)
    const { max_rows_per_query: limit } = settings.query_sample_collection
    const query = queries.querySamples(anyNumber(server?.['version']) ?? 0, this.#newest, limit)
    const rows = await ask(query, mainDatabase, signal)
    const isHidden = ({ query }: Row) => query === '<insufficient privilege>'
    const hidden = rows.filter(isHidden).length
    const what = 'Statements of other roles were not read: GRANT pg_monitor to the role.'
    if (hidden > 0) complaints.failed(what, `${hidden} of ${rows.length} sessions`, 'warn')
    else complaints.worked(what)

    const attributes = resources.make(resource())
    if (attributes === undefined) return { batch: undefined, scraped: 0, errored: hidden }
    const builder = newLogs().resource(attributes).scope(scope.name, { version: scope.version })
    const slices = new Slices(clock)
    for (const row of rows) {
      this.#newest = Math.max(this.#newest, anyNumber(row['started']) ?? 0)
      if (isHidden(row)) continue
      const trace = parseTraceparent(row['application_name'] ?? '')
      builder.record({
        eventName: 'db.server.query_sample',
        timeUnixNano,
        attributes: attributesOf(row),
        ...(trace === undefined ? {} : { traceId: trace.traceId, spanId: trace.spanId }),
      })
      if (slices.isOver) await slices.pause()
    }
    const batch = builder.build()
    return { batch, scraped: batch.count, errored: hidden }
  }
}

function attributesOf(row: Row) {
  const text = (column: string) => row[column] ?? ''
  const whole = (column: string) => wholeNumber(row[column]) ?? 0
  return {
    'db.system.name': 'postgresql',
    'db.namespace': text('datname'),
    'db.query.text': statementText(text('query')),
    'user.name': text('usename'),
    'postgresql.state': text('state'),
    'postgresql.pid': whole('pid'),
    'postgresql.application_name': text('application_name'),
    'network.peer.address': text('client_addr'),
    'network.peer.port': whole('client_port'),
    'postgresql.client_hostname': text('client_hostname'),
    'postgresql.query_start': text('query_start'),
    'postgresql.wait_event': text('wait_event'),
    'postgresql.wait_event_type': text('wait_event_type'),
    'postgresql.query_id': text('query_id'),
    // In milliseconds here, in seconds in `db.server.top_query`: as upstream.
    'postgresql.total_exec_time': double(anyNumber(row['duration_ms']) ?? 0),
    'postgresql.blocking.pids': text('blocking_pids'),
    'postgresql.blocking.start_time': text('blocking_start'),
    'postgresql.blocking.wait_duration': whole('blocking_wait'),
    'postgresql.blocking.lock.mode': text('lock_mode'),
    'postgresql.blocking.lock.type': text('lock_type'),
    'postgresql.blocking.lock.relation': text('lock_relation'),
    'postgresql.blocking.transaction.start_time': text('transaction_start'),
  }
}
