/** How a call ended, as its caller sees it. */
export type Outcome =
  | 'ok'
  /** The callee failed: 500, INTERNAL. */
  | 'error'
  /** The caller gave up. */
  | 'timeout'
  /** Nobody could take it: 503, UNAVAILABLE. */
  | 'refused'
  /** A rate limit: 429, RESOURCE_EXHAUSTED. */
  | 'limited'
  /** The caller's own circuit breaker. */
  | 'broken'
  /** The connection ended in the middle. */
  | 'reset'
  /** The name could not be resolved. */
  | 'dns'
  /** The certificate was not accepted. */
  | 'tls'

const passing: ReadonlySet<Outcome> = new Set<Outcome>(['timeout', 'refused', 'reset', 'dns'])

/** Whether the same call may do better in a moment. */
export function mayPass(outcome: Outcome): boolean {
  return passing.has(outcome)
}
