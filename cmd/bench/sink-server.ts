/** The smallest OTLP server that can say how many items it got: gRPC or HTTP, and nothing is decoded. */
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { decompress } from '../../pipeline/net/compression.ts'
import { MessageReader } from '../../pipeline/net/grpc-wire.ts'
import type { GeneratedSignal } from '../generate/payloads.ts'
import { countItems } from './count-items.ts'

export interface Sink {
  readonly port: number
  counts(): SinkCounts
  close(): void
}
export interface SinkCounts {
  readonly items: number
  readonly requests: number
  /** Of bodies as they came. */
  readonly wireBytes: number
  /** What was wrong with the first request that could not be counted. */
  readonly failure: string
}

const windowBytes = 8 << 20
const maxBodyBytes = 256 << 20
const emptyMessage = Buffer.alloc(5)

export async function startSink(signal: GeneratedSignal, protocol: 'grpc' | 'http'): Promise<Sink> {
  let items = 0
  let requests = 0
  let wireBytes = 0
  let failure = ''
  const take = async (coding: string, body: Uint8Array): Promise<boolean> => {
    try {
      const plain = await decompress(coding, body, maxBodyBytes)
      items += countItems(signal, new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength))
      requests++
      wireBytes += body.length
      return true
    } catch (error) {
      failure ||= String(error)
      return false
    }
  }
  const server = protocol === 'grpc' ? grpcServer(take) : httpServer(take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => ({ items, requests, wireBytes, failure }),
    close: () => void server.close(),
  }
}

type Take = (coding: string, body: Uint8Array) => Promise<boolean>

function grpcServer(take: Take): http2.Http2Server {
  const server = http2.createServer({
    settings: { initialWindowSize: windowBytes, maxFrameSize: 1 << 20, maxConcurrentStreams: 1_000 },
  })
  server.on('session', (session) => {
    session.setLocalWindowSize(windowBytes * 4)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    const message = new MessageReader(maxBodyBytes)
    stream.on('error', () => {})
    stream.on('data', (part: Buffer) => message.push(part))
    stream.on('end', () => {
      if (stream.aborted) return
      const coding = message.isCompressed ? String(headers['grpc-encoding']) : 'identity'
      void take(coding, message.finish()).then((isTaken) => {
        if (stream.destroyed || stream.closed) return
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isTaken ? '0' : '3' }))
        stream.end(emptyMessage)
      })
    })
  })
  return server
}

function httpServer(take: Take): http.Server {
  return http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const parts: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const coding = request.headers['content-encoding'] ?? 'identity'
      void take(coding, Buffer.concat(parts)).then((isTaken) => {
        response.writeHead(isTaken ? 200 : 400, { 'content-type': 'application/x-protobuf', 'content-length': 0 })
        response.end()
      })
    })
  })
}
