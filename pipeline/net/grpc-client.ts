/** One gRPC channel for unary calls of bytes. For what the engine itself says; the `otlp_grpc` exporter has a faster one of its own. */
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { type ClientTls, clientTls } from './tls.ts'

export interface GrpcClientParts {
  /** host:port. */
  readonly target: string
  readonly tls: ClientTls
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly gzip: boolean
  readonly userAgent: string
}

/** The number that grpc-js has for gzip. */
const gzipAlgorithm = 2

export class GrpcClient {
  readonly #client: grpc.Client
  readonly #metadata = new grpc.Metadata()

  /** Throws when certificates cannot be read. Connects at the first call. */
  constructor({ target, tls: settings, headers, gzip, userAgent }: GrpcClientParts) {
    const options = clientTls(settings)
    const credentials =
      options === undefined
        ? grpc.credentials.createInsecure()
        : grpc.credentials.createFromSecureContext(tls.createSecureContext(options), {
            rejectUnauthorized: options.rejectUnauthorized ?? true,
          })
    this.#client = new grpc.Client(target, credentials, {
      'grpc.primary_user_agent': userAgent,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_send_message_length': -1,
      ...(gzip ? { 'grpc.default_compression_algorithm': gzipAlgorithm } : {}),
    })
    for (const [name, value] of headers) this.#metadata.add(name.toLowerCase(), value)
  }

  /** Rejects with the server's status, an error with a `code`. */
  call(path: string, message: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const options = { deadline: Date.now() + timeoutMs }
      const call = this.#client.makeUnaryRequest(
        path,
        asBuffer,
        asIs,
        message,
        this.#metadata,
        options,
        (error, answer) => {
          signal.removeEventListener('abort', cancel)
          if (error) reject(error)
          else resolve(answer ?? new Uint8Array())
        },
      )
      const cancel = () => call.cancel()
      signal.addEventListener('abort', cancel, { once: true })
    })
  }

  close(): void {
    this.#client.close()
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
function asIs(bytes: Buffer): Uint8Array {
  return bytes
}
