/** The HTTP server of the OTLP receiver: an input is what a connection sends before it half-closes. */
import zlib from 'node:zlib'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import { logsPayload } from '../../pipeline/testing/payloads.ts'
import { otlpJson } from './json-text.ts'
import { otlpMessage } from './otlp-message.ts'
import type { Random } from './random.ts'
import { bytesOf, hashOf, must, type Target } from './target.ts'
import { Victim } from './victim.ts'

const besideEvery = 8
/** What may be answered: no request, however odd, is an error of ours. */
const answers: ReadonlySet<number> = new Set([100, 200, 204, 400, 404, 405, 408, 413, 415, 417, 431, 501, 503])
const methods = ['POST', 'POST', 'POST', 'POST', 'GET', 'OPTIONS', 'HEAD', 'PUT', 'CONNECT', 'TRACE', 'post', '']
const urls = [
  '/v1/traces',
  '/v1/traces',
  '/v1/logs',
  '/v1/metrics',
  '/v1/traces?a=b',
  '//v1/traces',
  '/',
  '*',
  'http://x/v1/logs',
  '/%00',
  '/../v1/logs',
  '/v1development/profiles',
]
const types = [
  'application/x-protobuf',
  'application/x-protobuf',
  'application/json',
  'Application/JSON; charset=utf-8',
  'text/plain',
  '',
  ';',
  'application/grpc',
]
const codings = ['gzip', 'zstd', 'deflate', 'snappy', 'lz4', 'x-snappy-framed', 'br', 'identity', 'gzip, gzip', '']
const odd = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Content-Length: 0',
  'Content-Length: -1',
  'Content-Length: 1e3',
  'Content-Length: 99999999999999999999',
  'Content-Length: 5, 5',
  'Expect: 100-continue',
  'Expect: 200-maybe',
  'Connection: close',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Host: a',
  'Host: ',
  ' folded: x',
  'no colon',
  ': no name',
  'x\0y: z',
  'X-Long: '.padEnd(5_000, 'x'),
  '__proto__: polluted',
  'Origin: https://evil',
  'Access-Control-Request-Method: POST',
  'Trailer: x',
]
const tokens = [
  ...odd,
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'ffffffffffffffff\r\n',
  '-1\r\n',
  '5;ext=1\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/9.9',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
  '\0',
  'é',
].map(bytesOf)

export async function httpTarget(): Promise<Target> {
  const victim = await Victim.start()
  const batch = logsPayload(1, { services: ['a'] })
  const proto = Buffer.concat(batch.chunks)
  return {
    maxBytes: 16_384,
    family: 6,
    tokens,
    seeds: [
      request('POST', '/v1/logs', ['Content-Type: application/x-protobuf', `Content-Length: ${proto.length}`], proto),
      request(
        'POST',
        '/v1/logs',
        ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        chunked(bytesOf(writeJson(batch))),
      ),
    ],
    generate,
    async run(input, thorough) {
      const isBeside = thorough || hashOf(input) % besideEvery === 0
      const [answer] = await Promise.all([victim.attack('http', input), isBeside ? victim.exportBeside() : undefined])
      victim.check(isBeside ? 1 : 0)
      if (answer.length === 0) return false
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer.toString('latin1', 0, 20)) ?? []
      must(answers.has(Number(status)), `answered with ${answer.toString('latin1', 0, 200)}`)
      return status === '200'
    },
    close: () => victim.close(),
  }
}

function generate(random: Random): Uint8Array {
  const parts: Buffer[] = []
  for (let requests = 1 + random.few(3); requests > 0; requests--) {
    const type = random.pick(types)
    const message = type.toLowerCase().startsWith('application/json')
      ? Buffer.from(otlpJson('traces', random))
      : Buffer.from(otlpMessage('traces', random))
    const headers = [`Content-Type: ${type}`]
    let body: Buffer = message
    if (random.oneIn(3)) {
      headers.push(`Content-Encoding: ${random.pick(codings)}`)
      if (random.oneIn(2)) body = Buffer.from(zlib.gzipSync(message))
    }
    for (let more = random.few(4); more > 0; more--)
      headers.splice(random.below(headers.length + 1), 0, random.pick(odd))
    if (random.oneIn(3)) {
      headers.push('Transfer-Encoding: chunked')
      body = chunked(body)
    } else headers.push(`Content-Length: ${random.oneIn(8) ? random.below(2_000_000) : body.length}`)
    parts.push(request(random.pick(methods), random.pick(urls), headers, body))
  }
  return Buffer.concat(parts)
}

function request(method: string, url: string, headers: readonly string[], body: Uint8Array): Buffer {
  const head = [`${method} ${url} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

function chunked(body: Uint8Array): Buffer {
  const half = body.length >>> 1
  const chunk = (part: Uint8Array) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]
  const parts = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
  return Buffer.concat([...parts.flatMap(chunk), Buffer.from('0\r\n\r\n')])
}
