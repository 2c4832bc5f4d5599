/** OTLP over HTTP/1.1 with connections that are kept. */
import http from 'node:http'
import https from 'node:https'
import { httpAnswer, noAnswer } from './answer.ts'
import { type Answer, type Client, type ClientSettings, encodePayload } from './client.ts'

const maxAnswerBytes = 64 * 1024

export class HttpClient implements Client {
  private readonly settings: ClientSettings
  private readonly headers: http.OutgoingHttpHeaders
  private readonly agent: http.Agent
  private readonly request: typeof http.request
  private isClosed = false

  constructor(settings: ClientSettings) {
    this.settings = settings
    const isTls = settings.url.protocol === 'https:'
    this.agent = isTls ? new https.Agent({ ...settings.tls, keepAlive: true }) : new http.Agent({ keepAlive: true })
    this.request = isTls ? https.request : http.request
    this.headers = {
      'content-type': settings.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      'user-agent': settings.userAgent,
      ...(settings.compression === 'none' ? {} : { 'content-encoding': settings.compression }),
      ...Object.fromEntries(settings.headers.map(([name, value]) => [name.toLowerCase(), value])),
    }
  }

  encode(payload: Uint8Array): Promise<Uint8Array> {
    return encodePayload(this.settings, payload)
  }

  send(encoded: Uint8Array): Promise<Answer> {
    if (this.isClosed) return Promise.resolve(noAnswer('interrupted'))
    return new Promise((resolve) => {
      const { timeoutMs, url } = this.settings
      const outgoing = this.request(url, {
        method: 'POST',
        headers: { ...this.headers, 'content-length': encoded.length },
        agent: this.agent,
      })
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      const settle = (answer: Answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
      outgoing.on('error', (error) => settle(noAnswer(error.message || String(error))))
      outgoing.on('response', (incoming) => {
        const parts: Buffer[] = []
        let length = 0
        incoming.on('data', (part: Buffer) => {
          length += part.length
          if (length <= maxAnswerBytes) parts.push(part)
        })
        incoming.on('error', (error) => settle(noAnswer(error.message)))
        incoming.on('end', () => {
          const { 'content-type': contentType = '', 'retry-after': retryAfter } = incoming.headers
          const body = Buffer.concat(parts)
          const plain = new Uint8Array(body.buffer, body.byteOffset, body.length)
          settle(httpAnswer(incoming.statusCode ?? 0, contentType, plain, retryAfter))
        })
      })
      outgoing.end(encoded)
    })
  }

  close(): void {
    this.isClosed = true
    this.agent.destroy()
  }
}
