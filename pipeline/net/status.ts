/** gRPC status codes, `google.rpc.Status` with `RetryInfo`, and the maps between gRPC and HTTP that OTLP uses. */
import protobuf from 'protobufjs/minimal.js'

export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

export interface Status {
  readonly code: number
  readonly message: string
  /** `RetryInfo.retry_delay`: how long the sender is asked to wait. */
  readonly retryDelayMs?: number
}

const retryInfoType = 'type.googleapis.com/google.rpc.RetryInfo'

/** What a receiver answers over HTTP for a gRPC status (OTLP specification, "Failures"). */
export function httpFromGrpc(code: number): number {
  switch (code) {
    case Code.OK:
      return 200
    case Code.CANCELLED:
    case Code.DEADLINE_EXCEEDED:
    case Code.ABORTED:
    case Code.OUT_OF_RANGE:
    case Code.UNAVAILABLE:
    case Code.DATA_LOSS:
      return 503
    case Code.RESOURCE_EXHAUSTED:
      return 429
    case Code.INVALID_ARGUMENT:
      return 400
    case Code.UNAUTHENTICATED:
      return 401
    case Code.PERMISSION_DENIED:
      return 403
    case Code.UNIMPLEMENTED:
      return 404
    default:
      return 500
  }
}

/** gRPC's own map, with 400 and 429 as OTLP wants them. */
export function grpcFromHttp(status: number): number {
  switch (status) {
    case 400:
      return Code.INVALID_ARGUMENT
    case 401:
      return Code.UNAUTHENTICATED
    case 403:
      return Code.PERMISSION_DENIED
    case 404:
      return Code.UNIMPLEMENTED
    case 429:
      return Code.RESOURCE_EXHAUSTED
    case 502:
    case 503:
    case 504:
      return Code.UNAVAILABLE
    default:
      return Code.UNKNOWN
  }
}

export function encodeStatus(status: Status): Uint8Array {
  const writer = protobuf.Writer.create()
  if (status.code !== 0) writer.uint32(8).int32(status.code)
  if (status.message !== '') writer.uint32(18).string(status.message)
  if (status.retryDelayMs !== undefined) {
    writer.uint32(26).fork().uint32(10).string(retryInfoType).uint32(18).fork() // details: Any{type_url, value}
    writer.uint32(10).fork() // RetryInfo.retry_delay: Duration{seconds, nanos}
    const { seconds, nanos } = split(status.retryDelayMs)
    if (seconds !== 0) writer.uint32(8).int64(seconds)
    if (nanos !== 0) writer.uint32(16).int32(nanos)
    writer.ldelim().ldelim().ldelim()
  }
  return writer.finish()
}

/** Of a body that some server sent: throws when it is not a `google.rpc.Status`; unknown details are skipped. */
export function decodeStatus(body: Uint8Array): Status {
  const reader = protobuf.Reader.create(body)
  let code = 0
  let message = ''
  let retryDelayMs: number | undefined
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 8) code = reader.int32()
    else if (tag === 18) message = reader.string()
    else if (tag === 26) retryDelayMs = readDetail(reader.bytes()) ?? retryDelayMs
    else reader.skipType(tag & 7)
  }
  return retryDelayMs === undefined ? { code, message } : { code, message, retryDelayMs }
}

/** The JSON form, as protojson writes it. */
export function statusToJson(status: Status): string {
  const details =
    status.retryDelayMs === undefined
      ? undefined
      : [{ '@type': retryInfoType, retryDelay: `${Math.max(0, status.retryDelayMs) / 1_000}s` }]
  return JSON.stringify({ code: status.code, message: status.message, details })
}

function readDetail(body: Uint8Array): number | undefined {
  const reader = protobuf.Reader.create(body)
  let type = ''
  let value: Uint8Array | undefined
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 10) type = reader.string()
    else if (tag === 18) value = reader.bytes()
    else reader.skipType(tag & 7)
  }
  if (type !== retryInfoType) return undefined
  return value === undefined ? 0 : readRetryInfo(value)
}

function readRetryInfo(body: Uint8Array): number {
  const reader = protobuf.Reader.create(body)
  let delayMs = 0
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 10) delayMs = readDuration(reader.bytes())
    else reader.skipType(tag & 7)
  }
  return delayMs
}

function readDuration(body: Uint8Array): number {
  const reader = protobuf.Reader.create(body)
  let ms = 0
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 8) ms += Number(reader.int64()) * 1_000
    else if (tag === 16) ms += reader.int32() / 1_000_000
    else reader.skipType(tag & 7)
  }
  return ms
}

function split(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.trunc(ms / 1_000)
  return { seconds, nanos: Math.round((ms - seconds * 1_000) * 1_000_000) }
}
