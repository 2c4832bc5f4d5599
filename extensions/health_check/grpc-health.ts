/** `grpc.health.v1.Health/Check`: what Kubernetes' gRPC probes and load balancers ask. `service` is a pipeline, `extensions`, or empty for all. */
import type { UnaryHandler } from '../../pipeline/net/grpc-call.ts'
import { Code } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'

/** `serving` answers undefined for a service that there is not. */
export function healthMethods(serving: (service: string) => boolean | undefined): ReadonlyMap<string, UnaryHandler> {
  const check: UnaryHandler = async (message) => {
    const isServing = serving(serviceOf(message))
    if (isServing === undefined) throw new StatusError(Code.NOT_FOUND, 'Service not found.')
    // HealthCheckResponse { status: SERVING = 1 | NOT_SERVING = 2 }
    return new Uint8Array([0x08, isServing ? 1 : 2])
  }
  return new Map([['/grpc.health.v1.Health/Check', check]])
}

const serviceTag = 0x0a
const longestService = 127

/** HealthCheckRequest has one field; a name that needs a longer length is no pipeline's. */
function serviceOf(message: Uint8Array): string {
  if (message.length === 0) return ''
  const length = message[1] ?? 0
  if (message[0] !== serviceTag || length > longestService || message.length !== length + 2)
    throw new StatusError(Code.INVALID_ARGUMENT, 'not a grpc.health.v1.HealthCheckRequest')
  return Buffer.from(message.buffer, message.byteOffset + 2, length).toString()
}
