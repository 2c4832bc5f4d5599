/**
 * What each hypothesis expects to see where the cause is, and what those suffer who call it. Reasons from mechanism (queueing, call graphs), not from
 * labelled cases: a number is the probability that a thing of this kind is seen if the hypothesis holds and somebody looks.
 */
import type { NodeKind, SightingKind } from './evidence.ts'

/** Probability, and the direction that it then has: 1 up, -1 down, 0 either. */
export type Expected = readonly [probability: number, direction: -1 | 0 | 1]
export type Signature = Readonly<Partial<Record<SightingKind, Expected>>>

/** How a fault travels to callers. */
export const spreads = ['slow', 'failing', 'both', 'load'] as const
export type Spread = (typeof spreads)[number]

export interface HypothesisSignature {
  /** As pipeline/vocabulary/diagnosis.ts names it. */
  readonly name: string
  /** Where it can sit; undefined = anywhere but on machines and externals. */
  readonly at?: readonly NodeKind[]
  /** Relative to the others, before anything was seen. */
  readonly prior: number
  readonly root: Signature
  readonly spread: Spread
}

/** What turns up by itself: a faulty series, a second and unrelated matter, a p-value that is not what it says. */
export const byItself = 0.03
/** Kinds that turn up by themselves more often: load and logs are never quite alike, and an unnamed figure may be anything. */
export const oftenByItself: Readonly<Partial<Record<SightingKind, number>>> = {
  requests: 0.1,
  network_io: 0.08,
  new_logs: 0.1,
  log_support: 0.05,
  other: 0.08,
  cache: 0.06,
  queue: 0.06,
  together: 0.1,
  alert_metric: 0.15,
  alert_trace: 0.1,
  alert_log: 0.1,
}

/** At the cause, whatever it is: it is more out of order than a bystander, in ways no table foresees. */
export const anyRoot: Signature = {
  latency: [0.3, 1],
  self_time: [0.2, 1],
  network_gap: [0.1, 1],
  errors: [0.3, 1],
  own_errors: [0.2, 1],
  requests: [0.25, 0],
  cpu: [0.2, 0],
  memory: [0.12, 0],
  disk: [0.12, 1],
  network_io: [0.2, 0],
  pool: [0.15, 1],
  cache: [0.1, 0],
  queue: [0.15, 1],
  restarts: [0.1, 1],
  silence: [0.1, 0],
  log_support: [0.2, 0],
  new_logs: [0.3, 1],
  log_errors: [0.3, 1],
  other: [0.4, 0],
  together: [0.7, 0],
  change: [0.05, 0],
  alert_metric: [0.7, 0],
  alert_trace: [0.6, 0],
  alert_log: [0.4, 0],
}

/** What a caller shows of a fault below it: whole calls are slow or fail, its own time and its machine are as usual. */
export const victims: Readonly<Record<Spread, Signature>> = {
  slow: victim({ latency: [0.65, 1], errors: [0.2, 1], alert_trace: [0.45, 0] }),
  failing: victim({ latency: [0.35, 0], errors: [0.65, 1], log_errors: [0.4, 1], new_logs: [0.3, 1] }),
  both: victim({ latency: [0.55, 1], errors: [0.5, 1], log_errors: [0.3, 1], new_logs: [0.25, 1] }),
  load: victim({ latency: [0.3, 1], errors: [0.2, 1], requests: [0.5, 1], cpu: [0.4, 1] }),
}

function victim(more: Signature): Signature {
  return {
    self_time: [0.08, 1],
    network_gap: [0.08, 1],
    own_errors: [0.12, 1],
    requests: [0.2, 0],
    cpu: [0.12, 0],
    memory: [0.06, 0],
    disk: [0.04, 0],
    network_io: [0.15, 0],
    pool: [0.15, 1],
    cache: [0.06, 0],
    queue: [0.15, 1],
    restarts: [0.04, 1],
    silence: [0.04, 0],
    log_support: [0.15, 0],
    new_logs: [0.2, 1],
    log_errors: [0.2, 1],
    other: [0.15, 0],
    together: [0.6, 0],
    alert_metric: [0.45, 0],
    alert_trace: [0.4, 0],
    alert_log: [0.25, 0],
    ...more,
  }
}

/** What is called by the cause: it gets more or fewer calls, and works accordingly. */
export const callees: Signature = {
  requests: [0.3, 0],
  cpu: [0.12, 0],
  network_io: [0.2, 0],
  queue: [0.1, 0],
  alert_metric: [0.25, 0],
  alert_trace: [0.15, 0],
}

/** What runs on a machine that is the cause. */
export const residents: Signature = {
  latency: [0.5, 1],
  self_time: [0.5, 1],
  errors: [0.25, 1],
  cpu: [0.4, 0],
  disk: [0.2, 1],
  restarts: [0.15, 1],
  silence: [0.1, 0],
  alert_metric: [0.5, 0],
  alert_trace: [0.4, 0],
  alert_log: [0.2, 0],
}

const machine: readonly NodeKind[] = ['node']
const stores: readonly NodeKind[] = ['database', 'query']
const running: readonly NodeKind[] = ['service', 'instance', 'database', 'cache', 'queue', 'node']
const called: readonly NodeKind[] = ['service', 'instance', 'database', 'query', 'pool', 'cache', 'queue', 'external']
const code: readonly NodeKind[] = ['service', 'instance']

