import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyNumber, wholeNumber } from './answer.ts'
import { obfuscateSql } from './obfuscate.ts'
import { obfuscatePlan } from './obfuscate-plan.ts'
import { type SqlDialect, SqlError } from './tokens.ts'

/** Made by upstream's obfuscator: `testdata/obfuscate.go`. */
const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'testdata/obfuscated.json'), 'utf8')) as readonly {
  readonly dialect: SqlDialect
  readonly text: string
  readonly result?: string
  readonly error?: string
}[]

test('statements come out as from the obfuscator of upstream', () => {
  for (const { dialect, text, result } of cases) {
    const made = () => obfuscateSql(text, dialect, { keepAliases: dialect === 'postgresql' })
    if (result === undefined) assert.throws(made, SqlError, text)
    else assert.equal(made(), result, text)
  }
})

test('a literal never survives, whatever stands around it', () => {
  const around = fc.array(
    fc.constantFrom('SELECT', 'a', '(', ')', ',', '=', 'IN', 'AS', '/* c */', '::', '-', ';', 'VALUES'),
  )
  fc.assert(
    fc.property(around, around, fc.constantFrom<SqlDialect>('postgresql', 'mysql'), (before, after, dialect) => {
      const text = `${before.join(' ')} 'classified' ${after.join(' ')}`
      try {
        assert.doesNotMatch(obfuscateSql(text, dialect, { keepAliases: false }), /classified/)
      } catch (error) {
        if (!(error instanceof SqlError)) throw error
      }
    }),
  )
})

test('a text of a megabyte takes no time that somebody would notice', () => {
  for (const text of [
    `SELECT ${'('.repeat(1e6)}`,
    `SELECT ${"'a', ".repeat(2e5)}`,
    `SELECT ${'a.'.repeat(5e5)}`,
    ' '.repeat(1e6),
  ]) {
    const startMs = performance.now()
    try {
      obfuscateSql(text, 'postgresql')
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
    }
    assert.ok(performance.now() - startMs < 5_000)
  }
})

const keys = {
  dialect: 'postgresql',
  keepAliases: true,
  keep: new Set(['Cost', 'Kept']),
  sql: new Set(['Filter']),
} as const

test('of a plan stays what is harmless, as it was written', () => {
  const plan =
    '[ {"Plan": {"Cost": 1.50, "Secret": {"a": [1, "b"]}, "Filter": "(a = \'x\')", "Kept": [{"c": "d"}], "Filters": null } } ]'
  assert.equal(
    obfuscatePlan(plan, keys),
    '[{"Plan":{"Cost":1.50,"Secret":{"a":["?","?"]},"Filter":"( a = ? )","Kept":[{"c":"d"}],"Filters":"?"}}]',
  )
  assert.equal(obfuscatePlan('{"Filter": ["a = 1"], "Filter": "\'"}', keys), '{"Filter":["?"],"Filter":"?"}')
})

test('what is no plan is refused, however deep', () => {
  for (const text of ['', '{', '{"a" 1}', '[1 2]', '{} x', '['.repeat(100_000)])
    assert.throws(() => obfuscatePlan(text, keys), SyntaxError, text.slice(0, 9))
})

test('numbers keep all their digits', () => {
  assert.deepEqual(['7', '-9223372036854775808', '18446744073709551615', '1.5', '', null, undefined].map(wholeNumber), [
    7,
    -9223372036854775808n,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  assert.deepEqual(['1.5', '1e3', ' ', 'NaN', null].map(anyNumber), [1.5, 1000, undefined, undefined, undefined])
})
