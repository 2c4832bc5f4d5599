/** A real PostgreSQL for tests, with `pg_stat_statements`. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { freePort } from '../free-ports.ts'
import { accountOf, findProgram, runProgram, ServerProcess, serverFolder } from './local-server.ts'

export interface PostgresServer {
  readonly port: number
  readonly password: string
  /** Where its socket lies. */
  readonly folder: string
  /** As the superuser. */
  run(sql: string, database?: string): Promise<void>
  stop(): Promise<void>
  /** After `stop`, on the same port with the same data. */
  start(): Promise<void>
  remove(): Promise<void>
}

/** Undefined where it is not installed. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer | undefined> {
  const postgres = findProgram(['postgres'], debianFolders())
  const initdb = findProgram(['initdb'], debianFolders())
  if (postgres === undefined || initdb === undefined) return undefined
  const account = await accountOf('postgres')
  const folder = await serverFolder('pg', account)
  const data = join(folder, 'data')
  await runProgram(
    initdb,
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'],
    account,
    folder,
  )
  const port = await freePort()
  const password = 'for tests only'
  const given = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'shared_preload_libraries=pg_stat_statements',
    'compute_query_id=on',
    'track_io_timing=on',
    'track_functions=all',
    ...settings,
  ]
  const args = ['-D', data, '-p', String(port), ...given.flatMap((setting) => ['-c', setting])]
  const server = new ServerProcess(postgres, args, account, folder)
  const run = async (sql: string, database = 'postgres') => {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
  const start = () => server.start(() => run('SELECT 1'))
  await start()
  await run(`ALTER ROLE postgres PASSWORD '${password}'`)
  return { port, password, folder, run, start, stop: () => server.stop('SIGINT'), remove: () => server.remove() }
}

/** Newest first; Debian keeps the programs of a version out of PATH. */
function debianFolders(): readonly string[] {
  const root = '/usr/lib/postgresql'
  try {
    return readdirSync(root)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(root, version, 'bin'))
  } catch {
    return []
  }
}
