/** `node receivers/mysql/record.ts`: asks a real server all that the receiver asks, and writes the answers that `mysql.test.ts` reads. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Row } from '../../pipeline/sql/answer.ts'
import { config } from './config.ts'
import { Connections } from './connections.ts'
import * as queries from './queries.ts'
import { startShop } from './shop-server.ts'

const shop = await startShop()
if (shop === undefined) throw new Error('MariaDB is not installed: apt-get install mariadb-server')
const { server, username, password } = shop
const connections = new Connections(config.parse({ endpoint: `127.0.0.1:${server.port}`, username, password }))
const { signal } = new AbortController()
try {
  const version = await connections.version(signal)
  const asked = [
    queries.globalStatus,
    queries.bufferPoolSize,
    queries.tableWaits,
    queries.indexWaits,
    queries.tables,
    queries.statements(120, 250, 86_400),
    queries.lockWaits,
    queries.topQueries(version, 100, 60),
  ]
  const answers: Record<string, readonly Row[]> = {}
  for (const query of asked) {
    const rows = await connections.ask(query, signal)
    // Of the server's own hundreds of tables a few are enough.
    answers[query.name] = query === queries.tables ? rows.filter(({ schema }) => schema === 'shop') : rows
  }
  await writeFile(join(import.meta.dirname, 'answers.json'), `${JSON.stringify({ version, answers })}\n`)
} finally {
  await connections.close()
  await server.remove()
}
