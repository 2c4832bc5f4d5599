/** Requests to the OTLP/HTTP receiver, and its answers as comparable text. */
import { type IncomingMessage, request } from 'node:http'
import { deflateSync, gzipSync } from 'node:zlib'
import { spanRequest, withoutEmptySuccess } from './span-request.ts'

export interface HttpQuestion {
  readonly name: string
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const json = { 'content-type': 'application/json' }
const proto = { 'content-type': 'application/x-protobuf' }
const traceId = '5b8efff798038103d269b633813fc60c'
const span = `{"traceId":"${traceId}","spanId":"eee19b7ec3c1b174","name":"n","startTimeUnixNano":"1"}`
const good = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`
const large = 'x'.repeat(30_000)
const answerTimeoutMs = 10_000

const encoded = (encoding: string, body: Buffer | string): Partial<HttpQuestion> => ({
  headers: { ...json, 'content-encoding': encoding },
  body,
})
const preflight = (origin: string): Partial<HttpQuestion> => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
})

export const httpQuestions: readonly HttpQuestion[] = [
  { name: 'good JSON', headers: json, body: good },
  { name: 'good JSON with charset', headers: { 'content-type': 'application/json; charset=utf-8' }, body: good },
  { name: 'good protobuf', headers: proto, body: spanRequest() },
  { name: 'good metrics', path: '/v1/metrics', headers: json, body: '{}' },
  { name: 'good logs', path: '/v1/logs', headers: json, body: '{}' },
  { name: 'empty protobuf', headers: proto, body: '' },
  { name: 'empty JSON body', headers: json, body: '' },
  { name: 'JSON null', headers: json, body: 'null' },
  { name: 'JSON list', headers: json, body: '[]' },
  { name: 'cut JSON', headers: json, body: good.slice(0, -5) },
  { name: 'no JSON', headers: json, body: 'hello' },
  { name: 'JSON map for a list', headers: json, body: '{"resourceSpans": {"a": 1}}' },
  { name: 'JSON unknown field', headers: json, body: '{"foo": {"bar": [1]}, "resourceSpans": []}' },
  { name: 'JSON snake_case', headers: json, body: '{"resource_spans": []}' },
  { name: 'JSON bad trace id', headers: json, body: good.replace(traceId, 'zz') },
  { name: 'JSON short trace id', headers: json, body: good.replace(traceId, traceId.slice(0, 4)) },
  { name: 'JSON bad time', headers: json, body: good.replace('"1"', '"abc"') },
  { name: 'JSON negative time', headers: json, body: good.replace('"1"', '-1') },
  { name: 'JSON with something after it', headers: json, body: `${good}xx` },
  { name: 'broken protobuf', headers: proto, body: Buffer.from([0x0a, 0xff, 0xff, 0x01, 0x67]) },
  { name: 'text as protobuf', headers: proto, body: 'hello world' },
  { name: 'protobuf with invalid UTF-8', headers: proto, body: spanRequest(Buffer.from([0xff])) },
  { name: 'GET', method: 'GET' },
  { name: 'PUT', method: 'PUT', headers: json, body: good },
  { name: 'HEAD', method: 'HEAD' },
  { name: 'OPTIONS', method: 'OPTIONS' },
  { name: 'CORS preflight', ...preflight('http://ok.example') },
  { name: 'CORS preflight from elsewhere', ...preflight('http://no.example') },
  { name: 'CORS request', headers: { ...json, origin: 'http://ok.example' }, body: good },
  { name: 'no content type', body: good },
  { name: 'text/plain', headers: { 'content-type': 'text/plain' }, body: good },
  { name: 'application/protobuf', headers: { 'content-type': 'application/protobuf' }, body: spanRequest() },
  { name: 'unknown path', path: '/v1/nope', headers: json, body: good },
  { name: 'root', method: 'GET', path: '/' },
  { name: 'slash at the end', path: '/v1/traces/', headers: json, body: good },
  { name: 'query', path: '/v1/traces?a=b', headers: proto, body: spanRequest() },
  { name: 'protobuf too large', headers: proto, body: large },
  { name: 'JSON too large', headers: json, body: `{"a":"${large}"}` },
  { name: 'gzip', ...encoded('gzip', gzipSync(good)) },
  { name: 'gzip too large when unpacked', ...encoded('gzip', gzipSync(`{"a":"${large.repeat(10)}"}`)) },
  { name: 'gzip that is none', ...encoded('gzip', good) },
  { name: 'gzip cut short', ...encoded('gzip', gzipSync(good).subarray(0, -9)) },
  { name: 'deflate', ...encoded('deflate', deflateSync(good)) },
  { name: 'zlib', ...encoded('zlib', deflateSync(good)) },
  { name: 'zstd that is none', ...encoded('zstd', good) },
  { name: 'unknown encoding', ...encoded('br', good) },
  { name: 'identity', ...encoded('identity', good) },
]

export function askHttp(
  port: number,
  { method = 'POST', path = '/v1/traces', headers = {}, body }: HttpQuestion,
): Promise<string> {
  return new Promise((settle) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const options = { host: '127.0.0.1', port, method, path, headers: { ...headers, ...length }, agent: false }
    const sent = request({ ...options, timeout: answerTimeoutMs }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => settle(describe(response, Buffer.concat(chunks))))
      response.on('error', (error) => settle(`no whole answer: ${error.message}`))
    })
    sent.on('timeout', () => sent.destroy(new Error('timed out')))
    sent.on('error', (error) => settle(`no answer: ${error.message}`))
    sent.end(body)
  })
}

function describe({ statusCode, headers }: IncomingMessage, body: Buffer): string {
  const cors = Object.entries(headers).filter(([key]) => key.startsWith('access-control-'))
  const shown = cors.map(([key, value]) => `${key}: ${String(value)}`)
  return [
    `${statusCode} ${headers['content-type'] ?? 'no content type'}`,
    ...shown.toSorted(),
    bodyOf(headers, body),
  ].join('\n')
}

/** Of a status only its code: the words are those of a parser. */
function bodyOf(headers: IncomingMessage['headers'], body: Buffer): string {
  const type = headers['content-type'] ?? ''
  const text = body.toString()
  if (type.startsWith('application/json') && text.includes('"code"'))
    return `code ${String((JSON.parse(text) as { code: number }).code)}`
  if (type === 'application/x-protobuf' && body[0] === 0x08) return `code ${body[1]}`
  return type === 'application/x-protobuf' ? withoutEmptySuccess(body).toString('hex') : text.trim()
}
