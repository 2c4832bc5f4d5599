/** A small HTTP server that answers in JSON: bounded bodies, no browsers of other sites, errors that say what is wrong. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { addressOf, listen } from '../../../pipeline/net/listener.ts'

const maxBodyBytes = 1024 * 1024
const maxConnections = 256

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly contentType: string
  /** Undefined where there is none; a Buffer where its type is one of `rawTypes`. */
  readonly body: unknown
}
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}
/** Takes the response over: a stream. */
export type Stream = (response: ServerResponse) => void

export interface JsonHandler {
  /** May throw what `fail` words. */
  answer(asked: Asked): Answer | Stream
  fail(error: unknown): Answer
}

/** What came is no request that could be handled. */
export class BadRequest extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export class JsonServer {
  private readonly server: Server
  private readonly handler: JsonHandler
  private readonly rawTypes: ReadonlySet<string>
  private readonly sockets = new Set<Socket>()

  constructor(handler: JsonHandler, rawTypes: readonly string[] = []) {
    this.handler = handler
    this.rawTypes = new Set(rawTypes)
    this.server = createServer({ maxHeaderSize: 64 * 1024, requestTimeout: 30_000 }, (request, response) => {
      void this.serve(request, response)
    })
    this.server.maxConnections = maxConnections
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
  }

  /** The answer is host:port. */
  async listen(endpoint: string): Promise<string> {
    await listen(this.server, { endpoint, transport: 'tcp' })
    return addressOf(this.server)
  }

  /** Streams that are open end. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.server.close(() => resolve())
    for (const socket of this.sockets) socket.destroy()
    await promise
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer | Stream
    try {
      const asked = await read(request, this.rawTypes)
      answer = this.handler.answer(asked)
    } catch (error) {
      answer = this.handler.fail(error)
    }
    if (typeof answer === 'function') {
      answer(response)
      return
    }
    const text = `${JSON.stringify(answer.body)}\n`
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    response.end(text)
  }
}

async function read(request: IncomingMessage, accepted: ReadonlySet<string>): Promise<Asked> {
  const { method = 'GET', headers } = request
  const url = URL.parse(request.url ?? '/', 'http://localhost')
  if (url === null) throw new BadRequest(400, 'the path is no URL')
  // A page in somebody's browser must not turn anything here.
  if (headers.origin !== undefined)
    throw new BadRequest(403, 'browsers are not served: use a client that sends no Origin')
  const contentType = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  const bytes = await bytesOf(request)
  let body: unknown
  if (bytes.length > 0 && accepted.has(contentType)) body = bytes
  else if (bytes.length > 0) {
    if (!/json/.test(contentType)) throw new BadRequest(415, 'send the body as Content-Type: application/json')
    try {
      body = JSON.parse(bytes.toString('utf8'))
    } catch (cause) {
      throw new BadRequest(400, `the body is no JSON: ${(cause as Error).message}`)
    }
  }
  let path: string
  try {
    path = decodeURIComponent(url.pathname)
  } catch {
    throw new BadRequest(400, 'the path is not percent-encoded rightly')
  }
  return { method, path, query: url.searchParams, contentType, body }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) throw new BadRequest(413, `the body is larger than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
