/** `node receivers/postgresql/record.ts`: asks a real server all that the receiver asks, and writes the answers that `postgresql.test.ts` reads. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Query, Row } from '../../pipeline/sql/answer.ts'
import { config } from './config.ts'
import { Connections } from './connections.ts'
import * as queries from './queries.ts'
import { startShop } from './shop-server.ts'

const shop = await startShop()
if (shop === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
const { server, username, password } = shop
const connections = new Connections(
  config.parse({ endpoint: `127.0.0.1:${server.port}`, username, password, tls: { insecure: true } }),
)
const databases = ['postgres', 'shop']
const version = 150_000
const ofServer: readonly Query[] = [
  queries.server,
  queries.databaseNames,
  queries.backends(databases),
  queries.databaseSizes(databases),
  queries.databaseStatistics(databases),
  queries.conflicts(databases),
  queries.backgroundWriter(version),
  queries.walAge,
  queries.replication,
  queries.locks,
  queries.querySamples(version, 0, 100),
  queries.topQueries(version, 100),
]
const ofDatabase = [queries.tables, queries.indexes, queries.functions]
const answers: Record<string, Record<string, readonly Row[]>> = {}
try {
  const { signal } = new AbortController()
  for (const database of databases) {
    const asked = database === 'postgres' ? [...ofServer, ...ofDatabase] : ofDatabase
    answers[database] = {}
    for (const query of asked) answers[database][query.name] = await connections.ask(query, database, signal)
  }
  await writeFile(join(import.meta.dirname, 'answers.json'), `${JSON.stringify(answers, undefined, 1)}\n`)
} finally {
  await connections.close()
  await server.remove()
}
