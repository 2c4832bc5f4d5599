/** Of an action: what it refused or cut off is not the world's fault but the choice of who did it. */
export class Guard {
  refusedCalls = 0
  /** Requests of users that ended badly and had met a refusal of it, or were cut off by it. */
  refusedRequests = 0
  /** Batches of telemetry that were not sent because of it. */
  lostBatches = 0
}
