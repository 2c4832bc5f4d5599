/**
 * Panes: what was counted in ten seconds of event time. All are deltas whose points start and end with their pane, so what comes late is one point
 * more of its pane, what several shards saw adds up exactly, and the sum over a pane's points is always right.
 */

export const paneSeconds = 10
export const paneNanos = 10_000_000_000n

/** Made by `trace_features` of spans; each for entities as `entity.ts` writes them. */
export const tracePanes = {
  /** Delta sum, {request}: how many there were, with what head sampling left out added back (a double). Attribute `vigil.edge.type` on edges. */
  requests: 'vigil.trace.requests',
  /** Delta sum, {request}: how many of them failed; no point where none did. */
  errors: 'vigil.trace.errors',
  /** Delta sum, {span}: how many of them were seen: what says how much the others can be relied on. */
  sampled: 'vigil.trace.sampled',
  /** Delta exponential histogram, s. Its scale is 5 or lower. */
  duration: 'vigil.trace.duration',
  /** Delta exponential histogram, s: duration without the union of the calls made; of services, operations, versions and instances, once their trace is complete. */
  selfTime: 'vigil.trace.self_time',
  /** Delta exponential histogram, s: client's duration without the server's, of the called service and instance and of the edge, once the trace is complete. */
  networkGap: 'vigil.trace.network_gap',
  /**
   * Delta sum, {request}: requests of an entry operation that crossed the entity of `crossed`. The share is over those that crossed the operation itself,
   * which are the traces that were read: its `requests` have others, too.
   */
  crossings: 'vigil.trace.crossings',
  /** Delta sum, {request}: those of them that failed. */
  crossingErrors: 'vigil.trace.crossing_errors',
} as const

export const paneAttributes = {
  /** `entityId` of both ends of an edge. */
  source: 'vigil.edge.source',
  target: 'vigil.edge.target',
  /** `call`, `messaging`, `database`, `cache`. */
  edgeType: 'vigil.edge.type',
  /** `entityId` of what the requests of an operation crossed. */
  crossed: 'vigil.crossed.entity',
} as const

/** Made by `log_metrics`: their resource is the service; no entity attributes. */
export const logPanes = {
  records: 'vigil.log.records',
  newTemplates: 'vigil.log.template.new',
  burst: 'vigil.log.template.burst',
} as const
