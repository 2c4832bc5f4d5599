/** `Export*PartialSuccess` in the answer of an OTLP server: it took the request, but not all of it. */
import protobuf from 'protobufjs/minimal.js'
import type { Context } from '../component.ts'
import type { Signal } from '../data/telemetry.ts'

export interface PartialSuccess {
  readonly rejected: number
  readonly message: string
}

const nothingRejected: PartialSuccess = { rejected: 0, message: '' }
/** Upstream's names of the log field. */
const fieldNames = {
  traces: 'dropped_spans',
  metrics: 'dropped_data_points',
  logs: 'dropped_log_records',
  profiles: 'dropped_samples',
} as const satisfies Record<Signal, string>
const jsonNames = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  profiles: 'rejectedProfiles',
} as const satisfies Record<Signal, string>

/** Throws when the bytes are no `Export*ServiceResponse`. */
export function readPartialSuccess(body: Uint8Array): PartialSuccess {
  const reader = protobuf.Reader.create(body)
  let found = nothingRejected
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 10) found = readDetail(reader.bytes())
    else reader.skipType(tag & 7)
  }
  return found
}

/** The same as OTLP JSON. Throws when it is not JSON. */
export function readPartialSuccessJson(signal: Signal, body: Uint8Array): PartialSuccess {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(body))
  const detail = member(parsed, 'partialSuccess')
  const rejected = Number(member(detail, jsonNames[signal]) ?? 0)
  const message = member(detail, 'errorMessage')
  return { rejected: Number.isFinite(rejected) ? rejected : 0, message: typeof message === 'string' ? message : '' }
}

/** The request counts as sent, as upstream has it; what the server did not keep is a loss all the same. */
export function reportPartialSuccess(
  context: Pick<Context, 'logger' | 'dropped'>,
  signal: Signal,
  { rejected, message }: PartialSuccess,
): void {
  if (rejected === 0 && message === '') return
  context.logger.warn('Partial success response', { message, [fieldNames[signal]]: rejected })
  if (rejected > 0) context.dropped(rejected, 'partial_success', 'lost')
}

function readDetail(body: Uint8Array): PartialSuccess {
  const reader = protobuf.Reader.create(body)
  let rejected = 0
  let message = ''
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 8) rejected = Number(reader.int64())
    else if (tag === 18) message = reader.string()
    else reader.skipType(tag & 7)
  }
  return { rejected, message }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
