/** One gRPC channel to an OTLP server: opened by the exporter's `start`, closed by its `shutdown`. */
import type tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { type Attempt, type Context, Rejected } from '../../pipeline/component.ts'
import type { Batch, Origin, Signal } from '../../pipeline/data/telemetry.ts'
import { isRetryableCode, rpcRejected } from '../../pipeline/export/rpc-error.ts'
import { type ClientDoor, clientDoor, dress } from '../../pipeline/net/client-door.ts'
import { compress } from '../../pipeline/net/compression.ts'
import { isGrpcCompression } from '../../pipeline/net/grpc-client-keys.ts'
import type { Environment } from '../../pipeline/net/proxy.ts'
import { SpareMemory } from '../../pipeline/net/spare-memory.ts'
import { decodeStatus } from '../../pipeline/net/status.ts'
import { clientTls } from '../../pipeline/net/tls.ts'
import { reloadClientTls } from '../../pipeline/net/tls-reload.ts'
import { userAgent } from '../../pipeline/net/user-agent.ts'
import { isPlainText, openChannel } from './channel.ts'
import type { Config } from './config.ts'
import { type Body, useFraming } from './framing.ts'

const methods = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
} as const satisfies Record<Signal, string>

export type ClientContext = Pick<Context, 'extension' | 'engine' | 'clock' | 'logger'>

export class OtlpClient {
  readonly #config: Config
  readonly #userAgent: string
  readonly #env: Environment
  readonly #door: ClientDoor | undefined
  readonly #metadata: grpc.Metadata
  readonly #frames = new SpareMemory()
  /** Of `compress`; '' = none. */
  readonly #coding: string
  readonly #stopReload: () => void
  #client: grpc.Client

  /** Throws when certificates cannot be read, or when `auth` or `middlewares` name what nobody offers. */
  constructor(config: Config, context: ClientContext, env: Environment = process.env) {
    this.#config = config
    this.#userAgent = userAgent(context.engine.build)
    this.#env = env
    this.#door = clientDoor(context, config, 'grpc')
    const compression = isGrpcCompression(config.compression) ? config.compression : ''
    // The snappy of gRPC is the framed format.
    this.#coding = compression === 'snappy' ? 'x-snappy-framed' : compression
    this.#metadata = new grpc.Metadata({ waitForReady: config.wait_for_ready })
    for (const [name, value] of config.headers) setHeader(this.#metadata, name, value, 'add')
    const options = clientTls(config.tls)
    if (this.#door?.authenticator?.needsTls && isPlainText(config, options)) {
      const id = JSON.stringify(config.auth?.authenticator)
      throw new Error(
        `grpc: the credentials require transport level security: ${id} is not sent in the clear; remove tls::insecure`,
      )
    }
    this.#client = this.#connect(options)
    this.#stopReload = reloadClientTls(config.tls, context.clock, context.logger, (changed) => {
      const previous = this.#client
      this.#client = this.#connect(changed)
      // Calls that are under way end on their connection.
      previous.close()
    })
  }

  /** One attempt. Resolves with the server's answer; rejects with `Rejected`. */
  async export(batch: Batch, attempt: Attempt): Promise<Uint8Array> {
    const [body, metadata] = [await this.#body(batch), await this.#metadataFor(batch.origin, attempt.traceparent)]
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = attempt
      if (signal.aborted) return reject(signal.reason as Error)
      const call = this.#client.makeUnaryRequest(
        methods[batch.signal],
        asIs<Body>,
        asIs<Uint8Array>,
        body,
        metadata,
        timeoutMs > 0 ? { deadline: Date.now() + timeoutMs } : {},
        (error, answer) => {
          signal.removeEventListener('abort', cancel)
          if (error) return reject(rejectionOf(error))
          // A call that failed may still be writing; its memory is left to the collector.
          if (body.frame) this.#frames.give(body.frame)
          resolve(answer ?? new Uint8Array())
        },
      )
      const cancel = () => call.cancel()
      signal.addEventListener('abort', cancel, { once: true })
    })
  }

  close(): void {
    this.#stopReload()
    this.#client.close()
  }

  #connect(options: tls.ConnectionOptions | undefined): grpc.Client {
    const parts = { config: this.#config, userAgent: this.#userAgent, tls: options, env: this.#env }
    const { channel, credentials, target } = openChannel(parts)
    const compression = isGrpcCompression(this.#config.compression) ? this.#config.compression : ''
    useFraming(channel, compression, this.#frames)
    channel.getConnectivityState(true)
    return new grpc.Client(target, credentials, { channelOverride: channel })
  }

  /** What the authenticator says goes before a configured header of the same name: two credentials would be none. */
  async #metadataFor(origin: Origin, traceparent: string | undefined): Promise<grpc.Metadata> {
    if (this.#door === undefined && traceparent === undefined) return this.#metadata
    const headers = new Map<string, string>()
    if (traceparent !== undefined) headers.set('traceparent', traceparent)
    if (this.#door !== undefined) await dress(this.#door, headers, origin)
    const metadata = this.#metadata.clone()
    for (const [name, value] of headers) setHeader(metadata, name, value, 'set')
    return metadata
  }

  async #body(batch: Batch): Promise<Body> {
    if (this.#coding === '') return { chunks: batch.chunks, length: batch.byteLength }
    const compressed = await compress(this.#coding, batch.chunks)
    return { chunks: [compressed], length: compressed.length }
  }
}

function setHeader(metadata: grpc.Metadata, name: string, value: string, how: 'add' | 'set'): void {
  const key = name.toLowerCase()
  try {
    metadata[how](key, key.endsWith('-bin') ? Buffer.from(value) : value)
  } catch (cause) {
    const message = `the header ${JSON.stringify(name)} cannot be sent as gRPC metadata: ${(cause as Error).message}`
    throw new Rejected(message, { retryable: false, cause })
  }
}

/** `Framing` turns the message into bytes; grpc-js only carries it there. */
function asIs<T>(message: T): Buffer & T {
  return message as Buffer & T
}

function rejectionOf(error: grpc.ServiceError): Error {
  const retryDelayMs = retryDelayOf(error.metadata)
  return rpcRejected(error.code, error.details, {
    retryable: isRetryableCode(error.code, retryDelayMs !== undefined),
    retryAfterMs: retryDelayMs,
    cause: error,
  })
}

/** `RetryInfo` of the answer; details that cannot be read say nothing. */
function retryDelayOf(metadata: grpc.Metadata): number | undefined {
  const [details] = metadata.get('grpc-status-details-bin')
  if (!Buffer.isBuffer(details)) return undefined
  try {
    return decodeStatus(details).retryDelayMs
  } catch {
    return undefined
  }
}
