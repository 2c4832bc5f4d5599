import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { queryWithoutValues } from './query-text.ts'
import { addressName, databaseName, operationName } from './span-names.ts'

suite('operations', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['GET', 'GET', '/orders/{id}', 'GET /orders/{id}'],
    ['whatever', '', '/orders/{id}', '/orders/{id}'],
    ['whatever', '_OTHER', '/orders', '/orders'],
    ['shop.Payment/Charge', '', '', 'shop.Payment/Charge'],
    ['GET /users/12345/cart/7', '', '', 'GET /users/{id}/cart/{id}'],
    ['GET /users/2f1b6f3e-0d3b-4f5c-9b0a-1f2e3d4c5b6a', '', '', 'GET /users/{id}'],
    ['GET /o/507f1f77bcf86cd799439011?x=1', '', '', 'GET /o/{id}?x=1'],
    ['GET /v2/items/4th', '', '', 'GET /v2/items/4th'],
    ['process 77', '', '', 'process 77'],
    ['x'.repeat(1_000), '', '', 'x'.repeat(256)],
  ]
  for (const [name, method, route, expected] of cases)
    test(`${name.slice(0, 50)} ${route}`, () => assert.equal(operationName(name, method, route), expected))
})

suite('addresses and databases', () => {
  test('the port that everybody uses is not part of a name', () => {
    assert.deepEqual(
      [addressName('db', '5432', 'postgresql'), addressName('db', '5433', 'postgresql'), addressName('api', '443', '')],
      ['db', 'db:5433', 'api'],
    )
  })
  test('a database is its address and its namespace, as far as they are known and differ', () => {
    assert.deepEqual(
      [
        databaseName('db-1', 'shop', '', 'mysql'),
        databaseName('shop', 'shop', '', 'mysql'),
        databaseName('', 'shop', '', 'mysql'),
        databaseName('', '', 'orders-db', 'mysql'),
        databaseName('', '', '', 'mysql'),
      ],
      ['db-1/shop', 'shop', 'shop', 'orders-db', 'mysql'],
    )
  })
})

suite('a query without its values', () => {
  const cases: readonly (readonly [system: string, text: string, expected: string])[] = [
    ['postgresql', 'SELECT * FROM a WHERE id = 5', 'SELECT * FROM a WHERE id = ?'],
    ['postgresql', 'SELECT * FROM a WHERE id = $1 AND b = :name', 'SELECT * FROM a WHERE id = ? AND b = :name'],
    ['postgresql', "WHERE name = 'O''Brien' AND x = E'\\'y'", 'WHERE name = ? AND x = ?'],
    ['postgresql', "x = 'never ends 77", 'x = ?'],
    ['postgresql', 'SELECT "order"."id" FROM t1 -- for Ada\nWHERE x', 'SELECT "order"."id" FROM t1 WHERE x'],
    ['postgresql', 'SELECT $tag$ secret $tag$, $$x$$ /* 7 */', 'SELECT ?, ?'],
    ['postgresql', 'SELECT a::int4, 1.5e-3, .5, 0xFF, x-1, y + -2', 'SELECT a::int4, ?, ?, ?, x-?, y + -?'],
    ['postgresql', 'WHERE id IN (1, 2,3) AND b IN ($1, $2)', 'WHERE id IN (?) AND b IN (?)'],
    ['postgresql', "INSERT INTO t VALUES (1, 'a'), (2, 'b')", 'INSERT INTO t VALUES (?)'],
    ['mysql', 'SELECT `a` FROM t2 WHERE n = "Ada"', 'SELECT `a` FROM t2 WHERE n = ?'],
    ['mssql', "SELECT [a b] FROM t WHERE x = N'é' AND y = @p1", 'SELECT [a b] FROM t WHERE x = ? AND y = @p1'],
    ['mongodb', '{"find": "orders", "filter": {"id": 5, "n": "x"}}', '{"find": ?, "filter": {"id": ?, "n": ?}}'],
    ['elasticsearch', '{"ids": [1, 2, 3]}', '{"ids": [?]}'],
    ['postgresql', '  a \n\t b  ', 'a b'],
  ]
  for (const [system, text, expected] of cases)
    test(`${system}: ${text}`, () => assert.equal(queryWithoutValues(text, system), expected))

  test('no text in quotes and no number stays, and it never takes long', () => {
    const secret = 'S3CRET'
    const part = fc.oneof(
      fc.constantFrom('SELECT', ' ', 'a1', '(', ')', ',', '=', '--\n', '/* x */', '"x"', '$1', '::', '.', '-', '\\'),
      fc.constantFrom(` '${secret}' `, ` 'it''s ${secret}' `, ` 987654321 `, ` -98765.4321 `, ` N'${secret}' `),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const text = queryWithoutValues(parts.join(''), 'postgresql')
        assert.ok(!text.includes(secret) && !/98765/.test(text), `${parts.join('')} became ${text}`)
      }),
      { numRuns: 500 },
    )
    for (const hostile of ["'", '"', '/*', '$a$', '$', '(?,', '[a', '{"', '1.', '--', '\\'])
      queryWithoutValues(hostile.repeat(100_000), 'postgresql')
  })
})
