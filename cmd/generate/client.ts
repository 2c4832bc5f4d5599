/** What sends OTLP requests: encodes a payload once, sends it as often as needed, and says what the far end made of it. */
import type { ConnectionOptions } from 'node:tls'
import { writeJsonBytes } from '../../pipeline/data/json/write-json.ts'
import { compress } from '../../pipeline/net/compression.ts'
import type { GeneratedSignal } from './payloads.ts'

export const protocols = ['grpc', 'http/protobuf', 'http/json'] as const
export type Protocol = (typeof protocols)[number]
export const compressions = ['none', 'gzip', 'zstd'] as const
export type Compression = (typeof compressions)[number]

export interface ClientSettings {
  readonly signal: GeneratedSignal
  readonly protocol: Protocol
  readonly compression: Compression
  /** `http:` means no TLS; for HTTP with the whole path. */
  readonly url: URL
  readonly headers: readonly (readonly [string, string])[]
  readonly tls: ConnectionOptions
  readonly timeoutMs: number
  readonly userAgent: string
}

export interface Answer {
  readonly outcome: 'accepted' | 'refused' | 'retryable'
  /** Items of an accepted request that the far end did not take (partial success). */
  readonly rejected: number
  /** Why, in the far end's words; empty when there is nothing to say. */
  readonly message: string
  readonly retryAfterMs?: number
}

export interface Client {
  /** A body as it goes on the wire; may be sent more than once. */
  encode(payload: Uint8Array): Promise<Uint8Array>
  /** Never rejects: what goes wrong is the answer. */
  send(encoded: Uint8Array): Promise<Answer>
  /** Ends what is still under way; its answers are `retryable`. */
  close(): void
}

/** The message as bytes of the protocol's format and coding. */
export async function encodePayload(settings: ClientSettings, payload: Uint8Array): Promise<Uint8Array> {
  const body = settings.protocol === 'http/json' ? writeJsonBytes(settings.signal, [payload]) : payload
  return compress(settings.compression, [body])
}
