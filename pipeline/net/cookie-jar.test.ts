import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CookieJar } from './cookie-jar.ts'

const traces = new URL('https://backend.example:4318/v1/traces')
const metrics = new URL('https://backend.example:4318/v1/metrics')

test('a cookie goes back to its host, below its path, until it ends', () => {
  const jar = new CookieJar()
  jar.store(traces, ['sticky=a1; Path=/; HttpOnly', 'deep=x; Max-Age=10', 'own=1; Path=/v1/traces'], 0)
  assert.equal(jar.header(traces, 1), 'own=1; deep=x; sticky=a1')
  assert.equal(jar.header(metrics, 1), 'deep=x; sticky=a1')
  assert.equal(jar.header(metrics, 10_000), 'sticky=a1')
  assert.equal(jar.header(new URL('https://other.example/v1/traces'), 1), undefined)
})

test('a new value takes the place of the old, and one that has ended removes it', () => {
  const jar = new CookieJar()
  jar.store(traces, ['a=1; Path=/'], 0)
  jar.store(metrics, ['a=2; Path=/'], 0)
  assert.equal(jar.header(traces, 1), 'a=2')
  jar.store(traces, ['a=; Path=/; Max-Age=0'], 1)
  assert.equal(jar.header(traces, 1), undefined)
  jar.store(traces, ['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], 1)
  assert.equal(jar.header(traces, 1), undefined)
})

test('a secure cookie stays off plain text, and one for a foreign domain is not kept', () => {
  const jar = new CookieJar()
  jar.store(traces, ['s=1; Path=/; Secure', 'foreign=1; Domain=other.example', 'same=1; Path=/; Domain=.example'], 0)
  assert.equal(jar.header(new URL('http://backend.example:4318/v1/traces'), 1), 'same=1')
})

test('a server cannot fill the memory: there is a limit in number and in length', () => {
  const jar = new CookieJar()
  const many = Array.from({ length: 1_000 }, (_, i) => `c${i}=1; Path=/`)
  jar.store(traces, [...many, `long=${'x'.repeat(5_000)}; Path=/`, 'nonsense', '=1'], 0)
  const names = jar.header(traces, 1)?.split('; ') ?? []
  assert.equal(names.length, 64)
  assert.ok(names.includes('c999=1'))
})
