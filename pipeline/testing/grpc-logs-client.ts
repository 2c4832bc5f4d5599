import { type CallOptions, type Client, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js'

/** A grpc-js client of the OTLP logs service that sends bytes as they are. */
export const GrpcLogsClient = makeGenericClientConstructor(
  {
    export: {
      path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  },
  'logs',
)
type Export = (bytes: Uint8Array, options: CallOptions, done: (error: ServiceError | null) => void) => void

/** Rejects with a `ServiceError` when the far end does not acknowledge. */
export function exportLogs(client: Client, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    ;(client as unknown as { export: Export }).export(bytes, options, (error) =>
      error === null ? resolve() : reject(error),
    )
  })
}
