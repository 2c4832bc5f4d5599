/** The connections to one server: a pool for each database, every question in a read-only transaction of its own that the server ends in time. */
import { Pool, type PoolClient, type PoolConfig, type QueryResult } from 'pg'
import { clientTls } from '../../pipeline/net/tls.ts'
import type { Query, Row } from '../../pipeline/sql/answer.ts'
import { type Settings, splitEndpoint } from './config.ts'
import { mark } from './queries.ts'

/** Where questions about the whole server are asked. */
export const mainDatabase = 'postgres'
/** Databases to which connections are kept; with more of them, those that were asked longest ago are connected to anew. */
const maxPools = 32
const maxConnectMs = 10_000
const minStatementMs = 10_000
/** Connections to one database at once, unless `max_open` says otherwise: metrics and events each have one. */
const usualConnections = 2

/** Answers one question; what the server says against it is a `DatabaseError`, anything else means that it was not reached. */
export type Ask = (query: Query, database: string, signal: AbortSignal) => Promise<readonly Row[]>

export class Connections {
  readonly #settings: Settings
  readonly #ssl: PoolConfig['ssl']
  readonly #statementMs: number
  readonly #pools = new Map<string, { readonly pool: Pool; users: number }>()
  #isClosed = false

  /** Reads the TLS files: throws with the reason where they cannot be used. */
  constructor(settings: Settings) {
    this.#settings = settings
    this.#ssl = tlsOf(settings)
    this.#statementMs = settings.timeout > 0 ? settings.timeout : Math.max(settings.collection_interval, minStatementMs)
  }

  readonly ask: Ask = async (query, database, signal) => {
    const result = await this.using(database, signal, (client) =>
      // Several statements in one message are one transaction, which no pooler between can tear apart and which leaves nothing behind.
      client.query({ text: `${this.#limits()}; ${mark} ${query.sql}`, types: asText }),
    )
    const answers = result as unknown as readonly QueryResult<Record<string, string | null>>[]
    return answers.at(-1)!.rows
  }

