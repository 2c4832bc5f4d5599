/** Unary gRPC on `node:http2`, with windows large enough that a request never waits for one. */
import http2 from 'node:http2'
import { Code } from '../../pipeline/net/status.ts'
import { grpcAnswer, noAnswer } from './answer.ts'
import { type Answer, type Client, type ClientSettings, encodePayload } from './client.ts'

const windowBytes = 8 << 20
const maxAnswerBytes = 64 * 1024
const services = { traces: 'trace.v1.TraceService', metrics: 'metrics.v1.MetricsService', logs: 'logs.v1.LogsService' }
const empty = new Uint8Array(0)

export class GrpcClient implements Client {
  private readonly settings: ClientSettings
  private readonly headers: http2.OutgoingHttpHeaders
  private session: http2.ClientHttp2Session | undefined
  private isClosed = false

  constructor(settings: ClientSettings) {
    this.settings = settings
    this.headers = {
      ':method': 'POST',
      ':path': `/opentelemetry.proto.collector.${services[settings.signal]}/Export`,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': settings.userAgent,
      'grpc-timeout': `${Math.ceil(settings.timeoutMs)}m`,
      ...(settings.compression === 'none' ? {} : { 'grpc-encoding': settings.compression }),
      ...Object.fromEntries(settings.headers.map(([name, value]) => [name.toLowerCase(), value])),
    }
  }

  /** Behind the five bytes that gRPC puts before a message. */
  async encode(payload: Uint8Array): Promise<Uint8Array> {
    const message = await encodePayload(this.settings, payload)
    const framed = Buffer.allocUnsafeSlow(5 + message.length)
    framed[0] = this.settings.compression === 'none' ? 0 : 1
    framed.writeUInt32BE(message.length, 1)
    framed.set(message, 5)
    return framed
  }

  send(encoded: Uint8Array): Promise<Answer> {
    if (this.isClosed) return Promise.resolve(noAnswer('interrupted'))
    return new Promise((resolve) => {
      const session = this.connected()
      const stream = session.request(this.headers)
      let status: Trailers = {}
      let httpStatus = 0
      let failure = ''
      const parts: Buffer[] = []
      let length = 0
      const timer = setTimeout(() => {
        failure = `no answer within ${this.settings.timeoutMs} ms`
        stream.close(http2.constants.NGHTTP2_CANCEL)
      }, this.settings.timeoutMs)
      stream.on('response', (headers) => {
        httpStatus = headers[':status'] ?? 0
        status = headers
      })
      stream.on('trailers', (trailers) => {
        status = trailers
      })
      stream.on('data', (part: Buffer) => {
        length += part.length
        if (length <= maxAnswerBytes) parts.push(part)
      })
      stream.on('error', (error) => {
        failure ||= error.message
      })
      stream.on('close', () => {
        clearTimeout(timer)
        resolve(failure === '' ? answerOf(httpStatus, status, parts) : noAnswer(failure))
      })
      stream.end(encoded)
    })
  }

  close(): void {
    this.isClosed = true
    this.session?.destroy()
  }

  private connected(): http2.ClientHttp2Session {
    const current = this.session
    if (current !== undefined && !current.closed && !current.destroyed) return current
    const session = http2.connect(this.settings.url.origin, {
      settings: { enablePush: false, initialWindowSize: windowBytes },
      ...(this.settings.url.protocol === 'https:' ? this.settings.tls : {}),
    })
    session.on('connect', () => session.setLocalWindowSize(windowBytes))
    // The streams hear of it too, and they answer.
    session.on('error', () => {})
    this.session = session
    return session
  }
}

interface Trailers {
  readonly [name: string]: string | readonly string[] | number | undefined
}

function answerOf(httpStatus: number, status: Trailers, parts: readonly Buffer[]): Answer {
  const code = status['grpc-status']
  if (httpStatus !== 200 || code === undefined)
    return httpStatus === 0
      ? noAnswer('the connection closed without an answer')
      : grpcAnswer(Code.UNKNOWN, `HTTP ${httpStatus} without a grpc-status: is this a gRPC port?`, empty, undefined)
  const details = status['grpc-status-details-bin']
  const body = Buffer.concat(parts)
  const flagged = body[0] === 1
  return grpcAnswer(
    Number(code),
    readMessage(String(status['grpc-message'] ?? '')),
    // Nobody was told that we read compressed answers.
    flagged
      ? empty
      : new Uint8Array(body.buffer, body.byteOffset + Math.min(5, body.length), Math.max(0, body.length - 5)),
    details === undefined ? undefined : Buffer.from(String(details), 'base64'),
  )
}

function readMessage(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}
