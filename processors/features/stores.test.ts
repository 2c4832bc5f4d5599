import assert from 'node:assert/strict'
import { test } from 'node:test'
import { featuresOf, metrics, open, panes, tick } from './features.fixture.ts'

const postgresql = { 'service.name': 'unknown_service:postgresql', 'postgresql.database.name': 'shop' }
const cases: readonly {
  readonly called: string
  readonly system?: string
  readonly server: Record<string, string | bigint>
}[] = [
  { called: 'db1.internal/shop', server: { ...postgresql, 'service.instance.id': 'db1.internal:5432' } },
  { called: 'db1.internal:5433/shop', server: { ...postgresql, 'service.instance.id': 'db1.internal:5433' } },
  { called: 'fd00::1/shop', server: { ...postgresql, 'service.instance.id': '[fd00::1]:5432' } },
  {
    called: 'db1',
    server: { 'service.name': 'unknown_service:postgresql', 'server.address': 'db1', 'server.port': 5432n },
  },
  { called: 'db2', system: 'mysql', server: { 'mysql.instance.endpoint': 'db2:3306' } },
  { called: 'db2:3307', system: 'mysql', server: { 'mysql.instance.endpoint': 'db2:3307' } },
  // Of a server that has one database that anybody calls.
  { called: 'db2/shop', system: 'mysql', server: { 'mysql.instance.endpoint': 'db2:3306' } },
  { called: 'paydb', server: { 'service.name': 'paydb', 'service.instance.id': 'db1:5432' } },
]

for (const { called, system = 'postgresql', server } of cases)
  test(`what ${Object.values(server).join(' ')} says of itself is of ${called}, as spans name it`, async () => {
    const { take, emitted } = await open()
    for (let pane = 1; pane <= 4; pane++) {
      const at = { timeUnixNano: tick(pane) - 1_000_000_000n }
      await take(panes(pane, [{ name: called, kind: 'database', requests: 10 }]))
      await take(
        metrics((to) =>
          to
            .resource(server)
            .gauge(`${system}.backends`, [{ ...at, value: 30 }])
            .gauge(`${system}.connection.max`, [{ ...at, value: 40 }]),
        ),
      )
    }
    const of = featuresOf(emitted(), 3)
    assert.equal(of(`database ${called} vigil.pool.usage 1m`), 0.75)
  })

test('a server with two databases that are called is neither of them', async () => {
  const { take, emitted } = await open()
  for (let pane = 1; pane <= 20; pane++) {
    const at = { timeUnixNano: tick(pane) - 1_000_000_000n }
    await take(
      panes(
        pane,
        ['db2/shop', 'db2/stock'].map((name) => ({ name, kind: 'database', requests: 10 })),
      ),
    )
    const server = { 'mysql.instance.endpoint': 'db2:3306' }
    await take(
      metrics((to) =>
        to
          .resource(server)
          .gauge('mysql.threads', [{ ...at, value: 30, attributes: { kind: 'connected' } }])
          .gauge('mysql.connection.max', [{ ...at, value: 40 }]),
      ),
    )
  }
  const of = featuresOf(emitted(), 19)
  assert.equal(of('database db2 vigil.pool.usage 1m'), 0.75)
  for (const name of ['db2/shop', 'db2/stock']) assert.equal(of(`database ${name} vigil.pool.usage 1m`), undefined)
})
