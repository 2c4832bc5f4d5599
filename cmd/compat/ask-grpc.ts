/** Calls to the OTLP/gRPC receiver made by hand, so that they can be wrong; the answers as comparable text. */
import { connect } from 'node:http2'
import { gunzipSync, gzipSync } from 'node:zlib'
import { requestOf, spanRequest, withoutEmptySuccess } from './span-request.ts'

export interface GrpcQuestion {
  readonly name: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What goes on the wire, frames included. */
  readonly body: Buffer
}

const services = '/opentelemetry.proto.collector'
const traces = `${services}.trace.v1.TraceService/Export`
const gzip = { 'grpc-encoding': 'gzip' }
const good = frame(spanRequest())
const answerTimeoutMs = 5_000
const megabyte = 1 << 20

export const grpcQuestions: readonly GrpcQuestion[] = [
  { name: 'good', body: good },
  { name: 'good metrics', path: `${services}.metrics.v1.MetricsService/Export`, body: frame(Buffer.alloc(0)) },
  { name: 'good logs', path: `${services}.logs.v1.LogsService/Export`, body: frame(Buffer.alloc(0)) },
  { name: 'empty message', body: frame(Buffer.alloc(0)) },
  { name: 'no message', body: Buffer.alloc(0) },
  { name: 'two messages', body: Buffer.concat([good, good]) },
  { name: 'text as protobuf', body: frame(Buffer.from('hello world')) },
  { name: 'cut protobuf', body: frame(Buffer.from([0x0a, 0xff, 0x01, 0x00])) },
  { name: 'cut frame', body: good.subarray(0, 10) },
  { name: 'trace id of 3 bytes', body: frame(requestOf(Buffer.from([0x0a, 3, 1, 2, 3]))) },
  { name: 'invalid UTF-8', body: frame(spanRequest(Buffer.from([0xff]))) },
  { name: 'unknown method', path: `${services}.trace.v1.TraceService/Nope`, body: good },
  { name: 'unknown service', path: '/foo.Bar/Baz', body: good },
  { name: 'malformed path', path: '/foo', body: good },
  { name: 'too large', body: frame(Buffer.alloc(megabyte + 10)) },
  { name: 'gzip', headers: gzip, body: frame(gzipSync(spanRequest()), 1) },
  { name: 'gzip not announced', body: frame(gzipSync(spanRequest()), 1) },
  { name: 'gzip that is none', headers: gzip, body: frame(spanRequest(), 1) },
  { name: 'gzip too large when unpacked', headers: gzip, body: frame(gzipSync(Buffer.alloc(3 * megabyte)), 1) },
  { name: 'unknown encoding', headers: { 'grpc-encoding': 'br' }, body: frame(spanRequest(), 1) },
  { name: 'snappy that is none', headers: { 'grpc-encoding': 'snappy' }, body: frame(spanRequest(), 1) },
  { name: 'content type with +proto', headers: { 'content-type': 'application/grpc+proto' }, body: good },
  { name: 'text/plain', headers: { 'content-type': 'text/plain' }, body: good },
  { name: 'malformed timeout', headers: { 'grpc-timeout': 'abc' }, body: good },
]

/** One message: a byte that says whether it is compressed, its length, itself. */
function frame(message: Buffer, compressed = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = compressed
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Whether an answer is compressed is the server's choice. */
function answerIn(framed: Buffer): string {
  if (framed.length === 0) return 'none'
  const message = framed.subarray(5)
  return withoutEmptySuccess(framed[0] === 1 ? gunzipSync(message) : message).toString('hex')
}

/** Status codes and the message's bytes. The words of a status are those of a parser. */
export async function askGrpc(port: number, { path = traces, headers, body }: GrpcQuestion): Promise<string> {
  const session = connect(`http://127.0.0.1:${port}`)
  const parts: Record<string, unknown> = {}
  const chunks: Buffer[] = []
  await new Promise<void>((done) => {
    session.on('error', (error) => {
      parts['error'] = error.message
      done()
    })
    const common = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
    const stream = session.request({ ...common, ...headers })
    const keep = (received: Record<string, unknown>) => {
      for (const key of [':status', 'content-type', 'grpc-status']) if (key in received) parts[key] = received[key]
    }
    stream.on('response', keep)
    stream.on('trailers', keep)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', (error) => {
      parts['error'] = error.message
    })
    stream.on('close', done)
    stream.setTimeout(answerTimeoutMs, () => stream.destroy(new Error('timed out')))
    stream.end(body)
  })
  session.destroy()
  const shown = answerIn(Buffer.concat(chunks))
  return `${Object.entries(parts)
    .map(([key, value]) => `${key} ${String(value)}`)
    .toSorted()
    .join(', ')}, message ${shown}`
}
