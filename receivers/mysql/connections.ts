/** The connections to one server, read-only, with statements that the server ends in time. */
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2/promise'
import { clientTls } from '../../pipeline/net/tls.ts'
import type { Query, Row } from '../../pipeline/sql/answer.ts'
import { type Settings, splitEndpoint } from './config.ts'
import { type Version, versionOf } from './version.ts'

const connections = 2
const connectMs = 10_000
const minStatementMs = 10_000

export type Ask = (query: Query, signal: AbortSignal) => Promise<readonly Row[]>

export class Connections {
  readonly #pool: Pool
  readonly #statementMs: number
  /** Those that were told what they may do. */
  readonly #prepared = new WeakMap<object, Version>()

  /** Reads the TLS files: throws with the reason where they cannot be used. */
  constructor(settings: Settings) {
    this.#pool = createPool(poolOptions(settings))
    this.#statementMs = settings.timeout > 0 ? settings.timeout : Math.max(settings.collection_interval, minStatementMs)
  }

  readonly ask: Ask = ({ sql }, signal) => this.#using(signal, (connection) => this.#rows(connection, sql))

  /** Of the server that answers now: it may be another one than before. */
  version(signal: AbortSignal): Promise<Version> {
    return this.#using(signal, (connection) => Promise.resolve(this.#prepared.get(raw(connection))!))
  }

  /** The plan of a statement as JSON. The statement is not run, and it is one statement, whatever is in its text. */
  explain(statement: string, schema: string, signal: AbortSignal): Promise<string> {
    return this.#using(signal, async (connection) => {
      if (schema !== '') await connection.query(`/* otel-collector-ignore */ USE \`${schema.replaceAll('`', '``')}\``)
      const [row] = await this.#rows(connection, `EXPLAIN FORMAT=json ${statement.trim()}`)
      return Object.values(row ?? {})[0] ?? ''
    })
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #rows(connection: PoolConnection, sql: string): Promise<readonly Row[]> {
    const [rows] = await connection.query({ sql, timeout: this.#statementMs + 1_000, typeCast: asText })
    return rows as readonly Row[]
  }

  /** A connection that an answer was not waited for on, or that broke, is not used again. */
  async #using<T>(signal: AbortSignal, run: (connection: PoolConnection) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const connecting = this.#pool.getConnection()
    const connection = await unlessAborted(connecting, signal).catch((error: unknown) => {
      // It may still come when nobody waits for it.
      if (signal.aborted) void connecting.then((late) => late.destroy()).catch(() => {})
      throw error
    })
    try {
      const result = await unlessAborted(
        this.#prepare(connection).then(() => run(connection)),
        signal,
      )
      connection.release()
      return result
    } catch (error) {
      if (isRefusal(error)) connection.release()
      else connection.destroy()
      throw error
    }
  }

  async #prepare(connection: PoolConnection): Promise<void> {
    if (this.#prepared.has(raw(connection))) return
    const [row] = await this.#rows(connection, '/* otel-collector-ignore */ SELECT VERSION() AS version')
    const version = versionOf(row?.['version'] ?? '')
    await connection.query('SET SESSION TRANSACTION READ ONLY')
    const limit = version.isMariaDb
      ? `max_statement_time = ${this.#statementMs / 1_000}`
      : `max_execution_time = ${Math.ceil(this.#statementMs)}`
    // Servers before 5.7 have no such limit; the time that is waited for the answer is limited in any case.
    await connection.query(`SET SESSION ${limit}`).catch((error: unknown) => {
      if (!isRefusal(error)) throw error
    })
    this.#prepared.set(raw(connection), version)
  }
}

/** The pool wraps a connection anew each time. */
function raw(connection: PoolConnection): object {
  return (connection as unknown as { readonly connection: object }).connection
}

/** Whether the server answered, and said no. */
export function isRefusal(error: unknown): boolean {
  const { errno, fatal } = error as { errno?: unknown; fatal?: unknown }
  return typeof errno === 'number' && errno >= 1_000 && fatal !== true
}

function asText(field: { string(): string | null }): string | null {
  return field.string()
}

function poolOptions(settings: Settings): PoolOptions {
  const { endpoint, transport, username, password, database } = settings
  const options = settings.tls.insecure ? undefined : clientTls(settings.tls)
  const isVerified = !settings.tls.insecure_skip_verify
  return {
    ...(transport === 'unix' ? { socketPath: endpoint } : splitEndpoint(endpoint)),
    user: username,
    password,
    ...(database === '' ? {} : { database }),
    connectionLimit: connections,
    maxIdle: connections,
    queueLimit: 100,
    connectTimeout: Math.min(connectMs, settings.timeout > 0 ? settings.timeout : connectMs),
    enableKeepAlive: true,
    multipleStatements: false,
    ...(settings.allow_native_passwords ? {} : { authPlugins: { mysql_native_password: refuseNativePassword } }),
    ...(options === undefined
      ? {}
      : {
          ssl: {
            ...(options.ca === undefined ? {} : { ca: options.ca as string[] }),
            ...(options.cert === undefined ? {} : { cert: options.cert as string }),
            ...(options.key === undefined ? {} : { key: options.key as string }),
            minVersion: 'TLSv1.2',
            rejectUnauthorized: isVerified,
            verifyIdentity: isVerified,
          },
        }),
  }
}

function refuseNativePassword(): never {
  throw new Error('the server asks for mysql_native_password, which allow_native_passwords: false rules out')
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}
