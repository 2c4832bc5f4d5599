/** What a sender is told: upstream's `otlpreceiver/internal/errors` and `statusutil`. */
import { Rejected } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Code, type Status } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'

/** The status of whatever a request failed with. */
export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status
  const message = errorMessage(error)
  if (!(error instanceof Rejected)) return { code: Code.INTERNAL, message }
  const code = error.grpcCode ?? (error.retryable ? Code.UNAVAILABLE : Code.INTERNAL)
  if (error.retryAfterMs !== undefined) return { code, message, retryDelayMs: error.retryAfterMs }
  // Exporters take RESOURCE_EXHAUSTED without RetryInfo for permanent, and drop the data.
  if (code === Code.RESOURCE_EXHAUSTED && error.retryable) return { code, message, retryDelayMs: 0 }
  return { code, message }
}
