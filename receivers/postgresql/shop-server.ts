/** A real server with a small shop in it, for recordings and checks. */
import { type PostgresServer, startPostgres } from '../../pipeline/testing/servers/postgres.ts'

export interface Shop {
  readonly server: PostgresServer
  readonly username: string
  readonly password: string
}

/** Undefined where PostgreSQL is not installed. */
export async function startShop(): Promise<Shop | undefined> {
  const server = await startPostgres(['archive_mode=on', 'archive_command=/bin/true'])
  if (server === undefined) return undefined
  const [username, password] = ['otel', 'for tests only']
  await server.run(`CREATE ROLE ${username} LOGIN PASSWORD '${password}'; GRANT pg_monitor TO ${username}`)
  await server.run('CREATE EXTENSION pg_stat_statements')
  await server.run('CREATE DATABASE shop')
  await server.run(
    `CREATE SCHEMA sales;
     CREATE TABLE sales.orders (id bigint PRIMARY KEY, note text, amount numeric);
     CREATE TABLE items (id int, order_id bigint);
     CREATE INDEX items_order ON items (order_id);
     CREATE FUNCTION price(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END';
     CREATE FUNCTION price(b text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
     GRANT USAGE ON SCHEMA sales TO ${username};
     GRANT SELECT ON ALL TABLES IN SCHEMA sales, public TO ${username}`,
    'shop',
  )
  const rows = 5_000
  for (const statement of [
    `INSERT INTO sales.orders SELECT i, repeat('x', 100), i * 1.5 FROM generate_series(1, ${rows}) i`,
    `INSERT INTO items SELECT i, i FROM generate_series(1, ${rows}) i`,
    'DELETE FROM items WHERE id < 100',
    "SELECT price(1), price('x')",
    'VACUUM ANALYZE sales.orders',
    "SELECT count(*) FROM sales.orders o JOIN items i ON i.order_id = o.id WHERE o.amount > 5.00 AND o.note = 'it''s me'",
  ])
    await server.run(statement, 'shop')
  await server.run('SELECT pg_switch_wal()')
  return { server, username, password }
}