  /** What every transaction begins with. */
  #limits(): string {
    return `${mark} SET TRANSACTION READ ONLY; ${mark} SET LOCAL statement_timeout = ${Math.ceil(this.#statementMs)}`
  }

  /** The plan of a statement of `pg_stat_statements` as JSON: its values are not known, so that of any values. The statement is never run. */
  explain(statement: string, database: string, signal: AbortSignal): Promise<string> {
    return this.using(database, signal, async (client) => {
      const run = (text: string) => client.query({ text, types: asText })
      // The extended protocol takes one statement only, whatever is in its text.
      const runOne = (text: string) => client.query({ text, types: asText, queryMode: 'extended' } as { text: string })
      await run(`BEGIN; ${this.#limits()}; ${mark} SET LOCAL plan_cache_mode = force_generic_plan`)
      let isPrepared = false
      try {
        await runOne(`${mark} PREPARE ${prepared} AS ${statement}`)
        isPrepared = true
        const nulls = Array.from({ length: parametersOf(statement) }, () => 'NULL')
        const values = nulls.length === 0 ? '' : `(${nulls.join(', ')})`
        const { rows } = await runOne(`${mark} EXPLAIN (FORMAT JSON) EXECUTE ${prepared}${values}`)
        return String((rows[0] as Row | undefined)?.['QUERY PLAN'] ?? '')
      } finally {
        await run(`${mark} ROLLBACK`)
        if (isPrepared) await run(`${mark} DEALLOCATE ${prepared}`)
      }
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map(({ pool }) => pool.end()))
  }

  /** A connection that an answer was not waited for on, or that broke, is not used again. */
  private async using<T>(database: string, signal: AbortSignal, run: (client: PoolClient) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const entry = this.#pool(database)
    entry.users++
    try {
      const client = await connected(entry.pool, signal)
      let failure: Error | undefined
      try {
        return await unlessAborted(run(client), signal)
      } catch (error) {
        failure = error as Error
        throw error
      } finally {
        client.release(failure !== undefined && !isRefusal(failure))
      }
    } finally {
      entry.users--
      await this.#closeOldest()
    }
  }

  #pool(database: string): { readonly pool: Pool; users: number } {
    if (this.#isClosed) throw new Error('the receiver was stopped')
    let entry = this.#pools.get(database)
    if (entry === undefined) {
      const pool = new Pool(poolConfig(this.#settings, this.#ssl, database))
      // A connection that breaks while nobody uses it is replaced at the next question.
      pool.on('error', () => {})
      // The pool hears idle connections only: a server that dies while one is lent, or says goodbye, would end the process.
      pool.on('connect', (client) => client.on('error', () => {}))
      entry = { pool, users: 0 }
    } else this.#pools.delete(database)
    this.#pools.set(database, entry)
    return entry
  }

  async #closeOldest(): Promise<void> {
    for (const [database, { pool, users }] of this.#pools) {
      if (this.#pools.size <= maxPools) return
      if (users > 0 || database === mainDatabase) continue
      this.#pools.delete(database)
      await pool.end()
    }
  }
}

/** Whether the server answered, and said no. */
export function isRefusal(error: unknown): boolean {
  return codeOf(error) !== undefined && !/^(?:08|57P)/.test(codeOf(error)!)
}

/** SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

const asText = { getTypeParser: () => (text: string) => text }
const prepared = 'otel_explained'

/** The highest `$n`: what stands in strings and comments is no parameter, but statements come without the values that they had. */
function parametersOf(statement: string): number {
  let highest = 0
  for (const [, digits] of statement.matchAll(/\$(\d{1,5})/g)) highest = Math.max(highest, Number(digits))
  return highest
}

function poolConfig(settings: Settings, ssl: PoolConfig['ssl'], database: string): PoolConfig {
  const { endpoint, transport, username, password, connection_pool: pool } = settings
  const { host, port } = splitEndpoint(endpoint)!
  const open = pool.max_open !== undefined && pool.max_open > 0 ? pool.max_open : usualConnections
  const idle = pool.max_idle ?? usualConnections
  return {
    host: transport === 'unix' ? `/${host}` : host === '' ? 'localhost' : host,
    port: Number(port),
    user: username,
    password,
    database,
    ssl: ssl === undefined || transport === 'unix' ? false : ssl,
    application_name: 'vigil',
    keepAlive: true,
    connectionTimeoutMillis: Math.min(maxConnectMs, settings.timeout > 0 ? settings.timeout : maxConnectMs),
    max: idle > 0 ? Math.min(open, Math.max(idle, 1)) : open,
    ...(idle > 0 ? {} : { maxUses: 1 }),
    idleTimeoutMillis: pool.max_idle_time ?? 0,
    maxLifetimeSeconds: (pool.max_lifetime ?? 0) / 1_000,
  }
}

/** As `sslmode` of PostgreSQL's own clients: `require`, which with a CA verifies the certificate but not the name, or `verify-full`. */
function tlsOf({ tls, endpoint }: Settings): PoolConfig['ssl'] {
  if (tls.insecure) return undefined
  const hasCa = tls.ca_file !== '' || tls.ca_pem !== ''
  const options = clientTls({ ...tls, insecure_skip_verify: tls.insecure_skip_verify && !hasCa })
  const { host } = splitEndpoint(endpoint) ?? { host: '' }
  return {
    ...options,
    host,
    ...(tls.insecure_skip_verify ? { checkServerIdentity: () => undefined } : {}),
  } as Exclude<PoolConfig['ssl'], undefined>
}

async function connected(pool: Pool, signal: AbortSignal): Promise<PoolClient> {
  const connecting = pool.connect()
  try {
    return await unlessAborted(connecting, signal)
  } catch (error) {
    // It may still come when nobody waits for it.
    if (signal.aborted) void connecting.then((client) => client.release(true)).catch(() => {})
    throw error
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}
