/** A real MariaDB for tests, with its performance schema on. */
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { freePort } from '../free-ports.ts'
import { accountOf, findProgram, runProgram, ServerProcess, serverFolder } from './local-server.ts'

export interface MariaDbServer {
  readonly port: number
  /** As root. */
  run(...statements: readonly string[]): Promise<void>
  stop(): Promise<void>
  /** After `stop`, on the same port with the same data. */
  start(): Promise<void>
  remove(): Promise<void>
}

/** Undefined where it is not installed. */
export async function startMariaDb(settings: readonly string[] = []): Promise<MariaDbServer | undefined> {
  const folders = ['/usr/sbin', '/usr/bin']
  const program = findProgram(['mariadbd'], folders)
  const install = findProgram(['mariadb-install-db'], folders)
  if (program === undefined || install === undefined) return undefined
  const account = await accountOf('mysql')
  const folder = await serverFolder('mdb', account)
  const data = join(folder, 'data')
  const made = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
  await runProgram(install, made, account, folder)
  const port = await freePort()
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--tmpdir=${folder}`,
    '--performance-schema=ON',
    '--performance-schema-instrument=%=ON',
    '--performance-schema-consumer-events-statements-current=ON',
    '--performance-schema-consumer-events-waits-current=ON',
    '--innodb-flush-log-at-trx-commit=0',
    ...settings,
  ]
  const server = new ServerProcess(program, args, account, folder)
  const run = async (...statements: readonly string[]) => {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 5_000 })
    try {
      for (const statement of statements) await connection.query(statement)
    } finally {
      connection.destroy()
    }
  }
  const start = () => server.start(() => run('SELECT 1'))
  await start()
  return { port, run, start, stop: () => server.stop('SIGTERM'), remove: () => server.remove() }
}
