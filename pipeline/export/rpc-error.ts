import { Rejected } from '../component.ts'
import { Code } from '../net/status.ts'

const names = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
]

/** A refusal that reads as upstream's does: `rpc error: code = Unavailable desc = ...`. */
export function rpcRejected(
  code: number,
  description: string,
  refusal: { readonly retryable: boolean; readonly retryAfterMs?: number | undefined; readonly cause?: unknown },
): Rejected {
  const name = names[code] ?? `Code(${code})`
  return new Rejected(`rpc error: code = ${name} desc = ${description}`, {
    retryable: refusal.retryable,
    grpcCode: code,
    ...(refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs }),
    ...(refusal.cause === undefined ? {} : { cause: refusal.cause }),
  })
}

/** OTLP's table: what may get through later. ResourceExhausted only where the server says when to come back. */
export function isRetryableCode(code: number, hasRetryInfo: boolean): boolean {
  switch (code) {
    case Code.CANCELLED:
    case Code.DEADLINE_EXCEEDED:
    case Code.ABORTED:
    case Code.OUT_OF_RANGE:
    case Code.UNAVAILABLE:
    case Code.DATA_LOSS:
      return true
    case Code.RESOURCE_EXHAUSTED:
      return hasRetryInfo
    default:
      return false
  }
}

/** The `error.type` that upstream gives a failed export: the name of its gRPC code, `_OTHER` where it has none. */
export function errorType({ grpcCode, message }: Rejected): string {
  if (grpcCode !== undefined) return names[grpcCode] ?? `Code(${grpcCode})`
  if (message.endsWith('context deadline exceeded')) return 'Deadline_Exceeded'
  return message.startsWith('export interrupted') ? 'Shutdown' : '_OTHER'
}
