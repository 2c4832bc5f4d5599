/** What an OTLP server's answer means to its sender (OTLP specification, "Failures" and "Partial Success"). */
import { cursor, find, high, signed64, text, uvarint, uvarint64 } from '../../pipeline/data/wire.ts'
import { Code, decodeStatus } from '../../pipeline/net/status.ts'
import type { Answer } from './client.ts'

const retryableCodes: ReadonlySet<number> = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.OUT_OF_RANGE,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
])
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504])
const codeNames = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]))

/** `details` is the decoded `grpc-status-details-bin`. */
export function grpcAnswer(code: number, message: string, body: Uint8Array, details: Uint8Array | undefined): Answer {
  if (code === Code.OK) return accepted(partialSuccess(body))
  const retryAfterMs = details === undefined ? undefined : quietly(() => decodeStatus(details).retryDelayMs)
  // An exhausted server that does not say when to come back is not coming back.
  const isRetryable = retryableCodes.has(code) || (code === Code.RESOURCE_EXHAUSTED && retryAfterMs !== undefined)
  return failure(isRetryable, `${codeNames.get(code) ?? code}: ${message}`, retryAfterMs)
}

export function httpAnswer(
  status: number,
  contentType: string,
  body: Uint8Array,
  retryAfter: string | undefined,
): Answer {
  const isJson = contentType.startsWith('application/json')
  if (status >= 200 && status < 300) return accepted(isJson ? jsonPartialSuccess(body) : partialSuccess(body))
  const said = quietly(() => {
    if (isJson) return jsonMessage(body)
    if (contentType.startsWith('application/x-protobuf')) return decodeStatus(body).message
    return Buffer.from(body).toString().trim().slice(0, 200)
  })
  const seconds = Number(retryAfter ?? Number.NaN)
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
  return failure(retryableStatuses.has(status), `HTTP ${status}: ${said ?? ''}`, retryAfterMs)
}

/** No answer came: the connection failed, or time was over. */
export function noAnswer(message: string): Answer {
  return { outcome: 'retryable', rejected: 0, message }
}

interface Partial {
  readonly rejected: number
  readonly message: string
}

function accepted({ rejected, message }: Partial): Answer {
  return { outcome: 'accepted', rejected, message }
}

function failure(isRetryable: boolean, message: string, retryAfterMs: number | undefined): Answer {
  const outcome = isRetryable ? 'retryable' : 'refused'
  return { outcome, rejected: 0, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** `Export*ServiceResponse`: partial_success = 1 { rejected_* = 1, error_message = 2 } for every signal. */
function partialSuccess(body: Uint8Array): Partial {
  const at = find(body, 0, body.length, 10)
  if (at < 0) return { rejected: 0, message: '' }
  const length = uvarint(body, at)
  const start = cursor
  const end = Math.min(start + length, body.length)
  const count = find(body, start, end, 8)
  const said = find(body, start, end, 18)
  let message = ''
  if (said >= 0) {
    const size = uvarint(body, said)
    message = text(body, cursor, Math.min(cursor + size, end))
  }
  if (count < 0) return { rejected: 0, message }
  const low = uvarint64(body, count)
  return { rejected: Number(signed64(low, high)), message }
}

function jsonPartialSuccess(body: Uint8Array): Partial {
  const parsed = quietly(() => JSON.parse(Buffer.from(body).toString()) as { partialSuccess?: Record<string, unknown> })
  const partial = parsed?.partialSuccess ?? {}
  const rejected = Object.entries(partial).find(([key]) => key.startsWith('rejected'))?.[1]
  const message = partial['errorMessage']
  return { rejected: Number(rejected ?? 0), message: typeof message === 'string' ? message : '' }
}

function jsonMessage(body: Uint8Array): string {
  const { message } = JSON.parse(Buffer.from(body).toString()) as { message?: unknown }
  return typeof message === 'string' ? message : ''
}

/** What a server wrote may be anything; a text that cannot be read is no reason to stop. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
