/**
 * What the ranking of root causes takes: a graph of nodes by index, and what was seen at them. It never sees a name. Extractors turn series,
 * spans, log templates, alerts and changes into sightings; `rank` weighs them.
 */

export type NodeKind = 'service' | 'instance' | 'node' | 'database' | 'query' | 'pool' | 'cache' | 'queue' | 'external'

/** What was seen at a node. Each hypothesis expects some of them at its root, and others at those who only suffer. */
export const sightingKinds = [
  /** Time spent in the node itself, without its callees. */
  'self_time',
  /** Time of whole calls to it, callees included. */
  'latency',
  /** Client's duration less server's, of calls to the node. */
  'network_gap',
  'errors',
  /** Errors that did not come from a callee. */
  'own_errors',
  'requests',
  'cpu',
  'memory',
  'disk',
  'network_io',
  'pool',
  'cache',
  'queue',
  'restarts',
  'silence',
  /** Log or span events that always came and no longer do, and new ones. */
  'log_support',
  'new_logs',
  'log_errors',
  /** An unnamed figure of the node, of which nothing is known but that it changed. */
  'other',
  /** Its figures move with what is felt, while it is felt. */
  'together',
  /** A deploy, flag, configuration... of the node. */
  'change',
  /** An alert of another system, by what it looked at. */
  'alert_metric',
  'alert_trace',
  'alert_log',
] as const
export type SightingKind = (typeof sightingKinds)[number]

export interface Sighting {
  /** Index of the node. */
  readonly node: number
  readonly kind: SightingKind
  /**
   * -ln p of what was seen if nothing were the matter, after as many looks as were taken; at least 0. 27.6 (p = 1e-12) is the most. A sighting of 0 says
   * that somebody looked and all was as usual, which speaks against hypotheses that expect more; no sighting of a kind says that nobody could look.
   */
  readonly surprise: number
  /** 1 = more than usual, -1 = less, 0 = neither. */
  readonly direction: -1 | 0 | 1
  /** How large, at least 0: the absolute logarithm of observed over expected, or the difference of ratios; comparable between nodes within a kind only. */
  readonly effect: number
  /** s on the case's clock, and how far it may be off; NaN where it cannot be dated. */
  readonly since: number
  readonly sinceUncertainty: number
  /** What the extractor needs to say which metric, trace, template or change it was; `rank` hands it through. */
  readonly reference: number
}

export interface RootCauseCase {
  readonly nodes: readonly NodeKind[]
  /** Caller -> callee, messages included: producer -> consumer is an edge too. */
  readonly source: Uint32Array
  readonly target: Uint32Array
  /** Calls in the time looked at, per edge; NaN where unknown. */
  readonly calls: Float64Array
  /** The node that each is a part of (instance of a service, query of a database), else -1. */
  readonly partOf: Int32Array
  /** The machine that each runs on, else -1. */
  readonly runsOn: Int32Array
  /** Where users feel it, or the alarm was; empty where that is unknown. */
  readonly felt: readonly number[]
  /**
   * By node, 0 to 1: how much of what is felt beyond the usual (time or failures, summed over requests) the node's own excess of the same kind could account
   * for, whoever else shows it; NaN where unknown. See impact.ts.
   */
  readonly accountsFor?: Float64Array
  /** s on the case's clock: when the alarm says that it began; it may be a minute early or late. */
  readonly onset: number
  readonly sightings: readonly Sighting[]
}

export interface RankedCause {
  readonly node: number
  /** As pipeline/vocabulary/diagnosis.ts names it. */
  readonly hypothesis: string
  /** Logarithm of how much likelier all that was seen is if this is the cause than if nothing is, after explaining away; temporal order and walk included. */
  readonly score: number
  /** Of this pair of node and hypothesis; with all others and `none` it sums to 1. */
  readonly probability: number
  /** The node's own sightings (its parts' and its whole's too), strongest first: how much likelier each is if the node is the cause than if it only suffers. */
  readonly support: readonly { readonly sighting: number; readonly logLikelihoodRatio: number }[]
  /** Strongest sightings of other nodes that this cause would explain. */
  readonly explains: readonly number[]
}

/** What `rank` answers with. */
export interface Ranking {
  /** One for each node, under its likeliest hypothesis; best first. Nodes that nothing speaks for come last. */
  readonly causes: readonly RankedCause[]
  /** By node, over all its hypotheses. */
  readonly nodeProbability: Float64Array
  /** That none of these nodes is the cause. */
  readonly none: number
  /** `confirmed` never comes from statistics. */
  readonly verdict: 'likely' | 'inconclusive'
}
