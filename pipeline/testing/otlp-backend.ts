import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { z } from 'zod'
import { noOrigin } from '../data/batch.ts'
import { readOtlp } from '../data/read-otlp.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { WallClock } from '../graph/clock.ts'
import { decompress } from '../net/compression.ts'
import { GrpcServer } from '../net/grpc-server.ts'
import { grpcServerShape } from '../net/grpc-server-keys.ts'

export interface OtlpBackend {
  readonly url: string
  readonly received: { readonly batch: Batch; readonly headers: IncomingHttpHeaders }[]
  /** What the next requests are answered with; 200 (0 over gRPC) when there is none left. */
  readonly failures: number[]
  /** The first batch that fits, now or later. */
  wait(fits: (batch: Batch) => boolean): Promise<Batch>
  close(): Promise<void>
}

/** PEM texts. Clients must have a certificate of `ca`, over HTTP. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

class Received {
  readonly all: OtlpBackend['received'][number][] = []
  #wake = () => {}

  add(batch: Batch, headers: IncomingHttpHeaders): void {
    this.all.push({ batch, headers })
    this.#wake()
  }

  async wait(fits: (batch: Batch) => boolean): Promise<Batch> {
    for (;;) {
      const found = this.all.find(({ batch }) => fits(batch))
      if (found !== undefined) return found.batch
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** An OTLP/HTTP server that remembers what it gets. */
export async function httpBackend(tls?: TlsFiles): Promise<OtlpBackend> {
  const received = new Received()
  const failures: number[] = []
  const respond: RequestListener = (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const take = async () => {
        const failure = failures.shift()
        if (failure !== undefined) return void response.writeHead(failure).end()
        const coding = request.headers['content-encoding'] ?? ''
        const body = await decompress(coding, Buffer.concat(parts), 10_000_000)
        const format = request.headers['content-type'] === 'application/json' ? 'json' : 'proto'
        const signal = (request.url ?? '').split('/').at(-1) as Signal
        received.add(readOtlp(signal, body, format, noOrigin), request.headers)
        response.writeHead(200).end()
      }
      take().catch((error: unknown) => response.writeHead(400).end(String(error)))
    })
  }
  const server = tls === undefined ? createServer(respond) : createTlsServer({ ...tls, requestCert: true }, respond)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    received: received.all,
    failures,
    wait: (fits) => received.wait(fits),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const grpcPaths = { traces: 'trace.v1.Trace', metrics: 'metrics.v1.Metrics', logs: 'logs.v1.Logs' } as const
const quiet = { debug() {}, info() {}, warn() {}, error() {}, isEnabled: () => false, with: () => quiet }

/** The same over gRPC. */
export async function grpcBackend(tls?: TlsFiles): Promise<OtlpBackend> {
  const received = new Received()
  const clock = new WallClock(() => {})
  const methods = new Map(
    (['traces', 'metrics', 'logs'] as const).map((signal) => [
      `/opentelemetry.proto.collector.${grpcPaths[signal]}Service/Export`,
      async (message: Uint8Array, { headers }: { headers: IncomingHttpHeaders }) => {
        received.add(readOtlp(signal, message.slice(), 'proto', noOrigin), headers)
        return new Uint8Array()
      },
    ]),
  )
  const keys = tls === undefined ? {} : { tls: { cert_pem: tls.cert, key_pem: tls.key } }
  const settings = z.strictObject(grpcServerShape({ endpoint: '127.0.0.1:0' })).parse(keys)
  const server = new GrpcServer({ settings, methods, clock, random: Math.random, logger: quiet })
  await server.listen()
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${server.address}`,
    received: received.all,
    failures: [],
    wait: (fits) => received.wait(fits),
    close: async () => {
      await server.close(AbortSignal.timeout(500))
      clock.stop()
    },
  }
}
