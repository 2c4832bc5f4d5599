import type { Status } from './status.ts'

/** Ends a request with exactly this status. */
export class StatusError extends Error {
  readonly status: Status

  constructor(code: number, message: string, retryDelayMs?: number) {
    super(message)
    this.name = 'StatusError'
    this.status = retryDelayMs === undefined ? { code, message } : { code, message, retryDelayMs }
  }
}
