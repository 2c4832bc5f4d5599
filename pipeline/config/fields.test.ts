import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { byteSize, componentId, duration, headers, level, list, optional, secret } from './fields.ts'

const tls = z.strictObject({ insecure: z.boolean().default(false) })

test('optional sections turn on and off as configoptional does', () => {
  const on = { insecure: false }
  const cases = [
    ['off', undefined, undefined],
    ['off', null, undefined],
    ['off', {}, on],
    ['off', { enabled: false }, undefined],
    ['off', { enabled: true, insecure: true }, { insecure: true }],
    ['on', undefined, undefined],
    ['on', null, on],
    ['on', {}, on],
    ['on', { enabled: false }, undefined],
    ['default-on', undefined, on],
    ['default-on', null, on],
    ['default-on', { enabled: false }, undefined],
  ] as const
  for (const [flavour, input, output] of cases) {
    const schema = z.strictObject({ tls: optional(tls, flavour) })
    const given = input === undefined ? {} : { tls: input }
    assert.deepEqual(schema.parse(given).tls, output, `${flavour} ${JSON.stringify(input)}`)
  }
})

test('durations come out in milliseconds, and a bare number is nanoseconds', () => {
  const schema = z.strictObject({ timeout: duration().default(5_000) })
  assert.deepEqual(schema.parse({}), { timeout: 5_000 })
  assert.deepEqual(schema.parse({ timeout: '1m' }), { timeout: 60_000 })
  assert.deepEqual(schema.parse({ timeout: 3_000_000 }), { timeout: 3 })
})

test('sizes take units of 1000 and of 1024', () => {
  const cases = [
    ['1024', 1024],
    ['1KiB', 1024],
    ['1kb', 1000],
    ['1.5 MiB', 1_572_864],
    [7, 7],
  ] as const
  for (const [text, bytes] of cases) assert.equal(byteSize().parse(text), bytes)
  for (const bad of ['MiB', '1XB', '-1', -1]) assert.equal(byteSize().safeParse(bad).success, false, String(bad))
})

test('headers come as a map or as a list, lists as text too', () => {
  const expected = [['a', 'b']]
  assert.deepEqual(headers().parse({ a: 'b' }), expected)
  assert.deepEqual(headers().parse([{ name: 'a', value: 'b' }]), expected)
  assert.deepEqual(headers().parse(undefined), [])
  assert.deepEqual(list(z.string()).parse('a,b'), ['a', 'b'])
  assert.deepEqual(list(z.string()).parse(''), [])
})

test('levels match in any case; ids must be ids', () => {
  assert.equal(level(['none', 'basic']).parse('BASIC'), 'basic')
  assert.match(level(['none', 'basic']).safeParse('loud').error?.message ?? '', /unknown metrics level \\"loud\\"/)
  assert.equal(componentId().parse('file_storage/a b'.replace(' ', '/')), 'file_storage/a/b')
  assert.equal(componentId().safeParse('a b').success, false)
})

test('JSON Schema says what kind of field it is', () => {
  const schema = z.strictObject({ a: duration().default(1), b: optional(tls, 'on').describe('x'), c: secret() })
  const { properties } = z.toJSONSchema(schema, { io: 'input' })
  const kinds = Object.values(properties ?? {}).map((field) => (field as { 'x-kind'?: string })['x-kind'])
  assert.deepEqual(kinds, ['duration', 'optional', 'secret'])
})
