/** Sends the engine's own metrics, spans and log lines: over OTLP, or to stdout as OTLP JSON. */
import { writeJson } from '../data/json/write-json.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { isRetryableCode } from '../export/rpc-error.ts'
import { compress } from '../net/compression.ts'
import { GrpcClient } from '../net/grpc-client.ts'
import { HttpClient, redacted } from '../net/http-client.ts'
import { httpClientKeys } from '../net/http-client-keys.ts'
import { LogOutput } from './log-output.ts'
import type { ExporterSettings, OtlpSettings } from './settings.ts'

export interface Sink {
  /** Tries again what may get through later, until `deadline` aborts. Rejects with what the last attempt heard. */
  send(batch: Batch, deadline: AbortSignal): Promise<void>
  close(): void
}
interface Transport {
  attempt(batch: Batch, signal: AbortSignal): Promise<void>
  close(): void
}

/** Whoever failed may be asked again. */
class RetryableError extends Error {}

const services = { traces: 'trace', metrics: 'metrics', logs: 'logs', profiles: 'profiles' } as const
const grpcNames = { traces: 'Trace', metrics: 'Metrics', logs: 'Logs', profiles: 'Profiles' } as const
const firstRetryMs = 500
const longestRetryMs = 10_000

/** Throws when certificates cannot be read; connects at the first send. */
export function openSink(settings: ExporterSettings, userAgent: string): Sink {
  if (settings.to === 'console') return toStdout()
  const transport = settings.protocol === 'grpc' ? overGrpc(settings, userAgent) : overHttp(settings, userAgent)
  return {
    close: () => transport.close(),
    async send(batch, deadline) {
      for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
        try {
          return await transport.attempt(batch, AbortSignal.any([deadline, AbortSignal.timeout(settings.timeoutMs)]))
        } catch (error) {
          if (deadline.aborted || !(error instanceof RetryableError)) throw error
          await pause(waitMs, deadline)
          if (deadline.aborted) throw error
        }
      }
    },
  }
}

/** Through the log's own writer: a reader that sleeps must not hold the engine. */
function toStdout(): Sink {
  const drops = { sampled: 0, blocked: 0 }
  const output = new LogOutput(['stdout'], drops, () => {})
  return {
    async send(batch) {
      const before = drops.blocked
      output.write(`${writeJson(batch)}\n`)
      if (drops.blocked > before) throw new Error('stdout does not take what is written to it')
    },
    close: () => void output.close(),
  }
}

function overHttp(settings: OtlpSettings, userAgent: string): Transport {
  const client = new HttpClient(
    httpClientKeys.parse({ tls: settings.tls, headers: settings.headers.map(([name, value]) => ({ name, value })) }),
  )
  const isJson = settings.protocol === 'http/json'
  const headers: Record<string, string> = {
    'content-type': isJson ? 'application/json' : 'application/x-protobuf',
    'user-agent': userAgent,
    ...(settings.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  }
  return {
    close: () => client.close(),
    async attempt(batch, signal) {
      const url = urlOf(settings.url, batch.signal)
      const plain = isJson ? [Buffer.from(writeJson(batch))] : batch.chunks
      const chunks = settings.compression === 'gzip' ? [await compress('gzip', plain)] : plain
      const { status } = await client.post({ url, headers, chunks, signal }).catch((cause: unknown) => {
        throw new RetryableError(`request to ${redacted(url)} failed: ${messageOf(cause)}`, { cause })
      })
      if (status >= 200 && status <= 299) return
      const message = `request to ${redacted(url)} responded with HTTP Status Code ${status}`
      throw status === 429 || (status >= 502 && status <= 504) ? new RetryableError(message) : new Error(message)
    },
  }
}

function overGrpc(settings: OtlpSettings, userAgent: string): Transport {
  const { url, tls, headers, timeoutMs } = settings
  const target = url.port === '' ? `${url.hostname}:${url.protocol === 'http:' ? 80 : 443}` : url.host
  const client = new GrpcClient({ target, tls, headers, userAgent, gzip: settings.compression === 'gzip' })
  return {
    close: () => client.close(),
    async attempt(batch, signal) {
      const { signal: kind } = batch
      const path = `/opentelemetry.proto.collector.${services[kind]}.v1.${grpcNames[kind]}Service/Export`
      try {
        await client.call(path, Buffer.concat(batch.chunks), timeoutMs, signal)
      } catch (cause) {
        const message = `call of ${target} failed: ${messageOf(cause)}`
        const code = cause instanceof Error && 'code' in cause ? Number(cause.code) : undefined
        const isRetryable = code === undefined || isRetryableCode(code, false)
        throw isRetryable ? new RetryableError(message, { cause }) : new Error(message, { cause })
      }
    },
  }
}

function urlOf(base: URL, signal: Signal): URL {
  return base.pathname === '/' ? new URL(`/v1/${signal}${base.search}`, base) : base
}

function pause(ms: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      until.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    until.addEventListener('abort', end)
  })
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