export const hypothesisSignatures: readonly HypothesisSignature[] = [
  {
    // Workers are slowed: own time and processor are up, errors only once time-outs come.
    name: 'cpu',
    at: running,
    prior: 1,
    root: { cpu: [0.95, 1], self_time: [0.7, 1], latency: [0.5, 1], errors: [0.15, 1] },
    spread: 'slow',
  },
  {
    // A leak or a hog: memory is up, collections cost processor time, at the end it is killed and starts anew.
    name: 'memory',
    at: running,
    prior: 1,
    root: {
      memory: [0.95, 1],
      cpu: [0.3, 1],
      self_time: [0.35, 1],
      latency: [0.4, 1],
      restarts: [0.3, 1],
      errors: [0.25, 1],
    },
    spread: 'both',
  },
  {
    name: 'disk',
    at: running,
    prior: 0.7,
    root: { disk: [0.95, 1], self_time: [0.5, 1], latency: [0.5, 1], errors: [0.3, 1], log_errors: [0.4, 1] },
    spread: 'both',
  },
  {
    // Time passes between client and server: the node's own time is as it was.
    name: 'network',
    at: [...running, 'external'],
    prior: 1,
    root: {
      network_gap: [0.9, 1],
      latency: [0.7, 1],
      self_time: [0.08, 1],
      errors: [0.3, 1],
      network_io: [0.3, 0],
      requests: [0.2, -1],
    },
    spread: 'both',
  },
  {
    // Calls wait for a slot: own time up and the processor idle.
    name: 'pool_or_lock',
    at: ['service', 'instance', 'database', 'pool'],
    prior: 0.7,
    root: {
      pool: [0.9, 1],
      self_time: [0.6, 1],
      latency: [0.7, 1],
      errors: [0.35, 1],
      cpu: [0.1, -1],
      queue: [0.3, 1],
    },
    spread: 'both',
  },
  {
    name: 'cache',
    at: ['service', 'instance', 'cache'],
    prior: 0.5,
    root: { cache: [0.95, 0], latency: [0.6, 1], requests: [0.3, 0] },
    spread: 'slow',
  },
  {
    name: 'queue',
    at: ['service', 'instance', 'queue'],
    prior: 0.5,
    root: { queue: [0.95, 1], latency: [0.5, 1], requests: [0.3, 0] },
    spread: 'slow',
  },
  {
    name: 'query',
    at: stores,
    prior: 1,
    root: { self_time: [0.85, 1], latency: [0.9, 1], cpu: [0.4, 1], disk: [0.4, 1], pool: [0.3, 1], errors: [0.2, 1] },
    spread: 'slow',
  },
  {
    // A branch is cut short or throws: errors of its own or none at all, log events that do not come or never came, and often a shorter time.
    name: 'code',
    at: code,
    prior: 1,
    root: {
      own_errors: [0.65, 1],
      errors: [0.65, 1],
      log_support: [0.6, 0],
      new_logs: [0.5, 1],
      log_errors: [0.5, 1],
      latency: [0.3, 0],
    },
    spread: 'failing',
  },
  {
    // More comes in than usual; everything below follows.
    name: 'traffic',
    at: ['service', 'queue', 'external'],
    prior: 0.4,
    root: { requests: [0.98, 1], cpu: [0.7, 1], latency: [0.5, 1], errors: [0.3, 1], network_io: [0.6, 1] },
    spread: 'load',
  },
  {
    name: 'deploy',
    at: ['service', 'instance', 'database', 'cache', 'queue'],
    prior: 0.3,
    root: {
      change: [0.98, 0],
      restarts: [0.4, 0],
      own_errors: [0.45, 1],
      errors: [0.5, 1],
      latency: [0.5, 1],
      self_time: [0.5, 1],
      new_logs: [0.5, 1],
      log_support: [0.4, 0],
    },
    spread: 'both',
  },
  {
    name: 'config',
    at: ['service', 'instance', 'database', 'cache', 'queue'],
    prior: 0.3,
    root: {
      change: [0.98, 0],
      own_errors: [0.45, 1],
      errors: [0.5, 1],
      latency: [0.4, 1],
      new_logs: [0.4, 1],
      log_support: [0.3, 0],
    },
    spread: 'both',
  },
  {
    // Callers cannot reach it: it sees fewer calls and has nothing to complain of.
    name: 'certificate_or_dns',
    at: called,
    prior: 0.2,
    root: {
      requests: [0.7, -1],
      errors: [0.5, 1],
      silence: [0.4, 0],
      network_gap: [0.3, 1],
      own_errors: [0.1, 1],
      self_time: [0.05, 1],
    },
    spread: 'failing',
  },
  {
    name: 'node',
    at: machine,
    prior: 1,
    root: { cpu: [0.6, 1], memory: [0.3, 1], disk: [0.4, 1], network_io: [0.3, 0], silence: [0.2, 0] },
    spread: 'both',
  },
  {
    name: 'external',
    at: ['external'],
    prior: 1,
    root: { latency: [0.7, 1], errors: [0.6, 1], network_gap: [0.5, 1], silence: [0.2, 0] },
    spread: 'both',
  },
  {
    // It is slow by itself, or it fails by itself, and nobody measured why.
    name: 'unknown',
    prior: 1,
    root: { latency: [0.65, 1], self_time: [0.5, 1], errors: [0.4, 1], own_errors: [0.3, 1], other: [0.6, 0] },
    spread: 'both',
  },
]
