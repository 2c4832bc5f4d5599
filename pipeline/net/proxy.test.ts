import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxiesOf } from './proxy.ts'

const proxy = 'http://user:pass@proxy:3128'
const through = (url: string, env: Record<string, string>) => proxiesOf(env)(new URL(url))?.href

test('the scheme of the URL chooses the variable, in upper case before lower case', () => {
  assert.equal(through('http://backend/', { HTTP_PROXY: 'one:1', HTTPS_PROXY: 'two:2' }), 'http://one:1/')
  assert.equal(through('https://backend/', { HTTP_PROXY: 'one:1', HTTPS_PROXY: 'two:2' }), 'http://two:2/')
  assert.equal(through('https://backend/', { HTTP_PROXY: 'one:1' }), undefined)
  assert.equal(through('http://backend/', { http_proxy: proxy }), `${proxy}/`)
  assert.equal(through('http://backend/', { HTTP_PROXY: '', http_proxy: 'low:1' }), 'http://low:1/')
  assert.equal(through('http://backend/', {}), undefined)
})

// Of golang.org/x/net/http/httpproxy.
for (const [list, url, isExempt] of [
  ['', 'http://localhost:4318/', true],
  ['', 'http://127.0.0.1:4318/', true],
  ['', 'http://127.9.9.9/', true],
  ['', 'http://[::1]:80/', true],
  ['', 'http://128.0.0.1/', false],
  ['*', 'http://backend/', true],
  ['example.com', 'http://example.com/', true],
  ['example.com', 'http://www.example.com/', true],
  ['example.com', 'http://badexample.com/', false],
  ['.example.com', 'http://example.com/', false],
  ['.example.com', 'http://www.example.com/', true],
  ['*.example.com', 'http://www.example.com/', true],
  ['*.example.com', 'http://example.com/', false],
  ['EXAMPLE.com ', 'http://Example.COM/', true],
  ['example.com:8080', 'http://example.com:8080/', true],
  ['example.com:8080', 'http://example.com/', false],
  ['example.com:80', 'http://example.com/', true],
  ['10.0.0.0/8', 'http://10.1.2.3/', true],
  ['10.0.0.0/8', 'http://11.1.2.3/', false],
  ['10.0.0.1', 'http://10.0.0.1:4318/', true],
  ['10.0.0.1:4317', 'http://10.0.0.1:4318/', false],
  ['fd00::/8', 'http://[fd00::5]/', true],
  ['[fd00::5]:80', 'http://[fd00::5]/', true],
  ['a,, b ,c', 'http://b/', true],
] as const) {
  test(`NO_PROXY=${list}: ${url} goes ${isExempt ? 'directly' : 'through the proxy'}`, () => {
    assert.equal(through(url, { HTTP_PROXY: proxy, NO_PROXY: list }), isExempt ? undefined : `${proxy}/`)
  })
}

test('a variable that is no proxy is named, without what may be its password', () => {
  assert.throws(
    () => proxiesOf({ HTTPS_PROXY: 'socks5://user:secret@proxy:1' }),
    (error: Error) => {
      assert.match(error.message, /^HTTPS_PROXY is no proxy that can be used/)
      return !error.message.includes('secret')
    },
  )
})
