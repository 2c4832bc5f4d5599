/** One gRPC channel to an OTLP server: opened by the exporter's `start`, closed by its `shutdown`. */
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import type { Attempt } from '../../pipeline/component.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { isRetryableCode, rpcRejected } from '../../pipeline/export/rpc-error.ts'
import { compress } from '../../pipeline/net/compression.ts'
import { isGrpcCompression, parseGrpcEndpoint } from '../../pipeline/net/grpc-client-keys.ts'
import { decodeStatus } from '../../pipeline/net/status.ts'
import { clientTls } from '../../pipeline/net/tls.ts'
import type { Config } from './config.ts'
import { Frames } from './frames.ts'
import { type Body, useFraming } from './framing.ts'

const methods = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
} as const satisfies Record<Signal, string>

export class OtlpClient {
  readonly #client: grpc.Client
  readonly #metadata: grpc.Metadata
  readonly #frames = new Frames()
  /** Of `compress`; '' = none. */
  readonly #coding: string

  /** Throws when certificates cannot be read. Connects at once, as upstream does, but waits for nothing. */
  constructor(config: Config, userAgent: string) {
    const endpoint = parseGrpcEndpoint(config.endpoint)
    if ('problem' in endpoint) throw new Error(endpoint.problem)
    const compression = isGrpcCompression(config.compression) ? config.compression : ''
    // The snappy of gRPC is the framed format.
    this.#coding = compression === 'snappy' ? 'x-snappy-framed' : compression
    const credentials = credentialsOf(config, endpoint.isHttps)
    const channel = new grpc.Channel(endpoint.target, credentials, optionsOf(config, userAgent))
    useFraming(channel, compression, this.#frames)
    this.#client = new grpc.Client(endpoint.target, credentials, { channelOverride: channel })
    this.#metadata = new grpc.Metadata({ waitForReady: config.wait_for_ready })
    for (const [name, value] of config.headers) {
      this.#metadata.add(name.toLowerCase(), name.toLowerCase().endsWith('-bin') ? Buffer.from(value) : value)
    }
    channel.getConnectivityState(true)
  }

  /** One attempt. Resolves with the server's answer; rejects with `Rejected`. */
  async export(batch: Batch, attempt: Attempt): Promise<Uint8Array> {
    const body = await this.#body(batch)
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = attempt
      if (signal.aborted) return reject(signal.reason as Error)
      const call = this.#client.makeUnaryRequest(
        methods[batch.signal],
        asIs<Body>,
        asIs<Uint8Array>,
        body,
        this.#metadata,
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
    this.#client.close()
  }

  async #body(batch: Batch): Promise<Body> {
    if (this.#coding === '') return { chunks: batch.chunks, length: batch.byteLength }
    const compressed = await compress(this.#coding, batch.chunks)
    return { chunks: [compressed], length: compressed.length }
  }
}

/** `Framing` turns the message into bytes; grpc-js only carries it there. */
function asIs<T>(message: T): Buffer & T {
  return message as Buffer & T
}

function credentialsOf(config: Config, isHttps: boolean): grpc.ChannelCredentials {
  const options = clientTls(config.tls)
  if (options === undefined && !isHttps) return grpc.credentials.createInsecure()
  return grpc.credentials.createFromSecureContext(tls.createSecureContext(options ?? {}), {
    rejectUnauthorized: options?.rejectUnauthorized ?? true,
  })
}

function optionsOf(config: Config, userAgent: string): grpc.ChannelOptions {
  const options: grpc.ChannelOptions = {
    'grpc.primary_user_agent': config.user_agent || userAgent,
    'grpc.max_send_message_length': -1,
    // Every exporter has its own connections, so that their settings do not mix.
    'grpc.use_local_subchannel_pool': 1,
    // Or each resolution asks DNS for a TXT record too.
    'grpc.service_config_disable_resolution': 1,
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ [config.balancer_name || 'pick_first']: {} }],
    }),
  }
  if (config.authority !== '') options['grpc.default_authority'] = config.authority
  if (config.tls.server_name_override !== '') {
    options['grpc.ssl_target_name_override'] = config.tls.server_name_override
    options['grpc.default_authority'] ??= config.tls.server_name_override
  }
  if (config.keepalive) {
    options['grpc.keepalive_time_ms'] = config.keepalive.time
    options['grpc.keepalive_timeout_ms'] = config.keepalive.timeout
    options['grpc.keepalive_permit_without_calls'] = config.keepalive.permit_without_stream ? 1 : 0
  }
  return options
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
