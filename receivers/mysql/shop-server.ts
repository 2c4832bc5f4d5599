/** A real server with a small shop in it, for recordings and checks. */
import { type MariaDbServer, startMariaDb } from '../../pipeline/testing/servers/mariadb.ts'

export interface Shop {
  readonly server: MariaDbServer
  readonly username: string
  readonly password: string
}

/** Undefined where MariaDB is not installed. */
export async function startShop(): Promise<Shop | undefined> {
  const server = await startMariaDb()
  if (server === undefined) return undefined
  const [username, password] = ['otel', 'for tests only']
  await server.run(
    `CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`,
    `GRANT PROCESS, SLAVE MONITOR, SELECT ON *.* TO ${username}@'%'`,
    'CREATE DATABASE shop',
    'USE shop',
    'CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(200), amount decimal(10, 2), KEY by_amount (amount))',
    "INSERT INTO orders SELECT seq, repeat('x', 100), seq * 1.5 FROM seq_1_to_5000",
    'DELETE FROM orders WHERE id < 100',
    "SELECT count(*) FROM orders WHERE amount > 5.00 AND note = 'it''s me'",
  )
  return { server, username, password }
}
