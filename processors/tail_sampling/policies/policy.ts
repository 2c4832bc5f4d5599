import type { TraceView } from '../trace-view.ts'

/** An error is thrown. */
export type Decision = 'sampled' | 'not_sampled' | 'dropped'

export interface Policy {
  /** Sets `trace.threshold` where it keeps a share of the traces. */
  decide(trace: TraceView): Decision
  /** Of a limit that must see all traces that are due before it decides one. */
  readonly budget?: Budget
}

/** A limit that keeps the traces with the highest randomness, so that its share is a threshold that later counts can be adjusted by. */
export interface Budget {
  /** Begins a round. */
  begin(): void
  /** One of the traces that are due. */
  see(trace: TraceView): void
  /** All were seen: fixes the threshold, and spends the tokens. */
  settle(): void
}

/** What a policy keeps between traces, as plain data; it survives a reload. */
export interface Stateful {
  save(): unknown
  restore(state: unknown): void
}
