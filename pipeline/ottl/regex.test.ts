import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { Regex } from './regex.ts'

interface Example {
  readonly pattern: string
  readonly text: string
  readonly valid: boolean
  readonly matches?: readonly (readonly string[])[]
  readonly replaced?: string
}

const examples = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/regex.json'), 'utf8')) as Example[]

test('patterns match, extract and replace as in Go', () => {
  let onV8 = 0
  for (const { pattern, text, valid, matches = [], replaced = '' } of examples) {
    const about = `${pattern} on ${JSON.stringify(text)}`
    // Go takes two groups of one name; re2js does not.
    const names = Array.from(pattern.matchAll(/\(\?P<(\w+)>/g), ([, name]) => name)
    if (!valid || new Set(names).size < names.length) {
      assert.throws(() => new Regex(pattern), SyntaxError, about)
      continue
    }
    const regex = new Regex(pattern)
    if (regex.isFast(text.length)) onV8++
    assert.equal(regex.test(text), matches.length > 0, about)
    const found = Array.from(regex.matches(text), ({ groups }) => Array.from(groups, (group) => group ?? ''))
    assert.deepEqual(found, matches, about)
    assert.equal(regex.replaceAll(text, '<$0${x}$1>'), replaced, about)
  }
  // Otherwise the test would say little about the translation.
  assert.ok(onV8 > examples.length / 3, `${onV8} of ${examples.length} ran on V8`)
})

test('a hostile pattern takes time that grows with the text, not with its square', () => {
  const text = `${'a'.repeat(30_000)}!`
  for (const pattern of [
    '(a+)+$',
    '(a|aa)+$',
    '(.*)*b',
    'a*a*a*a*a*b',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '.*.*=.*',
    '(?:a?){50}b',
  ]) {
    const before = performance.now()
    assert.equal(new Regex(pattern).test(text), false, pattern)
    assert.ok(performance.now() - before < 5_000, pattern)
  }
})

test('plain patterns run on V8, whatever the length of the text', () => {
  for (const pattern of [
    '^http',
    'error',
    '^kube_([0-9A-Za-z]+_)',
    'password=[^\\s]*',
    '^[a-z0-9.-]+$',
    '(?i)timeout|refused',
  ]) {
    assert.ok(new Regex(pattern).isFast(1e6), pattern)
  }
})

test('a replacement refers to groups as Go does', () => {
  const regex = new Regex('(?P<word>\\w+)-(\\d+)')
  const table = [
    ['$1', 'ab'],
    ['$word', 'ab'],
    ['${word}_x', 'ab_x'],
    ['$word_x', ''],
    ['$2$$', '12$'],
    ['$9', ''],
    ['a$', 'a$'],
    ['${', '${'],
  ] as const
  for (const [replacement, expected] of table)
    assert.equal(regex.replaceAll('ab-12', replacement), expected, replacement)
})

test('what RE2 does not have is refused with the reason', () => {
  for (const pattern of ['(?=a)', '(?<!a)b', '(a)\\1', 'a**', '[z-a]', '(', 'a{1001}', '\\8']) {
    assert.throws(() => new Regex(pattern), { name: 'SyntaxError', message: /is not valid: / }, pattern)
  }
})
